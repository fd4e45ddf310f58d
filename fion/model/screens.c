/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * screens: which workspace is where, and what happens as screens come and go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conv.h"
#include "lib/mem.h"

#include "fion/model/model_internal.h"

struct model *
model_new(void)
{
	struct model *m = xcalloc(1, sizeof(*m));

	TAILQ_INIT(&m->screens);
	TAILQ_INIT(&m->limbo);
	m->scratch = node_new_tile(m, NULL);
	return m;
}

static void
workspace_free(struct workspace *ws)
{
	node_free(ws->root);
	free(ws->name);
	free(ws->home);
	free(ws);
}

void
model_free(struct model *m)
{
	struct screen *s;
	struct workspace *ws;

	if (m == NULL)
		return;
	while ((s = TAILQ_FIRST(&m->screens)) != NULL) {
		TAILQ_REMOVE(&m->screens, s, link);
		TAILQ_CONCAT(&m->limbo, &s->workspaces, link);
		free(s->key);
		free(s);
	}
	while ((ws = TAILQ_FIRST(&m->limbo)) != NULL) {
		TAILQ_REMOVE(&m->limbo, ws, link);
		workspace_free(ws);
	}
	node_free(m->scratch);
	free(m);
}

/* The lowest number that names no workspace. */
static void
free_name(struct model *m, char *out, size_t len)
{
	for (unsigned i = 1;; i++) {
		snprintf(out, len, "%u", i);
		if (workspace_by_name(m, out) == NULL)
			return;
	}
}

struct workspace *
workspace_new(struct model *m, const char *name)
{
	struct workspace *ws = xcalloc(1, sizeof(*ws));
	char number[16];

	if (name == NULL) {
		free_name(m, number, sizeof(number));
		name = number;
	}
	ws->name = xstrndup(name, MODEL_NAME - 1);
	ws->id = ++m->next_id;
	ws->root = ws->cur = node_new_tile(m, ws);
	return ws;
}

/* Numbers in order, names after. */
static void
insert_sorted(struct workspace_list *list, struct workspace *ws)
{
	struct workspace *o;
	uint64_t n, other;

	if (conv_u64(ws->name, 0, UINT32_MAX, &n)) {
		TAILQ_FOREACH(o, list, link) {
			if (!conv_u64(o->name, 0, UINT32_MAX, &other) ||
			    other > n) {
				TAILQ_INSERT_BEFORE(o, ws, link);
				return;
			}
		}
	}
	TAILQ_INSERT_TAIL(list, ws, link);
}

static void
set_home(struct workspace *ws, struct screen *s)
{
	free(ws->home);
	ws->home = s == NULL ? NULL : xstrdup(s->key);
	ws->shown_home = false;
}

struct workspace *
workspace_create(struct model *m, struct screen *s, const char *name)
{
	struct workspace *ws;

	if (workspace_count(m) >= MODEL_WORKSPACES)
		return NULL;
	if (name != NULL &&
	    (name[0] == '\0' || strlen(name) >= MODEL_NAME ||
		workspace_by_name(m, name) != NULL))
		return NULL;
	ws = workspace_new(m, name);
	ws->screen = s;
	set_home(ws, s);
	insert_sorted(s == NULL ? &m->limbo : &s->workspaces, ws);
	if (s != NULL && s->cur == NULL)
		s->cur = ws;
	return ws;
}

bool
workspace_rename(struct model *m, struct workspace *ws, const char *name)
{
	struct workspace *o = workspace_by_name(m, name);

	if (name[0] == '\0' || strlen(name) >= MODEL_NAME ||
	    (o != NULL && o != ws))
		return false;
	free(ws->name);
	ws->name = xstrdup(name);
	ws->filler = false;
	return true;
}

/* Every workspace, screen by screen, limbo last. */
static struct workspace *
next_workspace(struct model *m, struct workspace *ws)
{
	struct screen *s;
	struct workspace *next;

	if (ws != NULL) {
		next = TAILQ_NEXT(ws, link);
		if (next != NULL || ws->screen == NULL)
			return next;
		s = TAILQ_NEXT(ws->screen, link);
	} else {
		s = TAILQ_FIRST(&m->screens);
	}
	for (; s != NULL; s = TAILQ_NEXT(s, link)) {
		next = TAILQ_FIRST(&s->workspaces);
		if (next != NULL)
			return next;
	}
	return TAILQ_FIRST(&m->limbo);
}

struct workspace *
workspace_by_name(struct model *m, const char *name)
{
	struct workspace *ws = NULL;

	while ((ws = next_workspace(m, ws)) != NULL)
		if (strcmp(ws->name, name) == 0)
			return ws;
	return NULL;
}

struct workspace *
workspace_at(struct model *m, size_t n)
{
	struct workspace *ws = next_workspace(m, NULL);

	while (ws != NULL && n-- > 0)
		ws = next_workspace(m, ws);
	return ws;
}

size_t
workspace_index(struct model *m, const struct workspace *ws)
{
	struct workspace *o = NULL;
	size_t n = 0;

	while ((o = next_workspace(m, o)) != NULL && o != ws)
		n++;
	return n;
}

size_t
workspace_count(struct model *m)
{
	return workspace_index(m, NULL);
}

/* The one with the latest stamp, but not the one given. */
static struct workspace *
most_recent(struct workspace_list *list, const struct workspace *but)
{
	struct workspace *ws, *best = NULL;

	TAILQ_FOREACH(ws, list, link)
		if (ws != but && (best == NULL || ws->stamp > best->stamp))
			best = ws;
	return best;
}

struct workspace *
workspace_current(struct model *m)
{
	struct workspace *ws;

	if (m->cur != NULL)
		return m->cur->cur;
	ws = most_recent(&m->limbo, NULL);
	return ws != NULL ? ws : workspace_create(m, NULL, NULL);
}

struct workspace *
workspace_last(struct model *m)
{
	struct workspace *now = workspace_current(m), *ws = NULL, *best = NULL;

	while ((ws = next_workspace(m, ws)) != NULL)
		if (ws != now && (best == NULL || ws->stamp > best->stamp))
			best = ws;
	return best;
}

struct workspace *
workspace_step(struct workspace *ws, int delta)
{
	for (; delta > 0 && ws->screen != NULL; delta--) {
		ws = TAILQ_NEXT(ws, link) != NULL ?
		    TAILQ_NEXT(ws, link) :
		    TAILQ_FIRST(&ws->screen->workspaces);
	}
	for (; delta < 0 && ws->screen != NULL; delta++) {
		struct workspace *prev = TAILQ_PREV(ws, workspace_list, link);

		ws = prev != NULL ?
		    prev :
		    TAILQ_LAST(&ws->screen->workspaces, workspace_list);
	}
	return ws;
}

void
workspace_show(struct model *m, struct workspace *ws)
{
	if (ws->screen != NULL) {
		ws->screen->cur = ws;
		m->cur = ws->screen;
	}
	m->scratch_shown = false;
	ws->stamp = ++m->clock;
	ws->cur->stamp = ++m->clock;
}

bool
workspace_destroy(struct model *m, struct workspace *ws)
{
	struct workspace_list *list =
	    ws->screen != NULL ? &ws->screen->workspaces : &m->limbo;
	struct workspace *heir = most_recent(list, ws);

	if (heir == NULL)
		return false;
	for (struct node *t = tile_first(ws->root); t != NULL;
	     t = tile_after(t))
		tile_merge(m, t, heir->cur);
	if (ws->screen != NULL && ws->screen->cur == ws)
		ws->screen->cur = heir;
	TAILQ_REMOVE(list, ws, link);
	workspace_free(ws);
	return true;
}

/* Out of its list; its screen shows another. */
static void
detach(struct model *m, struct workspace *ws)
{
	struct screen *s = ws->screen;

	if (s == NULL) {
		TAILQ_REMOVE(&m->limbo, ws, link);
		return;
	}
	TAILQ_REMOVE(&s->workspaces, ws, link);
	if (s->cur == ws)
		s->cur = most_recent(&s->workspaces, NULL);
	ws->screen = NULL;
}

static void
attach(struct workspace *ws, struct screen *s)
{
	ws->screen = s;
	insert_sorted(&s->workspaces, ws);
	if (s->cur == NULL)
		s->cur = ws;
}

/* A screen is never without a workspace. */
static void
fill(struct model *m, struct screen *s)
{
	struct workspace *ws;

	if (s->cur != NULL)
		return;
	ws = workspace_new(m, NULL);
	ws->filler = true;
	set_home(ws, s);
	attach(ws, s);
}

void
workspace_to_screen(struct model *m, struct workspace *ws, struct screen *s)
{
	struct screen *old = ws->screen;

	if (old == s)
		return;
	detach(m, ws);
	attach(ws, s);
	set_home(ws, s);
	ws->filler = false;
	if (old != NULL)
		fill(m, old);
	workspace_show(m, ws);
}

void
workspace_reorder(struct workspace *ws, int delta)
{
	struct workspace_list *list;
	struct workspace *o = workspace_step(ws, delta);

	if (o == ws || ws->screen == NULL)
		return;
	list = &ws->screen->workspaces;
	TAILQ_REMOVE(list, ws, link);
	if (delta > 0)
		TAILQ_INSERT_AFTER(list, o, ws, link);
	else
		TAILQ_INSERT_BEFORE(o, ws, link);
}

bool
workspace_visible(const struct workspace *ws)
{
	return ws->screen != NULL && ws->screen->cur == ws;
}

bool
workspace_empty(const struct workspace *ws)
{
	for (struct node *t = tile_first(ws->root); t != NULL;
	     t = tile_after(t))
		if (!TAILQ_EMPTY(&t->tabs) || !TAILQ_EMPTY(&t->floats) ||
		    !TAILQ_EMPTY(&t->wants))
			return false;
	return true;
}

bool
workspace_urgent(const struct workspace *ws)
{
	struct win *w;

	for (struct node *t = tile_first(ws->root); t != NULL;
	     t = tile_after(t)) {
		TAILQ_FOREACH(w, &t->tabs, link)
			if (w->urgent)
				return true;
		TAILQ_FOREACH(w, &t->floats, link)
			if (w->urgent)
				return true;
	}
	return false;
}

struct screen *
screen_by_key(struct model *m, const char *key)
{
	struct screen *s;

	TAILQ_FOREACH(s, &m->screens, link)
		if (strcmp(s->key, key) == 0)
			return s;
	return NULL;
}

struct screen *
screen_nth(struct model *m, size_t n)
{
	struct screen *s = TAILQ_FIRST(&m->screens);

	while (s != NULL && n-- > 0)
		s = TAILQ_NEXT(s, link);
	return s;
}

struct screen *
screen_step(struct model *m, int delta)
{
	struct screen *s = m->cur;

	for (; s != NULL && delta > 0; delta--)
		s = TAILQ_NEXT(s, link) != NULL ? TAILQ_NEXT(s, link) :
						  TAILQ_FIRST(&m->screens);
	for (; s != NULL && delta < 0; delta++)
		s = TAILQ_PREV(s, screen_list, link) != NULL ?
		    TAILQ_PREV(s, screen_list, link) :
		    TAILQ_LAST(&m->screens, screen_list);
	return s;
}

struct screen *
screen_towards(struct model *m, enum dir dir)
{
	struct screen *s, *best = NULL;
	long best_far = 0;

	if (m->cur == NULL)
		return NULL;
	TAILQ_FOREACH(s, &m->screens, link) {
		long dx = (2L * s->rect.x + s->rect.w) -
		    (2L * m->cur->rect.x + m->cur->rect.w);
		long dy = (2L * s->rect.y + s->rect.h) -
		    (2L * m->cur->rect.y + m->cur->rect.h);
		long along = dir == DIR_LEFT ? -dx :
		    dir == DIR_RIGHT         ? dx :
		    dir == DIR_UP            ? -dy :
					       dy;
		long across =
		    labs(dir == DIR_LEFT || dir == DIR_RIGHT ? dy : dx);

		if (s == m->cur || along <= 0 || across > 2 * along)
			continue;
		if (best == NULL || along + across < best_far) {
			best = s;
			best_far = along + across;
		}
	}
	return best;
}

void
screen_focus(struct model *m, struct screen *s)
{
	workspace_show(m, s->cur);
}

/* What was shown on a screen that went, instead of nothing at all. */
static void
show_instead(struct model *m, struct screen *s, struct workspace *ws)
{
	struct workspace *empty = s->cur;

	if (!empty->filler || !workspace_empty(empty))
		return;
	s->cur = ws;
	detach(m, empty);
	workspace_free(empty);
}

/* The screen goes; its workspaces are shown on to, or wait in limbo. */
static void
remove_screen(struct model *m, struct screen *s, struct screen *to)
{
	struct workspace *ws;

	while ((ws = TAILQ_FIRST(&s->workspaces)) != NULL) {
		bool shown = s->cur == ws;

		detach(m, ws);
		if (ws->home != NULL && strcmp(ws->home, s->key) == 0)
			ws->shown_home = shown;
		if (ws->filler && workspace_empty(ws) && to != NULL) {
			workspace_free(ws);
		} else if (to != NULL) {
			attach(ws, to);
			if (shown)
				show_instead(m, to, ws);
		} else {
			TAILQ_INSERT_TAIL(&m->limbo, ws, link);
		}
	}
	TAILQ_REMOVE(&m->screens, s, link);
	if (m->cur == s)
		m->cur = to;
	free(s->key);
	free(s);
}

void
screen_drop_fillers(struct model *m, struct screen *s)
{
	struct workspace *ws, *next;

	TAILQ_FOREACH_SAFE(ws, &s->workspaces, link, next) {
		if (ws->filler && workspace_empty(ws) && s->cur != ws) {
			detach(m, ws);
			workspace_free(ws);
		}
	}
}

/* Workspaces that belong to s come home; limbo is emptied onto s if main. */
static void
come_home(struct model *m, struct screen *s, bool is_main)
{
	struct workspace *ws, *next, *show = NULL;

	for (ws = next_workspace(m, NULL); ws != NULL; ws = next) {
		struct screen *old = ws->screen;
		bool at_home =
		    ws->home != NULL && strcmp(ws->home, s->key) == 0;

		next = next_workspace(m, ws);
		if (old == s || !(at_home || (is_main && old == NULL)))
			continue;
		if (ws->home == NULL)
			set_home(ws, s);
		detach(m, ws);
		attach(ws, s);
		if (old != NULL)
			fill(m, old);
		if (at_home && ws->shown_home)
			show = ws;
	}
	if (show != NULL)
		s->cur = show;
	fill(m, s);
	screen_drop_fillers(m, s);
}

static const struct screen_info *
find_info(const struct screen_info *info, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(info[i].key, key) == 0)
			return &info[i];
	return NULL;
}

/* The list of screens in the order of info. */
static void
order_screens(struct model *m, const struct screen_info *info, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct screen *s = screen_by_key(m, info[i].key);

		s->rect = info[i].rect;
		s->work = info[i].work;
		TAILQ_REMOVE(&m->screens, s, link);
		TAILQ_INSERT_TAIL(&m->screens, s, link);
	}
}

void
model_set_screens(struct model *m, const struct screen_info *info, size_t n)
{
	struct screen *s, *next, *stays = NULL;

	for (size_t i = 0; i < n; i++) {
		if (screen_by_key(m, info[i].key) != NULL)
			continue;
		s = xcalloc(1, sizeof(*s));
		TAILQ_INIT(&s->workspaces);
		s->key = xstrdup(info[i].key);
		TAILQ_INSERT_TAIL(&m->screens, s, link);
	}
	order_screens(m, info, n);
	for (size_t i = 0; i < n; i++)
		come_home(m, screen_by_key(m, info[i].key), i == 0);
	if (n > 0)
		stays = screen_by_key(m, info[0].key);
	TAILQ_FOREACH_SAFE(s, &m->screens, link, next)
		if (find_info(info, n, s->key) == NULL)
			remove_screen(m, s, stays);
	if (m->cur == NULL)
		m->cur = stays;
}

void
model_layout(struct model *m)
{
	struct workspace *ws = NULL;
	struct rect r;

	while ((ws = next_workspace(m, ws)) != NULL)
		if (ws->screen != NULL)
			node_layout(ws->root, ws->screen->work);
	if (m->cur == NULL)
		return;
	r = m->cur->work;
	m->scratch->rect = (struct rect){ .x = r.x + r.w / 10,
		.y = r.y,
		.w = r.w - r.w / 10 * 2 < 1 ? 1 : r.w - r.w / 10 * 2,
		.h = r.h / 2 < 1 ? 1 : r.h / 2 };
}

struct node *
model_tile(struct model *m)
{
	return m->scratch_shown ? m->scratch : workspace_current(m)->cur;
}

struct win *
model_focused(struct model *m)
{
	struct node *t = model_tile(m);

	if (t->cur_float != NULL && win_visible(m, t->cur_float))
		return t->cur_float;
	return t->cur;
}

struct node *
model_first_tile(struct model *m)
{
	struct workspace *ws = next_workspace(m, NULL);

	return ws != NULL ? tile_first(ws->root) : m->scratch;
}

struct node *
model_next_tile(struct model *m, struct node *t)
{
	struct node *next;
	struct workspace *ws;

	if (t == m->scratch)
		return NULL;
	next = tile_after(t);
	if (next != NULL)
		return next;
	ws = next_workspace(m, t->ws);
	return ws != NULL ? tile_first(ws->root) : m->scratch;
}

void
scratch_toggle(struct model *m)
{
	m->scratch_shown = !m->scratch_shown;
	model_tile(m)->stamp = ++m->clock;
}
