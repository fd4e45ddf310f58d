/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * check: the invariants of the model, each said once.
 */
#include <string.h>

#include "fion/model/model_internal.h"

static const char *
check_tile(const struct node *t)
{
	const struct win *w;
	bool cur = false, cur_float = t->cur_float == NULL;

	TAILQ_FOREACH(w, &t->tabs, link) {
		if (w->tile != t || w->floating || w->leader != NULL)
			return "a tab that does not belong to its tile";
		cur = cur || t->cur == w;
	}
	TAILQ_FOREACH(w, &t->floats, link) {
		if (w->tile != t || !w->floating)
			return "a float that does not belong to its tile";
		if (w->leader != NULL && w->leader->tile != t)
			return "a float away from its leader";
		cur_float = cur_float || t->cur_float == w;
	}
	if (cur != !TAILQ_EMPTY(&t->tabs))
		return "not exactly one current tab";
	if (t->cur != NULL && !cur)
		return "the current tab is elsewhere";
	if (!cur_float)
		return "the current float is elsewhere";
	if (!TAILQ_EMPTY(&t->children))
		return "a tile with children";
	return NULL;
}

/* Children lie one after the other and fill their parent. */
static const char *
check_geometry(const struct node *n)
{
	const struct node *c;
	int at = n->axis == AXIS_ROW ? n->rect.x : n->rect.y;
	int end = at + (n->axis == AXIS_ROW ? n->rect.w : n->rect.h);
	int count = 0;

	TAILQ_FOREACH(c, &n->children, link)
		count++;
	TAILQ_FOREACH(c, &n->children, link) {
		int from = n->axis == AXIS_ROW ? c->rect.x : c->rect.y;
		int size = n->axis == AXIS_ROW ? c->rect.w : c->rect.h;

		if (size < 1)
			return "a child without a pixel";
		if (n->axis == AXIS_ROW ?
			c->rect.y != n->rect.y || c->rect.h != n->rect.h :
			c->rect.x != n->rect.x || c->rect.w != n->rect.w)
			return "a child not as wide as its parent";
		if (end - (n->axis == AXIS_ROW ? n->rect.x : n->rect.y) <
		    count) {
			if (from + size > end)
				return "a child outside its parent";
			continue;
		}
		if (from != at)
			return "a gap or overlap between children";
		at += size;
	}
	if (end - (n->axis == AXIS_ROW ? n->rect.x : n->rect.y) >= count &&
	    at != end)
		return "children do not fill their parent";
	return NULL;
}

static const char *
check_node(const struct node *n, const struct node *parent,
    const struct workspace *ws, int depth, bool geometry)
{
	const struct node *c;
	const char *bad;
	int count = 0;

	if (n->parent != parent || n->ws != ws)
		return "a node that does not know where it stands";
	if (n->weight == 0)
		return "a node without weight";
	if (depth > MODEL_DEPTH + 1)
		return "too deep";
	if (!n->is_split)
		return check_tile(n);
	if (parent != NULL && parent->axis == n->axis)
		return "a split in a split of its axis";
	if (geometry) {
		bad = check_geometry(n);
		if (bad != NULL)
			return bad;
	}
	TAILQ_FOREACH(c, &n->children, link) {
		bad = check_node(c, n, ws, depth + 1, geometry);
		if (bad != NULL)
			return bad;
		count++;
	}
	return count < 2 ? "a split with less than two children" : NULL;
}

static const char *
check_workspace(const struct workspace *ws, const struct screen *s)
{
	const struct node *t;

	if (ws->screen != s)
		return "a workspace that does not know its screen";
	for (t = tile_first(ws->root); t != NULL;
	     t = tile_after((struct node *)(uintptr_t)t))
		if (t == ws->cur)
			break;
	if (t == NULL)
		return "the current tile is not in its workspace";
	if (s != NULL &&
	    memcmp(&ws->root->rect, &s->work, sizeof(s->work)) != 0)
		return "a workspace does not fill its screen";
	return check_node(ws->root, NULL, ws, 1, s != NULL);
}

static const char *
check_list(const struct workspace_list *list, const struct screen *s)
{
	const struct workspace *ws;
	const char *bad;

	TAILQ_FOREACH(ws, list, link) {
		bad = check_workspace(ws, s);
		if (bad != NULL)
			return bad;
	}
	return NULL;
}

const char *
model_check(const struct model *m)
{
	const struct screen *s;
	const struct workspace *ws;
	const char *bad;
	bool found = false;

	TAILQ_FOREACH(s, &m->screens, link) {
		bool shown = false;

		found = found || s == m->cur;
		TAILQ_FOREACH(ws, &s->workspaces, link)
			shown = shown || ws == s->cur;
		if (!shown)
			return "a screen shows no workspace of its own";
		bad = check_list(&s->workspaces, s);
		if (bad != NULL)
			return bad;
	}
	if (found != !TAILQ_EMPTY(&m->screens))
		return "not exactly one current screen";
	if (m->cur != NULL && !TAILQ_EMPTY(&m->limbo))
		return "workspaces in limbo while there is a screen";
	bad = check_list(&m->limbo, NULL);
	if (bad != NULL)
		return bad;
	if (m->scratch->is_split || m->scratch->ws != NULL)
		return "the scratch tile stands in a workspace";
	return check_tile(m->scratch);
}
