/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * panel: the bar of each screen: its window, and its pieces drawn.
 *
 * It is a line high; the keys of a mode that need more get more lines, over
 * the tiles, for as long as the mode waits.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/x/draw.h"
#include "fion/x/paint.h"
#include "fion/x/pieces.h"
#include "fion/x/x_internal.h"

#define SUM_BEGINS 14695981039346656037ULL

static struct barwin *
bar_of(struct x *x, const char *screen)
{
	struct barwin *b;

	TAILQ_FOREACH(b, &x->bars, link)
		if (strcmp(b->screen, screen) == 0)
			return b;
	return NULL;
}

/* Another size, another picture. */
static void
drop_picture(struct x *x, struct barwin *b)
{
	if (b->picture == 0)
		return;
	xcb_free_gc(x->c, b->gc);
	xcb_free_pixmap(x->c, b->picture);
	b->picture = 0;
	b->n_cells = 0;
}

static void
bar_drop(struct x *x, struct barwin *b)
{
	drop_picture(x, b);
	tray_leave(x, b->window);
	x_forget(x, b->window);
	xcb_destroy_window(x->c, b->window);
	TAILQ_REMOVE(&x->bars, b, link);
	free(b->screen);
	free(b);
}

void
bar_free(struct x *x)
{
	struct barwin *b;

	while ((b = TAILQ_FIRST(&x->bars)) != NULL) {
		TAILQ_REMOVE(&x->bars, b, link);
		free(b->screen);
		free(b);
	}
}

static struct barwin *
bar_new(struct x *x, const struct screen *s)
{
	struct barwin *b = xcalloc(1, sizeof(*b));
	uint32_t v[] = { x->config->set.bar_background, 1,
		XCB_EVENT_MASK_BUTTON_PRESS |
		    XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT };

	b->screen = xstrdup(s->key);
	b->lines = 1;
	b->window = xcb_generate_id(x->c);
	xcb_create_window(x->c, XCB_COPY_FROM_PARENT, b->window, x->root, 0, 0,
	    1, 1, 0, XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
	    XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK,
	    v);
	x_remember(x, b->window, OWNER_BAR, b);
	TAILQ_INSERT_TAIL(&x->bars, b, link);
	return b;
}

/* Its window, as high as its lines, at an edge of the screen. */
static void
bar_place(struct x *x, struct barwin *b, const struct screen *s)
{
	struct rect r = s->rect;
	uint32_t v[4];

	r.h = x->bar_height * b->lines;
	if (x->config->set.bar_bottom)
		r.y += s->rect.h - r.h;
	if (memcmp(&r, &b->at, sizeof(r)) == 0)
		return;
	v[0] = (uint32_t)r.x;
	v[1] = (uint32_t)r.y;
	v[2] = (uint32_t)r.w;
	v[3] = (uint32_t)r.h;
	xcb_configure_window(x->c, b->window,
	    XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y |
		XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT,
	    v);
	b->at = r;
	b->painted = 0;
	drop_picture(x, b);
}

void
bar_update(struct x *x)
{
	struct barwin *b, *next;
	const struct screen *s;
	bool want = x->bar_on && x->config->set.bar;

	TAILQ_FOREACH_SAFE(b, &x->bars, link, next)
		if (!want || screen_by_key(x->m, b->screen) == NULL)
			bar_drop(x, b);
	if (!want)
		return;
	TAILQ_FOREACH(s, &x->m->screens, link) {
		b = bar_of(x, s->key);
		if (b == NULL)
			b = bar_new(x, s);
		bar_place(x, b, s);
		if (!b->mapped)
			xcb_map_window(x->c, b->window);
		b->mapped = true;
	}
}

/* Painting: the pieces, each where there is room. ------------------------- */

static void
spot(struct barwin *b, const struct piece *p, const struct bar_cell *c)
{
	if (b->n == BAR_PIECES || (p->workspace == 0 && p->block == -1))
		return;
	b->spots[b->n].from = c->at;
	b->spots[b->n].to = c->at + c->w;
	b->spots[b->n].line = c->line;
	b->spots[b->n].workspace = p->workspace;
	b->spots[b->n].block = p->block;
	b->n++;
}

static void
draw_piece(struct x *x, const struct piece *p, int at, int y, int w)
{
	int pad = x->bar_height / 3;

	draw_fill(x->draw, p->ground, at, y, w, x->bar_height);
	draw_text(
	    x->draw, p->text, p->ink, at + pad, y, w - 2 * pad, x->bar_height);
	if (p->mark)
		paint_mark(x, p->ink, at, w, x->bar_height);
}

/* How wide each would be, measured once for what stays the same; in all. */
static int
measure(struct x *x, const struct barwin *b, const struct pieces *ps,
    size_t first, struct bar_cell *cells)
{
	int w = 0;

	for (size_t i = 0; i < ps->n; i++) {
		struct bar_cell *c = &cells[first + i];
		const struct bar_cell *old = &b->cells[first + i];

		c->sum = piece_sum(SUM_BEGINS, &ps->p[i]);
		c->wish = first + i < b->n_cells && old->sum == c->sum ?
		    old->wish :
		    draw_width(x->draw, ps->p[i].text) +
			2 * (x->bar_height / 3);
		w += c->wish;
	}
	return w;
}

/* On this line, from *at on; what does not fit is cut. */
static void
put(struct bar_cell *c, int line, int *at, int limit, int least)
{
	c->line = line;
	c->at = *at;
	c->w = c->wish < limit - *at ? c->wish : limit - *at;
	if (c->w <= least)
		c->w = 0;
	*at += c->w;
}

/*
 * Where each piece goes; all in order, those on the left first.  The first
 * line ends where the right end begins, others at the edge.  How many lines.
 */
static int
lay_out(struct x *x, const struct barwin *b, const struct pieces *left,
    struct pieces *right, int end, struct bar_cell *cells)
{
	/* What one types or reads now goes before what merely stands. */
	int most = x->input == INPUT_NONE ? end / 2 : end / 4;
	int least = 2 * (x->bar_height / 3), at = 0, line = 0, w, limit;

	measure(x, b, left, 0, cells);
	w = measure(x, b, right, left->n, cells);
	if (w > most) {
		pieces_shorten(right);
		w = measure(x, b, right, left->n, cells);
	}
	if (w > most)
		w = most;
	limit = end - w;
	for (size_t i = 0; i < left->n; i++) {
		int need = cells[i].wish;

		if (i + 1 < left->n)
			need += cells[i + 1].wish;
		if (left->p[i].leads && at > 0 && at + need > limit &&
		    line + 1 < b->most_lines) {
			line++;
			at = 0;
			limit = b->at.w;
		}
		put(&cells[i], line, &at, limit, least);
	}
	at = end - w;
	for (size_t i = left->n; i < left->n + right->n; i++)
		put(&cells[i], 0, &at, end, least);
	return line + 1;
}

static bool
same_places(const struct barwin *b, const struct bar_cell *cells, size_t n)
{
	if (b->picture == 0 || n != b->n_cells)
		return false;
	for (size_t i = 0; i < n; i++)
		if (cells[i].at != b->cells[i].at ||
		    cells[i].w != b->cells[i].w ||
		    cells[i].line != b->cells[i].line)
			return false;
	return true;
}

/* What was drawn last becomes this part of the window. */
static void
put_part(struct x *x, struct barwin *b, int at, int y, int w, int h)
{
	if (b->picture == 0) {
		b->picture = xcb_generate_id(x->c);
		b->gc = xcb_generate_id(x->c);
		xcb_create_pixmap(x->c, x->screen->root_depth, b->picture,
		    x->root, (uint16_t)b->at.w, (uint16_t)b->at.h);
		xcb_create_gc(x->c, b->gc, b->picture, 0, NULL);
	}
	paint_image(x, b->picture, b->gc, (struct rect){ at, y, w, h });
	xcb_change_window_attributes(
	    x->c, b->window, XCB_CW_BACK_PIXMAP, &b->picture);
	xcb_clear_area(x->c, 0, b->window, (int16_t)at, (int16_t)y, (uint16_t)w,
	    (uint16_t)h);
}

/* As many lines as it takes now. */
static void
bar_grow(struct x *x, struct barwin *b, const struct screen *s, int lines)
{
	if (lines == b->lines)
		return;
	b->lines = lines;
	bar_place(x, b, s);
}

static void
bar_paint(struct x *x, struct barwin *b, const struct screen *s,
    const struct pieces *left, struct pieces *right, int tray)
{
	struct bar_cell cells[2 * BAR_PIECES];
	size_t n = left->n + right->n;
	int h = x->bar_height;
	bool whole;

	b->most_lines = s->rect.h / 2 / h;
	bar_grow(x, b, s, lay_out(x, b, left, right, b->at.w - tray, cells));
	whole = !same_places(b, cells, n);
	b->n = 0;
	if (whole)
		draw_begin(
		    x->draw, b->at.w, b->at.h, x->config->set.bar_background);
	for (size_t i = 0; i < n; i++) {
		const struct piece *p =
		    i < left->n ? &left->p[i] : &right->p[i - left->n];
		const struct bar_cell *c = &cells[i];

		if (c->w == 0)
			continue;
		spot(b, p, c);
		if (whole) {
			draw_piece(x, p, c->at, c->line * h, c->w);
		} else if (c->sum != b->cells[i].sum) {
			draw_begin(x->draw, c->w, h, p->ground);
			draw_piece(x, p, 0, 0, c->w);
			put_part(x, b, c->at, c->line * h, c->w, h);
		}
	}
	if (whole)
		put_part(x, b, 0, 0, b->at.w, b->at.h);
	memcpy(b->cells, cells, n * sizeof(cells[0]));
	b->n_cells = n;
}

void
bar_paint_all(struct x *x)
{
	struct barwin *b;

	TAILQ_FOREACH(b, &x->bars, link) {
		struct pieces left = { .n = 0 }, right = { .n = 0 };
		const struct screen *s = screen_by_key(x->m, b->screen);
		uint64_t sum = SUM_BEGINS;
		int tray = 0;

		if (s == NULL)
			continue;
		if (s == TAILQ_FIRST(&x->m->screens)) {
			tray = tray_width(x);
			tray_place(x, b->window, b->at.w, x->bar_height);
		}
		pieces_left(x, s, &left);
		pieces_right(x, s, &right);
		sum = pieces_sum(pieces_sum(sum, &left), &right);
		sum = paint_sum(sum, &tray, sizeof(tray));
		if (sum != b->painted) {
			bar_paint(x, b, s, &left, &right, tray);
			b->painted = sum;
		}
		pieces_clear(&left);
		pieces_clear(&right);
	}
}

void
bar_click(struct x *x, const xcb_button_press_event_t *ev)
{
	struct entry *en = x_lookup(x, ev->event);
	struct barwin *b = en->ptr;

	for (size_t i = 0; i < b->n; i++) {
		if (ev->event_x < b->spots[i].from ||
		    ev->event_x >= b->spots[i].to ||
		    ev->event_y / x->bar_height != b->spots[i].line)
			continue;
		if (b->spots[i].block >= 0) {
			x->hooks->click(
			    x->ctx, (size_t)b->spots[i].block, ev->detail);
			return;
		}
		for (size_t n = 0; n < workspace_count(x->m); n++) {
			struct workspace *ws = workspace_at(x->m, n);

			if (ws->id == b->spots[i].workspace) {
				workspace_show(x->m, ws);
				return;
			}
		}
	}
}
