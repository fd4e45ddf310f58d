/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * render: what the model wants, against what X was last told.
 *
 * The order matters.  What becomes visible is put at its height first, below
 * what goes, mapped, and given the focus; then what goes is unmapped, tiles
 * before the frames that cover them.  So the focus never falls through, and
 * each pixel is painted once.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/model/layout.h"
#include "fion/x/x_internal.h"

#define SAVE_MS 100

static bool
same(struct rect a, struct rect b)
{
	return a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h;
}

static void
move_resize(struct x *x, xcb_window_t w, struct rect r)
{
	uint32_t v[] = { (uint32_t)r.x, (uint32_t)r.y,
		(uint32_t)(r.w < 1 ? 1 : r.w), (uint32_t)(r.h < 1 ? 1 : r.h) };

	xcb_configure_window(x->c, w,
	    XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y |
		XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT,
	    v);
}

/* Tiles ------------------------------------------------------------------- */

static struct tilewin *
tilewin_of(struct x *x, const struct node *t)
{
	struct tilewin *tw;

	TAILQ_FOREACH(tw, &x->tiles, link)
		if (tw->tile == t->id)
			return tw;
	return NULL;
}

static struct tilewin *
tilewin_new(struct x *x, const struct node *t)
{
	struct tilewin *tw = xcalloc(1, sizeof(*tw));
	uint32_t v[] = { x->config->set.background, x->config->set.border, 1,
		XCB_EVENT_MASK_BUTTON_PRESS | XCB_EVENT_MASK_ENTER_WINDOW };

	tw->tile = t->id;
	tw->window = xcb_generate_id(x->c);
	tw->strip = xcb_generate_id(x->c);
	tw->border = v[1];
	xcb_create_window(x->c, XCB_COPY_FROM_PARENT, tw->window, x->root, 0, 0,
	    1, 1, (uint16_t)x->style.border, XCB_WINDOW_CLASS_INPUT_OUTPUT,
	    XCB_COPY_FROM_PARENT,
	    XCB_CW_BACK_PIXEL | XCB_CW_BORDER_PIXEL | XCB_CW_OVERRIDE_REDIRECT |
		XCB_CW_EVENT_MASK,
	    v);
	v[0] = x->config->set.strip_background;
	v[1] = XCB_EVENT_MASK_BUTTON_PRESS;
	xcb_create_window(x->c, XCB_COPY_FROM_PARENT, tw->strip, tw->window, 0,
	    0, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
	    XCB_CW_BACK_PIXEL | XCB_CW_EVENT_MASK, v);
	x_remember(x, tw->window, OWNER_TILE, tw);
	x_remember(x, tw->strip, OWNER_TILE, tw);
	TAILQ_INSERT_TAIL(&x->tiles, tw, link);
	return tw;
}

static void
tilewin_free(struct x *x, struct tilewin *tw)
{
	x_forget(x, tw->window);
	x_forget(x, tw->strip);
	xcb_destroy_window(x->c, tw->window);
	TAILQ_REMOVE(&x->tiles, tw, link);
	free(tw);
}

static void
render_strip_window(struct x *x, struct tilewin *tw, const struct node *t)
{
	bool want = tile_has_strip(t, &x->style);
	uint32_t v[2];

	if (want &&
	    (tw->strip_w != tw->at.w || tw->strip_h != x->style.strip)) {
		tw->strip_w = tw->at.w;
		tw->strip_h = x->style.strip;
		v[0] = (uint32_t)tw->strip_w;
		v[1] = (uint32_t)tw->strip_h;
		xcb_configure_window(x->c, tw->strip,
		    XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, v);
		tw->painted = 0;
	}
	if (want && !tw->strip_mapped)
		xcb_map_window(x->c, tw->strip);
	if (!want && tw->strip_mapped)
		xcb_unmap_window(x->c, tw->strip);
	tw->strip_mapped = want;
}

static void
render_tile(struct x *x, struct node *t)
{
	struct tilewin *tw = tilewin_of(x, t);
	const struct config_settings *set = &x->config->set;
	bool cur = t == model_tile(x->m);
	uint32_t border = cur ? set->focus_background : set->border;
	struct rect r = t->rect;
	int b = x->style.border;

	if (tw == NULL)
		tw = tilewin_new(x, t);
	tw->seen = true;
	r.w = r.w - 2 * b < 1 ? 1 : r.w - 2 * b;
	r.h = r.h - 2 * b < 1 ? 1 : r.h - 2 * b;
	if (!same(tw->at, r)) {
		move_resize(x, tw->window, r);
		tw->at = r;
	}
	if (tw->border != border) {
		xcb_change_window_attributes(
		    x->c, tw->window, XCB_CW_BORDER_PIXEL, &border);
		tw->border = border;
	}
	render_strip_window(x, tw, t);
}

/* After the frames, which cover most of them. */
static void
show_tiles(struct x *x)
{
	struct tilewin *tw;

	TAILQ_FOREACH(tw, &x->tiles, link) {
		if (tw->seen && !tw->mapped)
			xcb_map_window(x->c, tw->window);
		tw->mapped = tw->mapped || tw->seen;
	}
}

/* Those of tiles that are hidden or gone. */
static void
drop_tiles(struct x *x)
{
	struct tilewin *tw, *next;

	TAILQ_FOREACH_SAFE(tw, &x->tiles, link, next) {
		struct node *t;

		if (tw->seen)
			continue;
		t = tile_by_id(x->m, tw->tile);
		if (t == NULL) {
			tilewin_free(x, tw);
		} else if (tw->mapped) {
			xcb_unmap_window(x->c, tw->window);
			tw->mapped = false;
		}
	}
}

/* Frames ------------------------------------------------------------------ */

/* Where the client lies in its frame: all of it, unless it has its way. */
static struct rect
inner_rect(const struct client *c, struct rect frame)
{
	struct rect r = { 0, 0, frame.w, frame.h };

	if (c->win->full != FULL_SCREEN && !c->win->floating) {
		if (c->follow_hints)
			props_constrain(&c->size, &r.w, &r.h);
		/* Too small for it: it is cut, and the tile stays. */
		if (r.w < c->size.min_w)
			r.w = c->size.min_w;
		if (r.h < c->size.min_h)
			r.h = c->size.min_h;
		if (r.w > frame.w * 4)
			r.w = frame.w;
		if (r.h > frame.h * 4)
			r.h = frame.h;
	}
	return r;
}

/* Where the frame lies: a fullscreen one may span several screens. */
static struct rect
frame_rect(struct x *x, const struct client *c)
{
	struct rect r;

	if (c->win->full == FULL_SCREEN && c->has_span &&
	    outputs_span(x, c->span, &r))
		return r;
	return win_place(x->m, c->win, &x->style);
}

static void
render_frame(struct x *x, struct client *c)
{
	struct rect r = frame_rect(x, c);
	struct rect inner = inner_rect(c, r);
	bool resized = !same(inner, c->inner_at) && sync_ready(x, c);

	if (!same(r, c->frame_at)) {
		move_resize(x, c->frame, r);
		c->frame_at = r;
		if (!resized)
			configure_tell(x, c);
	}
	if (resized) {
		move_resize(x, c->id, inner);
		c->inner_at = inner;
		configure_tell(x, c);
	}
}

static void
set_wm_state(struct x *x, struct client *c, int state)
{
	uint32_t v[2] = { (uint32_t)state, XCB_NONE };

	if (c->sent_wm_state == state)
		return;
	c->sent_wm_state = state;
	x_prop_cards(x, c->id, X_WM_STATE, x->atoms[X_WM_STATE], v, 2);
}

static void
show_frame(struct x *x, struct client *c)
{
	if (c->frame_mapped)
		return;
	c->hints.iconic = false;
	render_client_state(x, c); /* HIDDEN goes before it is seen */
	xcb_map_window(x->c, c->id);
	xcb_map_window(x->c, c->frame);
	c->frame_mapped = true;
	set_wm_state(x, c, 1);
}

/* A hidden tab is mapped in a frame that is not: it stays a normal window. */
static void
keep_hidden(struct x *x, struct client *c)
{
	if (c->sent_wm_state != 0)
		return;
	render_frame(x, c);
	if (c->hints.iconic) {
		set_wm_state(x, c, 3);
	} else {
		xcb_map_window(x->c, c->id);
		set_wm_state(x, c, 1);
	}
}

static void
hide_frame(struct x *x, struct client *c)
{
	if (c->frame_mapped)
		xcb_unmap_window(x->c, c->frame);
	c->frame_mapped = false;
}

/* Stacking ------------------------------------------------------------------ */

static void
push(struct buf *b, xcb_window_t w)
{
	buf_add(b, &w, sizeof(w));
}

/* The height a window lies at; 0: it is not shown. */
static int
layer(struct x *x, const struct client *c)
{
	if (c->kind == KIND_DESKTOP)
		return 1;
	if (c->kind == KIND_DOCK)
		return c->below ? 2 : 4;
	if (c->win == NULL || !win_visible(x->m, c->win))
		return 0;
	if (c->kind == KIND_NOTIFICATION)
		return 9;
	if (c->win->tile == x->m->scratch)
		return c->win->floating ? 8 : 7;
	if (c->win->leader != NULL && c->win->leader->full == FULL_SCREEN)
		return 6;
	if (c->win->full == FULL_SCREEN)
		return c->win == model_focused(x->m) || !c->win->floating ? 6 :
									    5;
	return c->win->floating ? 5 : 3;
}

static void
push_layer(struct x *x, struct buf *b, int want)
{
	struct client *c, *last = NULL;
	struct win *focused = model_focused(x->m);

	TAILQ_FOREACH(c, &x->clients, link) {
		if (layer(x, c) != want)
			continue;
		if (c->win != NULL && c->win == focused && c->win->floating)
			last = c;
		else
			push(b, c->win != NULL ? c->frame : c->id);
	}
	if (last != NULL)
		push(b, last->frame);
}

static void
push_tiles(struct x *x, struct buf *b, bool scratch)
{
	struct tilewin *tw;

	TAILQ_FOREACH(tw, &x->tiles, link)
		if (tw->seen && (tw->tile == x->m->scratch->id) == scratch)
			push(b, tw->window);
}

void
render_stack(struct x *x)
{
	struct buf b = { 0 };
	struct barwin *bar;
	xcb_window_t below = XCB_NONE, w;

	push_layer(x, &b, 1);
	push_layer(x, &b, 2);
	push_tiles(x, &b, false);
	push_layer(x, &b, 3);
	TAILQ_FOREACH(bar, &x->bars, link)
		push(&b, bar->window);
	for (int i = 4; i <= 9; i++) {
		if (i == 7)
			push_tiles(x, &b, true);
		push_layer(x, &b, i);
	}
	if (b.len == x->sent_layers.len &&
	    (b.len == 0 || memcmp(b.data, x->sent_layers.data, b.len) == 0)) {
		buf_free(&b);
		return;
	}
	for (size_t i = 0; i < b.len; i += sizeof(w)) {
		uint32_t v[2];

		memcpy(&w, b.data + i, sizeof(w));
		v[0] = below;
		v[1] = XCB_STACK_MODE_ABOVE;
		if (below == XCB_NONE) {
			v[0] = XCB_STACK_MODE_BELOW;
			xcb_configure_window(
			    x->c, w, XCB_CONFIG_WINDOW_STACK_MODE, v);
		} else {
			xcb_configure_window(x->c, w,
			    XCB_CONFIG_WINDOW_SIBLING |
				XCB_CONFIG_WINDOW_STACK_MODE,
			    v);
		}
		below = w;
	}
	buf_free(&x->sent_layers);
	x->sent_layers = b;
}

/* ------------------------------------------------------------------------ */

/* _NET_WM_STATE as it is, when it is not what was sent. */
void
render_client_state(struct x *x, struct client *c)
{
	const struct win *w = c->win;
	bool focused = w == model_focused(x->m);
	bool hidden = !w->floating && w->tile->cur != w;
	uint32_t bits, v[12];
	size_t n = 0;
	const struct {
		bool on;
		enum x_atom atom;
	} states[] = {
		{ w->full != FULL_NONE, X__NET_WM_STATE_FULLSCREEN },
		{ hidden, X__NET_WM_STATE_HIDDEN },
		{ focused, X__NET_WM_STATE_FOCUSED },
		{ w->urgent, X__NET_WM_STATE_DEMANDS_ATTENTION },
		{ c->modal, X__NET_WM_STATE_MODAL },
		{ c->maximized, X__NET_WM_STATE_MAXIMIZED_VERT },
		{ c->maximized, X__NET_WM_STATE_MAXIMIZED_HORZ },
		{ c->skip_taskbar, X__NET_WM_STATE_SKIP_TASKBAR },
		{ c->above, X__NET_WM_STATE_ABOVE },
		{ c->below, X__NET_WM_STATE_BELOW },
	};

	bits = 0;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!states[i].on)
			continue;
		bits |= 1U << i;
		v[n++] = x->atoms[states[i].atom];
	}
	if (bits == c->sent_state)
		return;
	c->sent_state = bits;
	x_prop_cards(x, c->id, X__NET_WM_STATE, XCB_ATOM_ATOM, v, n);
}

void
x_save_layout(struct x *x)
{
	json_t *j = layout_tree(x->m, false);
	char *text = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	x_prop_text(x, x->root, X__FION_LAYOUT, text);
	free(text);
	x->dirty = false;
	x->save_at = 0;
}

void
x_reconcile(struct x *x)
{
	struct client *c;
	struct tilewin *tw;

	said_refresh(x);
	client_manage_pending(x);
	bar_update(x);
	model_layout(x->m);
	TAILQ_FOREACH(tw, &x->tiles, link)
		tw->seen = false;
	for (struct node *t = model_first_tile(x->m); t != NULL;
	     t = model_next_tile(x->m, t))
		if (tile_visible(x->m, t))
			render_tile(x, t);
	TAILQ_FOREACH(c, &x->clients, link)
		if (c->win != NULL && win_visible(x->m, c->win))
			render_frame(x, c);
	render_stack(x);
	TAILQ_FOREACH(c, &x->clients, link)
		if (c->win != NULL && win_visible(x->m, c->win))
			show_frame(x, c);
	show_tiles(x);
	focus_apply(x);
	drop_tiles(x);
	TAILQ_FOREACH(c, &x->clients, link) {
		if (c->win == NULL)
			continue;
		if (!win_visible(x->m, c->win)) {
			hide_frame(x, c);
			keep_hidden(x, c);
		}
		render_client_state(x, c);
	}
	ewmh_update(x);
	x->unpainted = true;
	if (x->dirty && x->save_at == 0)
		x->save_at = x_now() + SAVE_MS;
	xcb_flush(x->c);
}
