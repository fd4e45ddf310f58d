/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * strip: the tabs above a tile.
 *
 * What a strip shows is summed up in a number; only when that changes is it
 * drawn.  The picture becomes the window's background, so that the server
 * repairs it by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/text/text.h"
#include "fion/x/draw.h"
#include "fion/x/paint.h"
#include "fion/x/x_internal.h"

#define TAB_MIN_LINES 5 /* a tab is at least so many line heights wide */

uint64_t
paint_sum(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 1099511628211ULL;
	return sum;
}

void
paint_image(struct x *x, uint32_t drawable, uint32_t gc, struct rect r)
{
	size_t stride;
	const uint8_t *pixels = draw_pixels(x->draw, &stride);
	size_t max = xcb_get_maximum_request_length(x->c) * 4UL;
	int rows = (int)((max > 1048576 ? 1048576 : max - 64) / stride);

	if (rows < 1)
		return; /* a picture wider than a request: none */
	for (int y = 0; y < r.h; y += rows) {
		int n = r.h - y < rows ? r.h - y : rows;

		xcb_put_image(x->c, XCB_IMAGE_FORMAT_Z_PIXMAP, drawable, gc,
		    (uint16_t)r.w, (uint16_t)n, (int16_t)r.x,
		    (int16_t)(r.y + y), 0, x->screen->root_depth,
		    (uint32_t)(stride * (size_t)n),
		    pixels + (size_t)y * stride);
	}
}

void
paint_put(struct x *x, xcb_window_t window, int w, int h)
{
	xcb_pixmap_t pixmap = xcb_generate_id(x->c);
	xcb_gcontext_t gc = xcb_generate_id(x->c);

	xcb_create_pixmap(x->c, x->screen->root_depth, pixmap, x->root,
	    (uint16_t)w, (uint16_t)h);
	xcb_create_gc(x->c, gc, pixmap, 0, NULL);
	paint_image(x, pixmap, gc, (struct rect){ 0, 0, w, h });
	xcb_change_window_attributes(x->c, window, XCB_CW_BACK_PIXMAP, &pixmap);
	xcb_clear_area(x->c, 0, window, 0, 0, 0, 0);
	xcb_free_gc(x->c, gc);
	xcb_free_pixmap(x->c, pixmap);
}

void
paint_mark(struct x *x, uint32_t ink, int at, int w, int h)
{
	int line = h / 12 < 2 ? 2 : h / 12;

	draw_fill(x->draw, ink, at, h - line, w, line);
}

/* The colours of a tab: who has the focus, who calls, the rest. */
static void
tab_colours(struct x *x, const struct node *t, const struct win *w,
    uint32_t *ground, uint32_t *text)
{
	const struct config_settings *s = &x->config->set;

	if (w->urgent || w->hung) {
		*ground = s->urgent_background;
		*text = s->urgent_text;
	} else if (w == t->cur && t == model_tile(x->m)) {
		*ground = s->focus_background;
		*text = s->focus_text;
	} else if (w == t->cur) {
		*ground = s->tab_background;
		*text = s->tab_text;
	} else {
		*ground = s->strip_background;
		*text = s->strip_text;
	}
}

static const char *
title(const struct win *w)
{
	return w->title[0] != '\0' ? w->title :
	    w->class[0] != '\0'    ? w->class :
				     "window";
}

/* Which tabs fit, the current one among them. */
static void
choose_tabs(struct x *x, struct tilewin *tw, const struct node *t)
{
	size_t n = tile_tabs(t), fit, first = 0, at, i = 0;
	int mark = 2 * x->style.strip, from, room;
	struct win *w;

	fit = (size_t)(tw->strip_w / (TAB_MIN_LINES * x->style.strip));
	if (fit < 1)
		fit = 1;
	if (fit > 64)
		fit = 64;
	at = t->cur == NULL ? 0 : tab_index(t->cur);
	if (n > fit && at >= fit / 2)
		first = at - fit / 2 + fit > n ? n - fit : at - fit / 2;
	tw->n = 0;
	TAILQ_FOREACH(w, &t->tabs, link)
		if (i++ >= first && tw->n < fit)
			tw->tabs[tw->n++] = w;
	tw->before = first;
	tw->after = n - first - tw->n;
	from = tw->before > 0 ? mark : 0;
	room = tw->strip_w - from - (tw->after > 0 ? mark : 0);
	if (room < mark) { /* too narrow for more than the tab itself */
		tw->before = tw->after = 0;
		from = 0;
		room = tw->strip_w;
	}
	for (size_t k = 0; k <= tw->n; k++)
		tw->edges[k] =
		    from + (int)((size_t)room * k / (tw->n == 0 ? 1 : tw->n));
}

static uint64_t
sum_up(struct x *x, const struct tilewin *tw, const struct node *t)
{
	uint64_t sum = 14695981039346656037ULL;
	size_t all = tile_tabs(t);

	sum = paint_sum(sum, &tw->strip_w, sizeof(tw->strip_w));
	sum = paint_sum(sum, &all, sizeof(all));
	sum = paint_sum(sum, &tw->before, sizeof(tw->before));
	for (size_t i = 0; i < tw->n; i++) {
		uint32_t colours[2];
		bool shown = tw->tabs[i] == t->cur;

		tab_colours(x, t, tw->tabs[i], &colours[0], &colours[1]);
		sum = paint_sum(sum, colours, sizeof(colours));
		sum = paint_sum(sum, &tw->tabs[i]->id, 4);
		sum = paint_sum(sum, &shown, sizeof(shown));
		sum = paint_sum(sum, &tw->tabs[i]->tagged, 1);
		sum = paint_sum(sum, &tw->tabs[i]->hung, 1);
		sum = paint_sum(
		    sum, title(tw->tabs[i]), strlen(title(tw->tabs[i])) + 1);
	}
	return sum == 0 ? 1 : sum;
}

/* Drawn, for many a font has none, and a second font takes much memory. */
static void
paint_arrow(struct x *x, int at, int size, bool left)
{
	for (int i = 0; i < size; i++)
		draw_fill(x->draw, x->config->set.panel_key,
		    left ? at + i : at + size - 1 - i, x->style.strip / 2 - i,
		    1, 2 * i + 1);
}

/* How many tabs there are beyond either end. */
static void
paint_hidden(struct x *x, const struct tilewin *tw)
{
	int h = x->style.strip, pad = h / 3, size = h / 4;
	int end = tw->edges[tw->n], from = pad + size + pad / 2;
	uint32_t ink = x->config->set.panel_key;
	char text[32];

	if (tw->before > 0) {
		snprintf(text, sizeof(text), "%zu", tw->before);
		paint_arrow(x, pad, size, true);
		draw_text(x->draw, text, ink, from, 0, tw->edges[0] - from, h);
	}
	if (tw->after > 0) {
		snprintf(text, sizeof(text), "%zu", tw->after);
		draw_text(x->draw, text, ink, end + pad, 0,
		    tw->strip_w - end - pad - from, h);
		paint_arrow(x, tw->strip_w - pad - size, size, false);
	}
}

static void
paint(struct x *x, struct tilewin *tw, const struct node *t)
{
	int h = x->style.strip, pad = h / 3;
	char text[TEXT_BYTES + 64];

	draw_begin(x->draw, tw->strip_w, h, x->config->set.strip_background);
	for (size_t i = 0; i < tw->n; i++) {
		const struct win *w = tw->tabs[i];
		int from = tw->edges[i], to = tw->edges[i + 1];
		uint32_t ground, ink;

		tab_colours(x, t, w, &ground, &ink);
		draw_fill(x->draw, ground, from, 0, to - from, h);
		if (i > 0)
			draw_fill(
			    x->draw, x->config->set.border, from, 2, 1, h - 4);
		snprintf(text, sizeof(text), "%s%s%s", w->tagged ? "+ " : "",
		    title(w), w->hung ? " (does not answer)" : "");
		draw_text(
		    x->draw, text, ink, from + pad, 0, to - from - 2 * pad, h);
		if (w == t->cur)
			paint_mark(x, ink, from, to - from, h);
	}
	paint_hidden(x, tw);
	paint_put(x, tw->strip, tw->strip_w, h);
}

void
strip_paint_all(struct x *x)
{
	struct tilewin *tw;

	TAILQ_FOREACH(tw, &x->tiles, link) {
		struct node *t;
		uint64_t sum;

		if (!tw->mapped || !tw->strip_mapped)
			continue;
		t = tile_by_id(x->m, tw->tile);
		if (t == NULL)
			continue;
		choose_tabs(x, tw, t);
		sum = sum_up(x, tw, t);
		if (sum == tw->painted)
			continue;
		paint(x, tw, t);
		tw->painted = sum;
	}
}

struct win *
tile_win_at(struct x *x, xcb_window_t strip, int px)
{
	struct entry *en = x_lookup(x, strip);
	struct tilewin *tw = en == NULL ? NULL : en->ptr;
	struct node *t;

	if (tw == NULL || tw->strip != strip)
		return NULL;
	t = tile_by_id(x->m, tw->tile);
	if (t == NULL)
		return NULL;
	choose_tabs(x, tw, t);
	for (size_t i = 0; i < tw->n; i++)
		if (px >= tw->edges[i] && px < tw->edges[i + 1])
			return tw->tabs[i];
	return NULL;
}
