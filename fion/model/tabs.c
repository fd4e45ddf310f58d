/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * tabs: windows in tiles: shown, hidden, floating, moved, remembered.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/model/model_internal.h"

void
win_set_text(char **field, const char *text)
{
	if (*field != NULL && strcmp(*field, text) == 0)
		return;
	free(*field);
	*field = xstrdup(text);
}

/* The tab that had the focus last. */
static struct win *
recent_tab(const struct node *t)
{
	struct win *w, *best = NULL;

	TAILQ_FOREACH(w, &t->tabs, link)
		if (best == NULL || w->stamp > best->stamp)
			best = w;
	return best;
}

void
tile_settle(struct node *t)
{
	if (t->cur == NULL)
		t->cur = recent_tab(t);
}

/* By the place that a saved layout gave it, else after the current tab. */
static void
insert_tab(struct node *t, struct win *w)
{
	struct win *o;

	if (w->order > 0) {
		TAILQ_FOREACH(o, &t->tabs, link) {
			if (o->order == 0 || o->order > w->order) {
				TAILQ_INSERT_BEFORE(o, w, link);
				return;
			}
		}
	} else if (t->cur != NULL && t->cur->order == 0) {
		TAILQ_INSERT_AFTER(&t->tabs, t->cur, w, link);
		return;
	}
	TAILQ_INSERT_TAIL(&t->tabs, w, link);
}

static void
attach(struct node *t, struct win *w)
{
	w->tile = t;
	if (w->floating) {
		TAILQ_INSERT_TAIL(&t->floats, w, link);
	} else {
		insert_tab(t, w);
		tile_settle(t);
	}
	if (t->ws != NULL)
		t->ws->filler = false;
}

static void
detach(struct win *w)
{
	struct node *t = w->tile;

	if (w->floating) {
		TAILQ_REMOVE(&t->floats, w, link);
	} else {
		TAILQ_REMOVE(&t->tabs, w, link);
	}
	if (t->cur == w)
		t->cur = NULL;
	if (t->cur_float == w)
		t->cur_float = NULL;
	tile_settle(t);
	w->tile = NULL;
}

struct win *
win_add(struct model *m, uint32_t id, struct node *t, bool floating,
    struct win *leader)
{
	struct win *w = xcalloc(1, sizeof(*w));

	(void)m;
	w->id = id;
	w->floating = floating;
	w->leader = floating ? leader : NULL;
	w->float_w = 320;
	w->float_h = 200;
	w->title = xstrdup("");
	w->class = xstrdup("");
	w->instance = xstrdup("");
	w->role = xstrdup("");
	attach(w->leader != NULL ? w->leader->tile : t, w);
	return w;
}

void
win_free(struct win *w)
{
	free(w->title);
	free(w->class);
	free(w->instance);
	free(w->role);
	free(w);
}

void
win_remove(struct model *m, struct win *w)
{
	for (struct win *o = model_first_win(m); o != NULL;
	     o = model_next_win(m, o))
		if (o->leader == w)
			o->leader = w->leader;
	detach(w);
	win_free(w);
}

void
win_select(struct win *w)
{
	if (w->floating)
		w->tile->cur_float = w;
	else
		w->tile->cur = w;
}

void
win_focus(struct model *m, struct win *w)
{
	struct node *t = w->tile;

	if (w->floating) {
		struct win *lead = w->leader;

		/* Its leader must be seen for it to be seen. */
		for (int i = 0; lead != NULL && i < MODEL_DEPTH; i++) {
			if (!lead->floating)
				lead->tile->cur = lead;
			lead = lead->leader;
		}
		t->cur_float = w;
	} else {
		t->cur = w;
		t->cur_float = NULL;
	}
	tile_focus(m, t);
	w->stamp = ++m->clock;
	w->urgent = false;
}

void
win_move(struct model *m, struct win *w, struct node *t)
{
	struct win *next;
	struct node *from = w->tile;

	if (t == from)
		return;
	detach(w);
	w->order = 0;
	if (w->floating && w->leader != NULL && w->leader->tile != t)
		w->leader = NULL;
	attach(t, w);
	win_select(w);
	for (struct win *o = TAILQ_FIRST(&from->floats); o != NULL; o = next) {
		next = TAILQ_NEXT(o, link);
		if (o->leader == w) {
			win_move(m, o, t);
			next = TAILQ_FIRST(&from->floats);
		}
	}
}

void
win_set_floating(struct model *m, struct win *w, bool floating)
{
	struct node *t = w->tile;

	(void)m;
	if (w->floating == floating)
		return;
	detach(w);
	w->floating = floating;
	w->leader = NULL;
	attach(t, w);
	win_select(w);
	if (!floating)
		t->cur_float = NULL;
}

void
win_reorder(struct win *w, int delta)
{
	struct win_list *list = &w->tile->tabs;
	struct win *o;

	if (w->floating)
		return;
	TAILQ_FOREACH(o, list, link)
		o->order = 0;
	for (; delta > 0 && (o = TAILQ_NEXT(w, link)) != NULL; delta--) {
		TAILQ_REMOVE(list, w, link);
		TAILQ_INSERT_AFTER(list, o, w, link);
	}
	for (; delta < 0; delta++) {
		o = TAILQ_PREV(w, win_list, link);
		if (o == NULL)
			break;
		TAILQ_REMOVE(list, w, link);
		TAILQ_INSERT_BEFORE(o, w, link);
	}
}

struct win *
tab_step(const struct node *t, int delta)
{
	struct win *w = t->cur;

	for (; w != NULL && delta > 0; delta--)
		w = TAILQ_NEXT(w, link) != NULL ? TAILQ_NEXT(w, link) :
						  TAILQ_FIRST(&t->tabs);
	for (; w != NULL && delta < 0; delta++)
		w = TAILQ_PREV(w, win_list, link) != NULL ?
		    TAILQ_PREV(w, win_list, link) :
		    TAILQ_LAST(&t->tabs, win_list);
	return w;
}

struct win *
tab_nth(const struct node *t, size_t n)
{
	struct win *w = TAILQ_FIRST(&t->tabs);

	while (w != NULL && n-- > 0)
		w = TAILQ_NEXT(w, link);
	return w;
}

size_t
tab_index(const struct win *w)
{
	const struct win *o = w;
	size_t n = 0;

	while ((o = TAILQ_PREV(o, win_list, link)) != NULL)
		n++;
	return n;
}

struct win *
win_last(struct model *m)
{
	struct win *now = model_focused(m), *best = NULL;

	for (struct win *w = model_first_win(m); w != NULL;
	     w = model_next_win(m, w))
		if (w != now && w->stamp > 0 &&
		    (best == NULL || w->stamp > best->stamp))
			best = w;
	return best;
}

struct win *
win_urgent(struct model *m)
{
	struct win *best = NULL;

	for (struct win *w = model_first_win(m); w != NULL;
	     w = model_next_win(m, w))
		if (w->urgent && (best == NULL || w->stamp < best->stamp))
			best = w;
	return best;
}

size_t
win_attach_tagged(struct model *m, struct node *t)
{
	size_t n = 0;
	struct win *next;

	for (struct win *w = model_first_win(m); w != NULL; w = next) {
		next = model_next_win(m, w);
		if (!w->tagged)
			continue;
		w->tagged = false;
		if (w->tile == t)
			continue;
		win_move(m, w, t);
		next = model_first_win(m); /* floats may have moved too */
		n++;
	}
	return n;
}

void
tile_merge(struct model *m, struct node *from, struct node *to)
{
	struct win *w;
	struct win *keep = to->cur, *keep_float = to->cur_float;
	struct want *want;

	(void)m;
	while ((w = TAILQ_FIRST(&from->tabs)) != NULL) {
		detach(w);
		w->order = 0;
		w->tile = to;
		TAILQ_INSERT_TAIL(&to->tabs, w, link);
	}
	while ((w = TAILQ_FIRST(&from->floats)) != NULL) {
		detach(w);
		w->tile = to;
		TAILQ_INSERT_TAIL(&to->floats, w, link);
	}
	while ((want = TAILQ_FIRST(&from->wants)) != NULL) {
		TAILQ_REMOVE(&from->wants, want, link);
		TAILQ_INSERT_TAIL(&to->wants, want, link);
	}
	to->cur = keep;
	to->cur_float = keep_float;
	tile_settle(to);
	if (to->ws != NULL && !TAILQ_EMPTY(&to->tabs))
		to->ws->filler = false;
}

bool
win_visible(const struct model *m, const struct win *w)
{
	if (!tile_visible(m, w->tile))
		return false;
	for (int i = 0; w->floating && i < MODEL_DEPTH; i++) {
		if (w->leader == NULL)
			return true;
		w = w->leader;
	}
	return w->tile->cur == w;
}

static int
clamp(int v, int low, int high)
{
	if (v > high)
		v = high;
	return v < low ? low : v;
}

static struct rect
place_float(const struct win *w, struct rect work)
{
	struct rect t = w->tile->rect;
	struct rect r = { .w = w->float_w, .h = w->float_h };

	r.w = clamp(r.w, 1, work.w);
	r.h = clamp(r.h, 1, work.h);
	r.x = t.x + (t.w - r.w) / 2 + w->float_dx;
	r.y = t.y + (t.h - r.h) / 2 + w->float_dy;
	r.x = clamp(r.x, work.x, work.x + work.w - r.w);
	r.y = clamp(r.y, work.y, work.y + work.h - r.h);
	return r;
}

struct rect
win_place(const struct model *m, const struct win *w, const struct style *st)
{
	const struct screen *s = tile_screen(m, w->tile);
	struct rect r = w->tile->rect;

	if (s == NULL)
		return r;
	if (w->full == FULL_SCREEN)
		return s->rect;
	if (w->floating)
		return place_float(w, s->work);
	if (tile_has_strip(w->tile, st)) {
		int strip = st->strip < r.h ? st->strip : r.h - 1;

		r.y += strip;
		r.h -= strip;
	}
	if (r.w > 2 * st->border && r.h > 2 * st->border) {
		r.x += st->border;
		r.y += st->border;
		r.w -= 2 * st->border;
		r.h -= 2 * st->border;
	}
	return r;
}

static struct win *
first_in(struct model *m, struct node *t)
{
	for (; t != NULL; t = model_next_tile(m, t)) {
		if (!TAILQ_EMPTY(&t->tabs))
			return TAILQ_FIRST(&t->tabs);
		if (!TAILQ_EMPTY(&t->floats))
			return TAILQ_FIRST(&t->floats);
	}
	return NULL;
}

struct win *
model_first_win(struct model *m)
{
	return first_in(m, model_first_tile(m));
}

struct win *
model_next_win(struct model *m, struct win *w)
{
	struct node *t = w->tile;

	if (TAILQ_NEXT(w, link) != NULL)
		return TAILQ_NEXT(w, link);
	if (!w->floating && !TAILQ_EMPTY(&t->floats))
		return TAILQ_FIRST(&t->floats);
	return first_in(m, model_next_tile(m, t));
}
