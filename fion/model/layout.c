/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "fion/model/layout.h"
#include "fion/model/model_internal.h"

static json_t *
rect_json(struct rect r)
{
	return json_pack("[iiii]", r.x, r.y, r.w, r.h);
}

/* A text that may hold anything a client sent. */
static json_t *
text_json(const char *s)
{
	json_t *j = json_string(s);

	return j != NULL ? j : json_string("");
}

static const char *
full_name(enum full f)
{
	switch (f) {
	case FULL_NONE:
		return "none";
	case FULL_TILE:
		return "tile";
	case FULL_SCREEN:
		return "screen";
	}
	return "none";
}

static json_t *
window_json(const struct model *m, const struct win *w, bool titles)
{
	json_t *j = json_pack("{s:I, s:o, s:o, s:o, s:s}", "window",
	    (json_int_t)w->id, "class", text_json(w->class), "instance",
	    text_json(w->instance), "role", text_json(w->role), "fullscreen",
	    full_name(w->full));

	if (w->floating)
		json_object_set_new(j, "floating", json_true());
	else if (w->tile->cur == w)
		json_object_set_new(j, "current", json_true());
	if (w->tagged)
		json_object_set_new(j, "tagged", json_true());
	if (!titles)
		return j;
	json_object_set_new(j, "title", text_json(w->title));
	json_object_set_new(j, "urgent", json_boolean(w->urgent));
	json_object_set_new(j, "hung", json_boolean(w->hung));
	json_object_set_new(j, "visible", json_boolean(win_visible(m, w)));
	return j;
}

json_t *
layout_win(const struct model *m, const struct win *w)
{
	json_t *j = window_json(m, w, true);

	json_object_set_new(j, "tile", json_integer((json_int_t)w->tile->id));
	if (w->tile->ws != NULL)
		json_object_set_new(
		    j, "workspace", text_json(w->tile->ws->name));
	return j;
}

/* A window that has not come yet keeps its place in what is saved. */
static json_t *
want_json(const struct want *want)
{
	json_t *j = json_pack("{s:I, s:s, s:s, s:s, s:s, s:b}", "window",
	    (json_int_t)want->id, "class", want->class, "instance",
	    want->instance, "role", want->role, "fullscreen",
	    full_name(want->full), "absent", 1);

	if (want->current)
		json_object_set_new(j, "current", json_true());
	return j;
}

static json_t *
tile_json(const struct model *m, const struct node *t, bool titles)
{
	json_t *tabs = json_array(), *floats = json_array();
	json_t *j = json_pack("{s:I, s:I, s:o, s:o}", "tile", (json_int_t)t->id,
	    "weight", (json_int_t)t->weight, "tabs", tabs, "floats", floats);
	const struct win *w;
	const struct want *want;

	TAILQ_FOREACH(w, &t->tabs, link)
		json_array_append_new(tabs, window_json(m, w, titles));
	TAILQ_FOREACH(want, &t->wants, link)
		json_array_append_new(tabs, want_json(want));
	TAILQ_FOREACH(w, &t->floats, link)
		json_array_append_new(floats, window_json(m, w, titles));
	if (t->name != NULL)
		json_object_set_new(j, "name", text_json(t->name));
	if (t->ws != NULL && t->ws->cur == t)
		json_object_set_new(j, "current", json_true());
	if (titles)
		json_object_set_new(j, "rect", rect_json(t->rect));
	return j;
}

json_t *
layout_tile(const struct model *m, const struct node *t)
{
	json_t *j = tile_json(m, t, true);

	if (t->ws != NULL)
		json_object_set_new(j, "workspace", text_json(t->ws->name));
	return j;
}

static json_t *
node_json(const struct model *m, const struct node *n, bool titles)
{
	json_t *children, *j;
	const struct node *c;

	if (!n->is_split)
		return tile_json(m, n, titles);
	children = json_array();
	TAILQ_FOREACH(c, &n->children, link)
		json_array_append_new(children, node_json(m, c, titles));
	j = json_pack("{s:s, s:I, s:o}", "split",
	    n->axis == AXIS_ROW ? "row" : "column", "weight",
	    (json_int_t)n->weight, "children", children);
	if (titles)
		json_object_set_new(j, "rect", rect_json(n->rect));
	return j;
}

static json_t *
workspace_json(const struct model *m, const struct workspace *ws, bool titles)
{
	json_t *j =
	    json_pack("{s:o, s:b, s:o}", "name", text_json(ws->name), "current",
		workspace_visible(ws), "tree", node_json(m, ws->root, titles));

	if (ws->home != NULL)
		json_object_set_new(j, "home", text_json(ws->home));
	if (ws->shown_home)
		json_object_set_new(j, "shown_home", json_true());
	if (ws->filler)
		json_object_set_new(j, "filler", json_true());
	if (titles)
		json_object_set_new(
		    j, "urgent", json_boolean(workspace_urgent(ws)));
	return j;
}

static json_t *
workspaces_json(
    const struct model *m, const struct workspace_list *list, bool titles)
{
	json_t *j = json_array();
	const struct workspace *ws;

	TAILQ_FOREACH(ws, list, link)
		json_array_append_new(j, workspace_json(m, ws, titles));
	return j;
}

json_t *
layout_tree(struct model *m, bool titles)
{
	json_t *screens = json_array();
	const struct screen *s;

	model_layout(m);
	TAILQ_FOREACH(s, &m->screens, link) {
		json_t *j = json_pack("{s:o, s:b, s:o}", "screen",
		    text_json(s->key), "current", s == m->cur, "workspaces",
		    workspaces_json(m, &s->workspaces, titles));

		if (titles) {
			json_object_set_new(j, "rect", rect_json(s->rect));
			json_object_set_new(j, "work", rect_json(s->work));
		}
		json_array_append_new(screens, j);
	}
	return json_pack("{s:i, s:o, s:o, s:o, s:b}", "fion", 1, "screens",
	    screens, "limbo", workspaces_json(m, &m->limbo, titles), "scratch",
	    tile_json(m, m->scratch, titles), "scratch_shown",
	    m->scratch_shown);
}

/* Loading ---------------------------------------------------------------- */

struct loader {
	struct model *m;
	struct err *e;
	size_t tiles; /* of the workspace being read */
	size_t wants;
};

static const char *
get_text(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}

static bool
get_bool(json_t *j, const char *key)
{
	return json_is_true(json_object_get(j, key));
}

static enum full
get_full(json_t *j)
{
	const char *s = get_text(j, "fullscreen");

	if (strcmp(s, "screen") == 0)
		return FULL_SCREEN;
	return strcmp(s, "tile") == 0 ? FULL_TILE : FULL_NONE;
}

static uint32_t
get_weight(json_t *j)
{
	json_int_t w = json_integer_value(json_object_get(j, "weight"));

	if (w < 1 || w > UINT32_MAX / 8)
		return MODEL_WEIGHT;
	return (uint32_t)w;
}

static int
load_wants(struct loader *ld, struct node *t, json_t *tabs)
{
	size_t i;
	json_t *j;

	json_array_foreach(tabs, i, j)
	{
		struct want *want;

		if (++ld->wants > LAYOUT_WANTS) {
			err_set(ld->e, ERR_LIMIT, "more than %d windows",
			    LAYOUT_WANTS);
			return -1;
		}
		want = xcalloc(1, sizeof(*want));
		want->id =
		    (uint32_t)json_integer_value(json_object_get(j, "window"));
		want->class = xstrdup(get_text(j, "class"));
		want->instance = xstrdup(get_text(j, "instance"));
		want->role = xstrdup(get_text(j, "role"));
		want->current = get_bool(j, "current");
		want->full = get_full(j);
		want->order = (uint32_t)i + 1;
		TAILQ_INSERT_TAIL(&t->wants, want, link);
	}
	return 0;
}

static void
load_name(struct loader *ld, struct node *t, json_t *j)
{
	const char *name = get_text(j, "name");

	if (name[0] != '\0' && strlen(name) < MODEL_NAME &&
	    tile_by_name(ld->m, name) == NULL) {
		free(t->name);
		t->name = xstrdup(name);
	}
}

/* A node out of j below parent; NULL with *e set. */
static struct node *load_node(struct loader *ld, json_t *j,
    struct workspace *ws, struct node *parent, size_t depth);

static struct node *
load_tile(struct loader *ld, json_t *j, struct workspace *ws)
{
	struct node *t;

	if (++ld->tiles > MODEL_TILES) {
		err_set(ld->e, ERR_LIMIT, "workspace %s: more than %d tiles",
		    ws->name, MODEL_TILES);
		return NULL;
	}
	t = node_new_tile(ld->m, ws);
	load_name(ld, t, j);
	if (load_wants(ld, t, json_object_get(j, "tabs")) == -1) {
		node_free(t);
		return NULL;
	}
	if (get_bool(j, "current"))
		ws->cur = t;
	return t;
}

static struct node *
load_split(struct loader *ld, json_t *j, struct workspace *ws, const char *axis,
    size_t depth)
{
	json_t *children = json_object_get(j, "children"), *cj;
	struct node *s = node_new_tile(ld->m, ws);
	size_t i;

	s->is_split = true;
	s->axis = strcmp(axis, "row") == 0 ? AXIS_ROW : AXIS_COLUMN;
	json_array_foreach(children, i, cj)
	{
		struct node *c = load_node(ld, cj, ws, s, depth + 1);

		if (c == NULL) {
			node_free(s);
			return NULL;
		}
		TAILQ_INSERT_TAIL(&s->children, c, link);
	}
	return s;
}

static struct node *
load_node(struct loader *ld, json_t *j, struct workspace *ws,
    struct node *parent, size_t depth)
{
	const char *axis = get_text(j, "split");
	struct node *n;

	if (!json_is_object(j) || depth > MODEL_DEPTH) {
		err_set(ld->e, ERR_CORRUPT,
		    "workspace %s: not a tree of splits and tiles", ws->name);
		return NULL;
	}
	if (axis[0] == '\0') {
		n = load_tile(ld, j, ws);
	} else if (strcmp(axis, "row") != 0 && strcmp(axis, "column") != 0) {
		err_set(ld->e, ERR_CORRUPT,
		    "workspace %s: a split is \"row\" or \"column\"", ws->name);
		return NULL;
	} else if (json_array_size(json_object_get(j, "children")) < 2 ||
	    (parent != NULL &&
		(parent->axis == AXIS_ROW) == (strcmp(axis, "row") == 0))) {
		err_set(ld->e, ERR_CORRUPT,
		    "workspace %s: a split has two children or more, and "
		    "none of its own axis",
		    ws->name);
		return NULL;
	} else {
		n = load_split(ld, j, ws, axis, depth);
	}
	if (n != NULL) {
		n->parent = parent;
		n->weight = get_weight(j);
	}
	return n;
}

/* A workspace that stands nowhere yet. */
static struct workspace *
load_workspace(struct loader *ld, json_t *j)
{
	const char *name = get_text(j, "name");
	const char *home = get_text(j, "home");
	struct workspace *ws;
	struct node *root;

	if (name[0] == '\0' || strlen(name) >= MODEL_NAME) {
		err_set(ld->e, ERR_CORRUPT, "a workspace without a name");
		return NULL;
	}
	ws = workspace_new(ld->m, name);
	node_free(ws->root);
	ws->cur = NULL;
	ld->tiles = 0;
	root = load_node(ld, json_object_get(j, "tree"), ws, NULL, 0);
	if (root == NULL) {
		free(ws->name);
		free(ws);
		return NULL;
	}
	ws->root = root;
	if (ws->cur == NULL)
		ws->cur = tile_first(root);
	ws->home = home[0] == '\0' ? NULL : xstrndup(home, 255);
	ws->shown_home = get_bool(j, "current") || get_bool(j, "shown_home");
	ws->filler = get_bool(j, "filler");
	return ws;
}

static int
load_list(
    struct loader *ld, json_t *list, struct workspace_list *out, size_t *count)
{
	size_t i;
	json_t *j;

	json_array_foreach(list, i, j)
	{
		struct workspace *ws, *o;

		if (++*count > MODEL_WORKSPACES / 2) {
			err_set(ld->e, ERR_LIMIT, "more than %d workspaces",
			    MODEL_WORKSPACES / 2);
			return -1;
		}
		ws = load_workspace(ld, j);
		if (ws == NULL)
			return -1;
		TAILQ_INSERT_TAIL(out, ws, link);
		TAILQ_FOREACH(o, out, link) {
			if (o != ws && strcmp(o->name, ws->name) == 0) {
				err_set(ld->e, ERR_CORRUPT,
				    "workspace %s: named twice", ws->name);
				return -1;
			}
		}
	}
	return 0;
}

static void
drop_new(struct workspace_list *list)
{
	struct workspace *ws;

	while ((ws = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, ws, link);
		node_free(ws->root);
		free(ws->name);
		free(ws->home);
		free(ws);
	}
}

/* The new tree in the place of the old; its windows follow. */
static void
put_tree(struct model *m, struct workspace *ws, struct workspace *new)
{
	struct node *old = ws->root;

	node_set_workspace(new->root, ws);
	for (struct node *t = tile_first(old); t != NULL; t = tile_after(t))
		tile_merge(m, t, new->cur);
	ws->root = new->root;
	ws->cur = new->cur;
	ws->filler = new->filler;
	node_free(old);
	new->root = NULL;
}

static void
put_workspace(struct model *m, struct workspace *new)
{
	struct workspace *ws = workspace_by_name(m, new->name);
	struct screen *s = NULL;

	if (new->home != NULL)
		s = screen_by_key(m, new->home);
	if (s == NULL)
		s = m->cur;
	if (ws == NULL)
		ws = workspace_create(m, s, new->name);
	if (ws == NULL)
		return; /* the table is full: its windows go elsewhere */
	put_tree(m, ws, new);
	free(ws->home);
	ws->home = new->home;
	new->home = NULL;
	ws->shown_home = new->shown_home;
	if (s != NULL && ws->screen != s)
		workspace_to_screen(m, ws, s);
	if (new->shown_home && s != NULL)
		s->cur = ws;
}

static void
refit(struct model *m)
{
	struct want *want;
	struct node *t;

	for (struct win *w = model_first_win(m), *next; w != NULL; w = next) {
		next = model_next_win(m, w);
		if (w->floating)
			continue;
		t = layout_claim(
		    m, w->id, w->class, w->instance, w->role, &want);
		if (t == NULL)
			continue;
		layout_apply(m, w, t, want);
		want_free(want);
		/* A move may bring floats along: begin again is safe, as
		 * each want is claimed once. */
		next = model_first_win(m);
	}
}

/* What a screen showed; not what it had shown when it last went. */
static void
load_shown(struct model *m, struct screen *s, json_t *workspaces)
{
	size_t i;
	json_t *j;

	json_array_foreach(workspaces, i, j)
	{
		struct workspace *ws =
		    workspace_by_name(m, get_text(j, "name"));

		if (ws != NULL && ws->screen == s && get_bool(j, "current"))
			s->cur = ws;
	}
}

/* Which screen was current, and what each showed. */
static void
load_current(struct model *m, json_t *screens)
{
	size_t i;
	json_t *j;

	json_array_foreach(screens, i, j)
	{
		struct screen *s = screen_by_key(m, get_text(j, "screen"));

		if (s == NULL)
			continue;
		load_shown(m, s, json_object_get(j, "workspaces"));
		if (get_bool(j, "current"))
			m->cur = s;
	}
}

static int
load_all(struct loader *ld, json_t *root, struct workspace_list *new)
{
	json_t *screens = json_object_get(root, "screens"), *j;
	size_t i, count = 0;

	if (json_integer_value(json_object_get(root, "fion")) != 1) {
		err_set(ld->e, ERR_UNSUPPORTED,
		    "not a layout that this fion knows");
		return -1;
	}
	if (screens != NULL && !json_is_array(screens)) {
		err_set(ld->e, ERR_CORRUPT, "\"screens\" is no array");
		return -1;
	}
	json_array_foreach(screens, i, j)
	{
		if (load_list(ld, json_object_get(j, "workspaces"), new,
			&count) == -1)
			return -1;
	}
	return load_list(ld, json_object_get(root, "limbo"), new, &count);
}

int
layout_load(struct model *m, const char *text, size_t len, struct err *e)
{
	struct loader ld = { .m = m, .e = e };
	struct workspace_list new = TAILQ_HEAD_INITIALIZER(new);
	struct workspace *ws;
	json_error_t je;
	json_t *root;
	int rc = -1;

	if (len > LAYOUT_BYTES) {
		err_set(e, ERR_LIMIT, "a layout of %zu bytes", len);
		return -1;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (root == NULL) {
		err_set(e, ERR_CORRUPT, "line %d, column %d: %s", je.line,
		    je.column, je.text);
		return -1;
	}
	if (load_all(&ld, root, &new) == -1)
		goto out;
	if (load_wants(&ld, m->scratch,
		json_object_get(json_object_get(root, "scratch"), "tabs")) ==
	    -1)
		goto out;
	TAILQ_FOREACH(ws, &new, link)
		put_workspace(m, ws);
	while ((ws = TAILQ_FIRST(&new)) != NULL) {
		TAILQ_REMOVE(&new, ws, link);
		if (ws->root != NULL)
			node_free(ws->root);
		free(ws->name);
		free(ws->home);
		free(ws);
	}
	load_current(m, json_object_get(root, "screens"));
	for (struct screen *s = screen_nth(m, 0); s != NULL;
	     s = TAILQ_NEXT(s, link))
		screen_drop_fillers(m, s);
	if (json_is_boolean(json_object_get(root, "scratch_shown")))
		m->scratch_shown = get_bool(root, "scratch_shown");
	refit(m);
	rc = 0;
out:
	drop_new(&new);
	json_decref(root);
	return rc;
}

static bool
matches(const struct want *want, uint32_t id, const char *class,
    const char *instance, const char *role)
{
	if (id != 0)
		return want->id == id;
	return class[0] != '\0' && strcmp(want->class, class) == 0 &&
	    strcmp(want->instance, instance) == 0 &&
	    strcmp(want->role, role) == 0;
}

static struct node *
find_want(struct model *m, uint32_t id, const char *class, const char *instance,
    const char *role, struct want **out)
{
	for (struct node *t = model_first_tile(m); t != NULL;
	     t = model_next_tile(m, t)) {
		struct want *want;

		TAILQ_FOREACH(want, &t->wants, link) {
			if (!matches(want, id, class, instance, role))
				continue;
			TAILQ_REMOVE(&t->wants, want, link);
			*out = want;
			return t;
		}
	}
	return NULL;
}

struct node *
layout_claim(struct model *m, uint32_t id, const char *class,
    const char *instance, const char *role, struct want **out)
{
	struct node *t = NULL;

	*out = NULL;
	if (id != 0)
		t = find_want(m, id, class, instance, role, out);
	if (t == NULL)
		t = find_want(m, 0, class, instance, role, out);
	return t;
}

void
layout_apply(
    struct model *m, struct win *w, struct node *t, const struct want *want)
{
	struct win *shown = t->cur, *o;

	win_move(m, w, t);
	if (!w->floating) {
		w->order = want->order;
		TAILQ_REMOVE(&t->tabs, w, link);
		TAILQ_FOREACH(o, &t->tabs, link)
			if (o->order > w->order)
				break;
		if (o != NULL)
			TAILQ_INSERT_BEFORE(o, w, link);
		else
			TAILQ_INSERT_TAIL(&t->tabs, w, link);
		t->cur = want->current || shown == NULL ? w : shown;
	}
	w->full = want->full;
}

void
want_free(struct want *want)
{
	if (want == NULL)
		return;
	free(want->class);
	free(want->instance);
	free(want->role);
	free(want);
}
