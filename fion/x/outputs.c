/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * outputs: the screens there are, and the room that docks leave on them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xcb/randr.h>

#include "lib/mem.h"

#include "fion/x/x_internal.h"

#define SCREEN_MIN 64 /* pixels that docks leave at least */

void
outputs_init(struct x *x)
{
	const xcb_query_extension_reply_t *ext =
	    xcb_get_extension_data(x->c, &xcb_randr_id);
	xcb_randr_query_version_reply_t *v;

	if (ext != NULL && ext->present) {
		x->has_randr = true;
		x->randr_event = ext->first_event;
		v = xcb_randr_query_version_reply(
		    x->c, xcb_randr_query_version(x->c, 1, 5), NULL);
		x->has_monitors = v != NULL &&
		    (v->major_version > 1 || v->minor_version >= 5);
		free(v);
		xcb_randr_select_input(x->c, x->root,
		    XCB_RANDR_NOTIFY_MASK_SCREEN_CHANGE |
			XCB_RANDR_NOTIFY_MASK_CRTC_CHANGE |
			XCB_RANDR_NOTIFY_MASK_OUTPUT_CHANGE);
	}
	outputs_read(x);
}

struct found {
	struct screen_info info[X_MONITORS];
	char keys[X_MONITORS][64];
	size_t n;
};

/* One more, unless it shows what another shows already. */
static void
add(struct found *f, const char *key, struct rect r, bool main)
{
	size_t at = main ? 0 : f->n;

	if (f->n == X_MONITORS || r.w < 1 || r.h < 1)
		return;
	for (size_t i = 0; i < f->n; i++) {
		const struct rect *o = &f->info[i].rect;

		if ((o->x == r.x && o->y == r.y && o->w == r.w &&
			o->h == r.h) ||
		    strcmp(f->keys[i], key) == 0)
			return;
	}
	for (size_t i = f->n; i > at; i--) {
		f->info[i] = f->info[i - 1];
		memcpy(f->keys[i], f->keys[i - 1], sizeof(f->keys[i]));
	}
	snprintf(f->keys[at], sizeof(f->keys[at]), "%s", key);
	f->info[at].rect = r;
	f->n++;
}

static void
read_monitors(struct x *x, struct found *f)
{
	xcb_randr_get_monitors_reply_t *r = xcb_randr_get_monitors_reply(
	    x->c, xcb_randr_get_monitors(x->c, x->root, 1), NULL);
	xcb_randr_monitor_info_iterator_t it;
	xcb_get_atom_name_cookie_t names[X_MONITORS];
	xcb_randr_monitor_info_t infos[X_MONITORS];
	size_t n = 0;

	if (r == NULL)
		return;
	it = xcb_randr_get_monitors_monitors_iterator(r);
	for (; it.rem > 0 && n < X_MONITORS; xcb_randr_monitor_info_next(&it)) {
		infos[n] = *it.data;
		names[n++] = xcb_get_atom_name(x->c, it.data->name);
	}
	for (size_t i = 0; i < n; i++) {
		xcb_get_atom_name_reply_t *name =
		    xcb_get_atom_name_reply(x->c, names[i], NULL);
		struct rect rect = { infos[i].x, infos[i].y, infos[i].width,
			infos[i].height };
		char key[64] = "screen";

		if (name != NULL)
			snprintf(key, sizeof(key), "%.*s",
			    xcb_get_atom_name_name_length(name),
			    xcb_get_atom_name_name(name));
		x->monitors[i] = rect;
		add(f, key, rect, infos[i].primary != 0);
		free(name);
	}
	x->n_monitors = n;
	free(r);
}

static int
less(int a, int b)
{
	return a < b ? a : b;
}

static int
more(int a, int b)
{
	return a > b ? a : b;
}

static bool
spans(int from, int to, int a, int len)
{
	return from < a + len && to >= a;
}

/* What a dock takes of a screen that its strip touches. */
static void
reserve(const struct x *x, const struct props_strut *s, struct rect r,
    struct rect *work)
{
	int sw = x->screen->width_in_pixels, sh = x->screen->height_in_pixels;
	int left = work->x, top = work->y;
	int right = work->x + work->w, bottom = work->y + work->h;

	if (s->left > r.x && s->left < r.x + r.w &&
	    spans(s->left_from, s->left_to, r.y, r.h))
		left = more(left, s->left);
	if (s->right > 0 && sw - s->right < r.x + r.w && sw - s->right > r.x &&
	    spans(s->right_from, s->right_to, r.y, r.h))
		right = less(right, sw - s->right);
	if (s->top > r.y && s->top < r.y + r.h &&
	    spans(s->top_from, s->top_to, r.x, r.w))
		top = more(top, s->top);
	if (s->bottom > 0 && sh - s->bottom < r.y + r.h &&
	    sh - s->bottom > r.y &&
	    spans(s->bottom_from, s->bottom_to, r.x, r.w))
		bottom = less(bottom, sh - s->bottom);
	if (right - left >= SCREEN_MIN && bottom - top >= SCREEN_MIN)
		*work = (struct rect){ left, top, right - left, bottom - top };
}

static void
work_area(struct x *x, struct screen_info *info)
{
	struct client *c;
	int bar = x->bar_on && x->config->set.bar ? x->bar_height : 0;

	info->work = info->rect;
	if (bar > 0 && info->rect.h > bar + SCREEN_MIN) {
		info->work.h -= bar;
		if (!x->config->set.bar_bottom)
			info->work.y += bar;
	}
	TAILQ_FOREACH(c, &x->clients, link)
		if (c->has_strut && c->win == NULL)
			reserve(x, &c->strut, info->rect, &info->work);
}

static void
tell_model(struct x *x, struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		f->info[i].key = f->keys[i];
		work_area(x, &f->info[i]);
	}
	model_set_screens(x->m, f->info, f->n);
	x->dirty = true;
}

void
outputs_read(struct x *x)
{
	struct found f = { .n = 0 };
	xcb_get_geometry_reply_t *g =
	    xcb_get_geometry_reply(x->c, xcb_get_geometry(x->c, x->root), NULL);

	x->screens_at = 0;
	if (g != NULL) {
		x->screen->width_in_pixels = g->width;
		x->screen->height_in_pixels = g->height;
	}
	free(g);
	if (x->has_monitors)
		read_monitors(x, &f);
	else
		add(&f, "screen",
		    (struct rect){ 0, 0, x->screen->width_in_pixels,
			x->screen->height_in_pixels },
		    true);
	tell_model(x, &f);
	x->hooks->event(x->ctx, "screens", NULL);
}

bool
outputs_span(const struct x *x, const uint32_t span[4], struct rect *out)
{
	const struct rect *m = x->monitors;
	int top, bottom, left, right;

	for (size_t i = 0; i < 4; i++)
		if (span[i] >= x->n_monitors)
			return false;
	top = m[span[0]].y;
	bottom = m[span[1]].y + m[span[1]].h;
	left = m[span[2]].x;
	right = m[span[3]].x + m[span[3]].w;
	*out = (struct rect){ left, top, right - left, bottom - top };
	return out->w > 0 && out->h > 0;
}

/* The same screens, with other docks. */
void
outputs_struts(struct x *x)
{
	struct found f = { .n = 0 };
	const struct screen *s;

	TAILQ_FOREACH(s, &x->m->screens, link)
		add(&f, s->key, s->rect, false);
	tell_model(x, &f);
}
