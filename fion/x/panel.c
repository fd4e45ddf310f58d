/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * panel: the bar of each screen: workspaces, the current tile, the mode that
 * waits and its keys, the prompt, the status command, the tray, the time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/bar/status.h"
#include "fion/text/text.h"
#include "fion/x/draw.h"
#include "fion/x/paint.h"
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
	b->window = xcb_generate_id(x->c);
	xcb_create_window(x->c, XCB_COPY_FROM_PARENT, b->window, x->root, 0, 0,
	    1, 1, 0, XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
	    XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK,
	    v);
	x_remember(x, b->window, OWNER_BAR, b);
	TAILQ_INSERT_TAIL(&x->bars, b, link);
	return b;
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
		struct rect r = s->rect;
		uint32_t v[4];

		b = bar_of(x, s->key);
		if (b == NULL)
			b = bar_new(x, s);
		if (x->config->set.bar_bottom)
			r.y += r.h - x->bar_height;
		r.h = x->bar_height;
		if (memcmp(&r, &b->at, sizeof(r)) != 0) {
			v[0] = (uint32_t)r.x;
			v[1] = (uint32_t)r.y;
			v[2] = (uint32_t)r.w;
			v[3] = (uint32_t)r.h;
			xcb_configure_window(x->c, b->window,
			    XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y |
				XCB_CONFIG_WINDOW_WIDTH |
				XCB_CONFIG_WINDOW_HEIGHT,
			    v);
			b->at = r;
			b->painted = 0;
			drop_picture(x, b);
		}
		if (!b->mapped)
			xcb_map_window(x->c, b->window);
		b->mapped = true;
	}
}

/* Painting: a list of pieces of text, then the pieces drawn. -------------- */

struct piece {
	char *text;
	uint32_t ground, ink;
	bool mark;          /* this one is shown */
	uint32_t workspace; /* or 0 */
	int block;          /* or -1 */
};

struct pieces {
	struct piece p[BAR_PIECES];
	size_t n;
};

static struct piece *
add(struct x *x, struct pieces *ps, const char *text)
{
	struct piece *p;

	if (ps->n == BAR_PIECES)
		free(ps->p[--ps->n].text); /* the last one gives way */
	p = &ps->p[ps->n++];
	*p = (struct piece){ .text = xstrdup(text),
		.ground = x->config->set.bar_background,
		.ink = x->config->set.bar_text,
		.block = -1 };
	return p;
}

static void
clear(struct pieces *ps)
{
	while (ps->n > 0)
		free(ps->p[--ps->n].text);
}

static void
add_workspaces(struct x *x, const struct screen *s, struct pieces *ps)
{
	const struct config_settings *set = &x->config->set;
	const struct workspace *ws;

	TAILQ_FOREACH(ws, &s->workspaces, link) {
		char text[MODEL_NAME + 8];
		struct piece *p;

		snprintf(text, sizeof(text), "%s%s", ws->name,
		    workspace_empty(ws) ? "" : "\xe2\x80\xa2");
		p = add(x, ps, text);
		p->workspace = ws->id;
		p->mark = ws == s->cur;
		if (workspace_urgent(ws)) {
			p->ground = set->urgent_background;
			p->ink = set->urgent_text;
		} else if (ws == s->cur && s == x->m->cur) {
			p->ground = set->focus_background;
			p->ink = set->focus_text;
		} else if (ws == s->cur) {
			p->ground = set->tab_background;
			p->ink = set->tab_text;
		}
	}
}

/* The name of a key, arrows as such. */
static void
key_name(struct config_key key, char *buf, size_t len)
{
	static const char *const arrows[] = { "\xe2\x86\x90", "\xe2\x86\x91",
		"\xe2\x86\x92", "\xe2\x86\x93" };
	char *name;

	config_key_format(key, buf, len);
	if (key.sym < XKB_KEY_Left || key.sym > XKB_KEY_Down)
		return;
	name = strrchr(buf, '+') != NULL ? strrchr(buf, '+') + 1 : buf;
	snprintf(name, len - (size_t)(name - buf), "%s",
	    arrows[key.sym - XKB_KEY_Left]);
}

/* Does a key before the i-th do the same? */
static bool
said_before(const struct config_mode *m, size_t i)
{
	const struct config_bind *b = &m->binds[i];

	for (size_t k = 0; k < i; k++) {
		const struct config_bind *o = &m->binds[k];
		size_t n = 0;

		while (n < b->n && n < o->n &&
		    strcmp(b->words[n], o->words[n]) == 0)
			n++;
		if (n == b->n && n == o->n)
			return true;
	}
	return false;
}

/* What the keys of a mode do, in its words. */
static void
add_mode(struct x *x, struct pieces *ps)
{
	const struct config_mode *m = x->mode;
	char text[256], key[64];
	struct piece *p;

	snprintf(
	    text, sizeof(text), "%s%s", m->name, x->held ? " (stays)" : "");
	if (x->count > 0)
		snprintf(text, sizeof(text), "%s %u", m->name, x->count);
	p = add(x, ps, text);
	p->ground = x->config->set.focus_background;
	p->ink = x->config->set.focus_text;
	for (size_t i = 0; i < m->n; i++) {
		const struct config_bind *b = &m->binds[i];
		const char *noun = b->words[0];

		if ((b->key.sym >= XKB_KEY_1 && b->key.sym <= XKB_KEY_9) ||
		    said_before(m, i))
			continue; /* digits pick: everyone knows */
		key_name(b->key, key, sizeof(key));
		if (strcmp(noun, m->name) == 0 && b->n > 1)
			noun = "";
		p = add(x, ps, key);
		p->ink = x->config->set.panel_key;
		snprintf(text, sizeof(text), "%s%s%s%s%s", noun,
		    noun[0] != '\0' && b->n > 1 ? " " : "",
		    b->n > 1 ? b->words[1] : "", b->n > 2 ? " " : "",
		    b->n > 2 ? b->words[2] : "");
		add(x, ps, text);
	}
}

static void
add_prompt(struct x *x, struct pieces *ps)
{
	struct prompt *pr = &x->prompt;
	const char *text = prompt_text(pr), *match;
	char line[PROMPT_BYTES + 32];
	struct piece *p = add(x, ps, pr->kind);

	p->ground = x->config->set.focus_background;
	p->ink = x->config->set.focus_text;
	snprintf(line, sizeof(line), "%.*s\xe2\x94\x82%s", (int)pr->cursor,
	    text, text + pr->cursor);
	add(x, ps, line);
	for (size_t i = 0; i < 24; i++) {
		match = prompt_match(pr, i);
		if (match == NULL)
			break;
		p = add(x, ps, match);
		p->ground = x->config->set.tab_background;
		p->ink = x->config->set.tab_text;
		if (pr->completing && i == pr->match)
			p->ink = x->config->set.panel_key;
	}
}

/* Where one is, and in what. */
static void
add_place(struct x *x, struct pieces *ps)
{
	struct node *t = model_tile(x->m);
	struct win *w = model_focused(x->m);
	size_t tabs = tile_tabs(t);
	char text[TEXT_BYTES + MODEL_NAME + 64], where[32] = "";

	if (tabs > 1 && t->cur != NULL)
		snprintf(where, sizeof(where), "%zu/%zu  ",
		    tab_index(t->cur) + 1, tabs);
	snprintf(text, sizeof(text), "%s%s%s%s",
	    t == x->m->scratch  ? "scratch  " :
		t->name != NULL ? t->name :
				  "",
	    t->name != NULL ? "  " : "", where, w == NULL ? "" : w->title);
	add(x, ps, text);
}

static void
add_left(struct x *x, const struct screen *s, struct pieces *ps)
{
	if (s == x->m->cur && x->input == INPUT_PROMPT) {
		add_prompt(x, ps);
		return;
	}
	add_workspaces(x, s, ps);
	if (s != x->m->cur)
		return;
	if (x->message_ends != 0) {
		struct piece *p = add(x, ps, x->message);

		p->ground = x->message_calm ? x->config->set.tab_background :
					      x->config->set.urgent_background;
		p->ink = x->message_calm ? x->config->set.tab_text :
					   x->config->set.urgent_text;
	}
	if (x->input == INPUT_MODE)
		add_mode(x, ps);
	else if (x->input == INPUT_PASS)
		add(x, ps, "the next key goes to the application");
	else
		add_place(x, ps);
}

static void
add_right(struct x *x, const struct screen *s, struct pieces *ps)
{
	const struct status *st = x->bar == NULL ? NULL : x->bar->status;

	if (s == TAILQ_FIRST(&x->m->screens) && st != NULL) {
		for (size_t i = 0; i < st->n; i++) {
			const struct status_block *b = &st->blocks[i];
			struct piece *p = add(x, ps, b->text);

			p->block = (int)i;
			if (b->has_colour)
				p->ink = b->colour;
			if (b->urgent) {
				p->ground = x->config->set.urgent_background;
				p->ink = x->config->set.urgent_text;
			}
		}
	}
	if (x->bar != NULL && x->bar->clock != NULL && x->bar->clock[0] != '\0')
		add(x, ps, x->bar->clock);
}

/* What a piece shows, as a number. */
static uint64_t
piece_sum(uint64_t sum, const struct piece *p)
{
	sum = paint_sum(sum, p->text, strlen(p->text) + 1);
	sum = paint_sum(sum, &p->ground, sizeof(p->ground));
	sum = paint_sum(sum, &p->mark, sizeof(p->mark));
	return paint_sum(sum, &p->ink, sizeof(p->ink));
}

static uint64_t
sum_pieces(uint64_t sum, const struct pieces *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		sum = piece_sum(sum, &ps->p[i]);
	return paint_sum(sum, &ps->n, sizeof(ps->n));
}

static void
spot(struct barwin *b, const struct piece *p, int from, int to)
{
	if (b->n == BAR_PIECES || (p->workspace == 0 && p->block == -1))
		return;
	b->spots[b->n].from = from;
	b->spots[b->n].to = to;
	b->spots[b->n].workspace = p->workspace;
	b->spots[b->n].block = p->block;
	b->n++;
}

/* Measured once for what stays the same from drawing to drawing. */
static int
wish(struct x *x, const struct barwin *b, size_t i, const struct piece *p,
    uint64_t sum)
{
	if (i < b->n_cells && b->cells[i].sum == sum)
		return b->cells[i].wish;
	return draw_width(x->draw, p->text) + 2 * (x->bar_height / 3);
}

static void
draw_piece(struct x *x, const struct piece *p, int at, int w)
{
	int pad = x->bar_height / 3;

	draw_fill(x->draw, p->ground, at, 0, w, x->bar_height);
	draw_text(
	    x->draw, p->text, p->ink, at + pad, 0, w - 2 * pad, x->bar_height);
	if (p->mark)
		paint_mark(x, p->ink, at, w, x->bar_height);
}

/* Where each piece goes; all in order, those on the left first. */
static void
lay_out(struct x *x, const struct barwin *b, const struct pieces *left,
    const struct pieces *right, int end, struct bar_cell *cells)
{
	size_t n = left->n + right->n;
	int pad = x->bar_height / 3, w = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		const struct piece *p =
		    i < left->n ? &left->p[i] : &right->p[i - left->n];

		cells[i].sum = piece_sum(SUM_BEGINS, p);
		cells[i].wish = wish(x, b, i, p, cells[i].sum);
		w += i < left->n ? 0 : cells[i].wish;
	}
	/* What one types or reads now goes before what merely stands. */
	if (w > end / 2 && x->input == INPUT_NONE)
		w = end / 2;
	if (x->input != INPUT_NONE && w > end / 4)
		w = end / 4;
	for (size_t i = 0; i < n; i++) {
		int limit = i < left->n ? end - w : end;

		if (i == left->n)
			at = end - w;
		cells[i].at = at;
		cells[i].w =
		    cells[i].wish < limit - at ? cells[i].wish : limit - at;
		if (cells[i].w <= 2 * pad)
			cells[i].w = 0;
		at += cells[i].w;
	}
}

static bool
same_places(const struct barwin *b, const struct bar_cell *cells, size_t n)
{
	if (b->picture == 0 || n != b->n_cells)
		return false;
	for (size_t i = 0; i < n; i++)
		if (cells[i].at != b->cells[i].at ||
		    cells[i].w != b->cells[i].w)
			return false;
	return true;
}

/* What was drawn last becomes this part of the window. */
static void
put_part(struct x *x, struct barwin *b, int at, int w)
{
	if (b->picture == 0) {
		b->picture = xcb_generate_id(x->c);
		b->gc = xcb_generate_id(x->c);
		xcb_create_pixmap(x->c, x->screen->root_depth, b->picture,
		    x->root, (uint16_t)b->at.w, (uint16_t)b->at.h);
		xcb_create_gc(x->c, b->gc, b->picture, 0, NULL);
	}
	paint_image(x, b->picture, b->gc, at, w, b->at.h);
	xcb_change_window_attributes(
	    x->c, b->window, XCB_CW_BACK_PIXMAP, &b->picture);
	xcb_clear_area(x->c, 0, b->window, (int16_t)at, 0, (uint16_t)w, 0);
}

static void
bar_paint(struct x *x, struct barwin *b, const struct pieces *left,
    const struct pieces *right, int tray)
{
	struct bar_cell cells[2 * BAR_PIECES];
	size_t n = left->n + right->n;
	uint32_t ground = x->config->set.bar_background;
	bool whole;

	lay_out(x, b, left, right, b->at.w - tray, cells);
	whole = !same_places(b, cells, n);
	b->n = 0;
	if (whole)
		draw_begin(x->draw, b->at.w, b->at.h, ground);
	for (size_t i = 0; i < n; i++) {
		const struct piece *p =
		    i < left->n ? &left->p[i] : &right->p[i - left->n];
		const struct bar_cell *c = &cells[i];

		if (c->w == 0)
			continue;
		spot(b, p, c->at, c->at + c->w);
		if (whole) {
			draw_piece(x, p, c->at, c->w);
		} else if (c->sum != b->cells[i].sum) {
			draw_begin(x->draw, c->w, b->at.h, ground);
			draw_piece(x, p, 0, c->w);
			put_part(x, b, c->at, c->w);
		}
	}
	if (whole)
		put_part(x, b, 0, b->at.w);
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
			tray_place(x, b->window, b->at.w, b->at.h);
		}
		add_left(x, s, &left);
		add_right(x, s, &right);
		sum = sum_pieces(sum_pieces(sum, &left), &right);
		sum = paint_sum(sum, &tray, sizeof(tray));
		if (sum != b->painted) {
			bar_paint(x, b, &left, &right, tray);
			b->painted = sum;
		}
		clear(&left);
		clear(&right);
	}
}

void
bar_click(struct x *x, const xcb_button_press_event_t *ev)
{
	struct entry *en = x_lookup(x, ev->event);
	struct barwin *b = en->ptr;

	for (size_t i = 0; i < b->n; i++) {
		if (ev->event_x < b->spots[i].from ||
		    ev->event_x >= b->spots[i].to)
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
