/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * tree: splits and tiles: cutting, joining, sizes, and who is beside whom.
 *
 * Sizes come from the running sum of weights, so that children always fill
 * their parent to the pixel, and a change of one pair moves nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/model/layout.h"
#include "fion/model/model_internal.h"

struct node *
node_new_tile(struct model *m, struct workspace *ws)
{
	struct node *n = xcalloc(1, sizeof(*n));

	TAILQ_INIT(&n->children);
	TAILQ_INIT(&n->tabs);
	TAILQ_INIT(&n->floats);
	TAILQ_INIT(&n->wants);
	n->weight = MODEL_WEIGHT;
	n->id = ++m->next_id;
	n->ws = ws;
	n->rect = (struct rect){ .w = 1, .h = 1 };
	return n;
}

void
node_free(struct node *n)
{
	struct node *c;
	struct want *want;
	struct win *w;

	while ((c = TAILQ_FIRST(&n->children)) != NULL) {
		TAILQ_REMOVE(&n->children, c, link);
		node_free(c);
	}
	while ((want = TAILQ_FIRST(&n->wants)) != NULL) {
		TAILQ_REMOVE(&n->wants, want, link);
		want_free(want);
	}
	while ((w = TAILQ_FIRST(&n->tabs)) != NULL) {
		TAILQ_REMOVE(&n->tabs, w, link);
		win_free(w);
	}
	while ((w = TAILQ_FIRST(&n->floats)) != NULL) {
		TAILQ_REMOVE(&n->floats, w, link);
		win_free(w);
	}
	free(n->name);
	free(n);
}

void
node_set_workspace(struct node *root, struct workspace *ws)
{
	struct node *c;

	root->ws = ws;
	TAILQ_FOREACH(c, &root->children, link)
		node_set_workspace(c, ws);
}

static uint64_t
weight_sum(const struct node *split, size_t *count)
{
	const struct node *c;
	uint64_t sum = 0;

	*count = 0;
	TAILQ_FOREACH(c, &split->children, link) {
		sum += c->weight;
		++*count;
	}
	return sum;
}

/* Where child number i of n begins, each keeping at least one pixel. */
static int
edge(int total, uint64_t before, uint64_t sum, size_t i, size_t n)
{
	int at = (int)((uint64_t)total * before / sum);
	int low = (int)i, high = total - (int)(n - i);

	if (at > high)
		at = high;
	return at < low ? low : at;
}

void
node_layout(struct node *n, struct rect r)
{
	struct node *c;
	size_t count, i = 0;
	uint64_t sum, before = 0;
	int end = 0;

	n->rect = r;
	if (!n->is_split)
		return;
	sum = weight_sum(n, &count);
	TAILQ_FOREACH(c, &n->children, link) {
		struct rect cr = r;
		int *at = n->axis == AXIS_ROW ? &cr.x : &cr.y;
		int *size = n->axis == AXIS_ROW ? &cr.w : &cr.h;
		int total = *size;
		int from = end, to;

		before += c->weight;
		to = edge(total, before, sum, ++i, count);
		if (to <= from)
			to = from + 1;
		end = to;
		if (total < (int)count) { /* no pixel for each: share */
			from = (int)(i - 1) < total ? (int)i - 1 : total - 1;
			to = from + 1;
		}
		*at += from;
		*size = to - from;
		node_layout(c, cr);
	}
}

struct node *
node_recent(struct node *n)
{
	struct node *best = NULL;

	if (!n->is_split)
		return n;
	for (struct node *t = tile_first(n); t != NULL; t = tile_after(t)) {
		struct node *up = t;

		while (up != NULL && up != n)
			up = up->parent;
		if (up == NULL)
			break; /* left the subtree */
		if (best == NULL || t->stamp > best->stamp)
			best = t;
	}
	return best;
}

struct node *
tile_first(struct node *root)
{
	while (root->is_split)
		root = TAILQ_FIRST(&root->children);
	return root;
}

struct node *
tile_after(struct node *t)
{
	while (t != NULL && TAILQ_NEXT(t, link) == NULL)
		t = t->parent;
	/* A root has no siblings: its link is never set. */
	return t == NULL ? NULL : tile_first(TAILQ_NEXT(t, link));
}

static struct node *
tile_final(struct node *root)
{
	while (root->is_split)
		root = TAILQ_LAST(&root->children, node_list);
	return root;
}

static struct node *
tile_before(struct node *t)
{
	while (t->parent != NULL) {
		struct node *prev = TAILQ_PREV(t, node_list, link);

		if (prev != NULL)
			return tile_final(prev);
		t = t->parent;
	}
	return NULL;
}

/* Put new where old stands. */
static void
replace(struct workspace *ws, struct node *old, struct node *new)
{
	new->parent = old->parent;
	new->weight = old->weight;
	if (old->parent == NULL) {
		ws->root = new;
		memset(&new->link, 0, sizeof(new->link));
	} else {
		TAILQ_INSERT_BEFORE(old, new, link);
		TAILQ_REMOVE(&old->parent->children, old, link);
	}
}

/* Weights large enough to be cut once more, small enough to be summed. */
static void
rescale(struct node *split)
{
	struct node *c;
	size_t count;
	uint64_t sum = weight_sum(split, &count);
	uint64_t goal = (uint64_t)count * MODEL_WEIGHT;

	TAILQ_FOREACH(c, &split->children, link) {
		uint64_t w = c->weight * goal / sum;

		c->weight = w < 1 ? 1 : (uint32_t)w;
	}
}

static size_t
tile_count(const struct workspace *ws)
{
	size_t n = 0;

	for (struct node *t = tile_first(ws->root); t != NULL;
	     t = tile_after(t))
		n++;
	return n;
}

static size_t
depth(const struct node *n)
{
	size_t d = 0;

	while ((n = n->parent) != NULL)
		d++;
	return d;
}

/* A split in the place of t, holding only t. */
static struct node *
wrap(struct node *t, enum axis axis)
{
	struct node *s = xcalloc(1, sizeof(*s));

	TAILQ_INIT(&s->children);
	TAILQ_INIT(&s->tabs);
	TAILQ_INIT(&s->floats);
	TAILQ_INIT(&s->wants);
	s->is_split = true;
	s->axis = axis;
	s->ws = t->ws;
	s->rect = t->rect;
	replace(t->ws, t, s);
	t->parent = s;
	t->weight = MODEL_WEIGHT;
	TAILQ_INSERT_TAIL(&s->children, t, link);
	return s;
}

struct node *
tile_split(struct model *m, struct node *t, enum axis axis, unsigned permille,
    bool before)
{
	struct node *new;
	uint32_t part;

	if (t->ws == NULL || tile_count(t->ws) >= MODEL_TILES)
		return NULL;
	if (permille < 10)
		permille = 10;
	if (permille > 990)
		permille = 990;
	if (t->parent == NULL || t->parent->axis != axis) {
		if (depth(t) >= MODEL_DEPTH)
			return NULL;
		wrap(t, axis);
	}
	if (t->weight < 1000)
		rescale(t->parent);
	new = node_new_tile(m, t->ws);
	new->parent = t->parent;
	part = (uint32_t)((uint64_t)t->weight * permille / 1000);
	if (part < 1)
		part = 1;
	new->weight = t->weight - part;
	if (new->weight < 1)
		new->weight = 1;
	t->weight = part;
	if (before)
		TAILQ_INSERT_BEFORE(t, new, link);
	else
		TAILQ_INSERT_AFTER(&t->parent->children, t, new, link);
	t->ws->filler = false;
	return new;
}

/* The children of s in the place of s, sharing its weight. */
static void
splice(struct node *s)
{
	struct node *up = s->parent, *c;
	size_t count;
	uint64_t sum = weight_sum(s, &count);

	if (s->weight < 1000 * count)
		rescale(up);
	while ((c = TAILQ_FIRST(&s->children)) != NULL) {
		uint64_t w = c->weight * (uint64_t)s->weight / sum;

		TAILQ_REMOVE(&s->children, c, link);
		c->weight = w < 1 ? 1 : (uint32_t)w;
		c->parent = up;
		TAILQ_INSERT_BEFORE(s, c, link);
	}
	TAILQ_REMOVE(&up->children, s, link);
	node_free(s);
}

/* A split with one child gives way to it; no split in one of its axis. */
static void
canonical(struct workspace *ws, struct node *split)
{
	struct node *c = TAILQ_FIRST(&split->children);

	if (TAILQ_NEXT(c, link) != NULL)
		return;
	TAILQ_REMOVE(&split->children, c, link);
	replace(ws, split, c);
	node_free(split);
	if (c->is_split && c->parent != NULL && c->parent->axis == c->axis)
		splice(c);
}

bool
tile_destroy(struct model *m, struct node *t)
{
	struct node *split = t->parent, *heir, *to;
	struct workspace *ws = t->ws;

	if (split == NULL)
		return false;
	heir = TAILQ_PREV(t, node_list, link);
	if (heir == NULL)
		heir = TAILQ_NEXT(t, link);
	to = node_recent(heir);
	heir->weight += t->weight;
	if (heir->weight > UINT32_MAX / 4)
		rescale(split);
	tile_merge(m, t, to);
	if (ws->cur == t)
		ws->cur = to;
	TAILQ_REMOVE(&split->children, t, link);
	node_free(t);
	canonical(ws, split);
	return true;
}

/* The sizes on the screen become the weights: what is seen is what moves. */
static void
weights_from_sizes(struct node *split)
{
	struct node *c;

	TAILQ_FOREACH(c, &split->children, link) {
		int size = split->axis == AXIS_ROW ? c->rect.w : c->rect.h;

		c->weight = (uint32_t)(size < 1 ? 1 : size) * 1024;
	}
}

/* The nearest ancestor-or-self that has a sibling after (or before) it. */
static struct node *
with_sibling(struct node *n, enum axis axis, bool after)
{
	for (; n->parent != NULL; n = n->parent) {
		if (n->parent->axis != axis)
			continue;
		if (after ? TAILQ_NEXT(n, link) != NULL :
			    TAILQ_PREV(n, node_list, link) != NULL)
			return n;
	}
	return NULL;
}

bool
tile_resize(struct model *m, struct node *t, enum dir dir, int px)
{
	enum axis axis =
	    dir == DIR_LEFT || dir == DIR_RIGHT ? AXIS_ROW : AXIS_COLUMN;
	bool on = dir == DIR_RIGHT || dir == DIR_DOWN;
	struct node *a = with_sibling(t, axis, true), *b, *from;
	int room;

	if (a == NULL) {
		b = with_sibling(t, axis, false);
		if (b == NULL)
			return false;
		a = TAILQ_PREV(b, node_list, link);
	} else {
		b = TAILQ_NEXT(a, link);
	}
	model_layout(m);
	from = on ? b : a;
	room =
	    (axis == AXIS_ROW ? from->rect.w : from->rect.h) - MODEL_TILE_MIN;
	if (px > room)
		px = room;
	if (px <= 0)
		return false;
	weights_from_sizes(a->parent);
	a->weight += (uint32_t)(on ? px : 0) * 1024;
	a->weight -= (uint32_t)(on ? 0 : px) * 1024;
	b->weight += (uint32_t)(on ? 0 : px) * 1024;
	b->weight -= (uint32_t)(on ? px : 0) * 1024;
	return true;
}

static void
equal_below(struct node *n)
{
	struct node *c;

	TAILQ_FOREACH(c, &n->children, link) {
		c->weight = MODEL_WEIGHT;
		equal_below(c);
	}
}

void
tile_equal(struct workspace *ws)
{
	equal_below(ws->root);
}

bool
tile_rotate(struct model *m, struct node *t)
{
	struct node *s = t->parent, *c, *next;

	(void)m;
	if (s == NULL)
		return false;
	s->axis = s->axis == AXIS_ROW ? AXIS_COLUMN : AXIS_ROW;
	TAILQ_FOREACH_SAFE(c, &s->children, link, next)
		if (c->is_split && c->axis == s->axis)
			splice(c);
	if (s->parent != NULL && s->parent->axis == s->axis)
		splice(s);
	return true;
}

/* Put the node at the place that a stand-in keeps for it. */
static void
take_place(struct workspace *ws, struct node *place, struct node *n)
{
	replace(ws, place, n);
	node_set_workspace(n, ws);
}

bool
tile_swap(struct model *m, struct node *a, struct node *b)
{
	struct node *at_a, *at_b;
	struct workspace *wa = a->ws, *wb = b->ws;

	if (a == b || wa == NULL || wb == NULL)
		return false;
	at_a = node_new_tile(m, wa);
	at_b = node_new_tile(m, wb);
	replace(wa, a, at_a);
	replace(wb, b, at_b);
	take_place(wa, at_a, b);
	take_place(wb, at_b, a);
	if (wa != wb && (wa->cur == a || wb->cur == b)) {
		if (wa->cur == a)
			wa->cur = b;
		if (wb->cur == b)
			wb->cur = a;
	}
	node_free(at_a);
	node_free(at_b);
	return true;
}

/* How much of b lies along the side of a; 0 when not beside it. */
static int
touching(struct rect a, struct rect b, enum dir dir)
{
	int from, to;
	bool beside = dir == DIR_LEFT ? b.x + b.w == a.x :
	    dir == DIR_RIGHT          ? a.x + a.w == b.x :
	    dir == DIR_UP             ? b.y + b.h == a.y :
					a.y + a.h == b.y;

	if (!beside)
		return 0;
	if (dir == DIR_LEFT || dir == DIR_RIGHT) {
		from = a.y > b.y ? a.y : b.y;
		to = a.y + a.h < b.y + b.h ? a.y + a.h : b.y + b.h;
	} else {
		from = a.x > b.x ? a.x : b.x;
		to = a.x + a.w < b.x + b.w ? a.x + a.w : b.x + b.w;
	}
	return to > from ? to - from : 0;
}

struct node *
tile_towards(struct model *m, struct node *t, enum dir dir)
{
	struct node *best = NULL;
	struct screen *s;

	if (t->ws == NULL || t->ws->screen == NULL)
		return NULL;
	model_layout(m);
	for (struct node *o = tile_first(t->ws->root); o != NULL;
	     o = tile_after(o)) {
		if (o == t || touching(t->rect, o->rect, dir) == 0)
			continue;
		if (best == NULL || o->stamp > best->stamp)
			best = o;
	}
	if (best != NULL || t->ws->screen != m->cur)
		return best;
	s = screen_towards(m, dir);
	return s == NULL ? NULL : s->cur->cur;
}

struct node *
tile_step(struct node *t, int delta)
{
	struct node *n;

	if (t->ws == NULL)
		return t;
	for (; delta > 0; delta--) {
		n = tile_after(t);
		t = n != NULL ? n : tile_first(t->ws->root);
	}
	for (; delta < 0; delta++) {
		n = tile_before(t);
		t = n != NULL ? n : tile_final(t->ws->root);
	}
	return t;
}

struct node *
tile_nth(const struct workspace *ws, size_t n)
{
	struct node *t = tile_first(ws->root);

	while (t != NULL && n-- > 0)
		t = tile_after(t);
	return t;
}

struct node *
tile_last(struct model *m)
{
	struct node *now = model_tile(m), *best = NULL;

	for (struct node *t = model_first_tile(m); t != NULL;
	     t = model_next_tile(m, t))
		if (t != now && t->stamp > 0 && t != m->scratch &&
		    (best == NULL || t->stamp > best->stamp))
			best = t;
	return best;
}

struct node *
tile_by_name(struct model *m, const char *name)
{
	if (strcmp(name, "scratch") == 0)
		return m->scratch;
	for (struct node *t = model_first_tile(m); t != NULL;
	     t = model_next_tile(m, t))
		if (t->name != NULL && strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

struct node *
tile_by_id(struct model *m, uint32_t id)
{
	for (struct node *t = model_first_tile(m); t != NULL;
	     t = model_next_tile(m, t))
		if (t->id == id)
			return t;
	return NULL;
}

bool
tile_rename(struct model *m, struct node *t, const char *name)
{
	struct node *o = tile_by_name(m, name);

	if (t == m->scratch || strlen(name) >= MODEL_NAME ||
	    (o != NULL && o != t && name[0] != '\0'))
		return false;
	free(t->name);
	t->name = name[0] == '\0' ? NULL : xstrdup(name);
	return true;
}

void
tile_focus(struct model *m, struct node *t)
{
	if (t == m->scratch) {
		m->scratch_shown = true;
	} else {
		t->ws->cur = t;
		workspace_show(m, t->ws);
	}
	t->stamp = ++m->clock;
	if (model_focused(m) != NULL)
		model_focused(m)->stamp = m->clock;
}

bool
tile_visible(const struct model *m, const struct node *t)
{
	if (t->ws == NULL)
		return m->scratch_shown && m->cur != NULL;
	return workspace_visible(t->ws);
}

struct screen *
tile_screen(const struct model *m, const struct node *t)
{
	return t->ws == NULL ? m->cur : t->ws->screen;
}

size_t
tile_tabs(const struct node *t)
{
	struct win *w;
	size_t n = 0;

	TAILQ_FOREACH(w, &t->tabs, link)
		n++;
	return n;
}

bool
tile_has_strip(const struct node *t, const struct style *st)
{
	const struct win *first = TAILQ_FIRST(&t->tabs);

	if (first == NULL)
		return false;
	return st->strip_always || TAILQ_NEXT(first, link) != NULL;
}
