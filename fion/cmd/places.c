/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * places: the commands about screens, workspaces and tiles.
 */
#include <string.h>

#include "lib/conv.h"
#include "lib/err.h"

#include "fion/cmd/cmd_internal.h"

#define RESIZE_STEP 32 /* pixels */

static int
nothing(struct err *e, const char *what)
{
	err_set(e, ERR_NOT_FOUND, "no %s there", what);
	return -1;
}

struct screen *
cmd_screen(struct model *m, const char *word)
{
	enum dir dir;
	uint64_t n;
	struct screen *s;

	if (cmd_dir(word, &dir))
		return screen_towards(m, dir);
	if (cmd_delta(word) != 0)
		return screen_step(m, cmd_delta(word));
	s = screen_by_key(m, word);
	if (s == NULL && conv_u64(word, 1, 64, &n))
		s = screen_nth(m, (size_t)n - 1);
	return s;
}

int
cmd_run_screen(struct cmd_host *h, const struct cmd *c, const char *const *args,
    struct err *e)
{
	const char *word = strcmp(c->verb, "pick") == 0 ? args[0] : c->verb;
	struct screen *s = cmd_screen(h->m, word);

	if (s == NULL)
		return nothing(e, "screen");
	screen_focus(h->m, s);
	return 0;
}

static int
workspace_pick(struct cmd_host *h, const char *name, struct err *e)
{
	struct workspace *ws = workspace_by_name(h->m, name);

	if (ws == NULL)
		ws = workspace_create(h->m, h->m->cur, name);
	if (ws == NULL) {
		err_set(e, ERR_LIMIT,
		    "workspace \"%s\": a name has 1 to %d "
		    "bytes, and there are %d workspaces at most",
		    name, MODEL_NAME - 1, MODEL_WORKSPACES);
		return -1;
	}
	workspace_show(h->m, ws);
	return 0;
}

static int
workspace_create_here(struct cmd_host *h, const char *name, struct err *e)
{
	struct workspace *ws = workspace_create(h->m, h->m->cur, name);

	if (ws == NULL) {
		err_set(e, ERR_EXISTS,
		    "workspace \"%s\": the name is taken, "
		    "or there are too many",
		    name == NULL ? "" : name);
		return -1;
	}
	workspace_show(h->m, ws);
	return 0;
}

static int
workspace_send(struct cmd_host *h, const char *word, struct err *e)
{
	struct screen *s = cmd_screen(h->m, word);

	if (s == NULL)
		return nothing(e, "screen");
	workspace_to_screen(h->m, workspace_current(h->m), s);
	return 0;
}

int
cmd_run_workspace(struct cmd_host *h, const struct cmd *c,
    const char *const *args, struct err *e)
{
	struct workspace *ws = workspace_current(h->m), *to = NULL;

	if (strcmp(c->verb, "pick") == 0)
		return workspace_pick(h, args[0], e);
	if (strcmp(c->verb, "create") == 0)
		return workspace_create_here(h, args[0], e);
	if (strcmp(c->verb, "send") == 0)
		return workspace_send(h, args[0], e);
	if (strcmp(c->verb, "destroy") == 0) {
		if (workspace_destroy(h->m, ws))
			return 0;
		err_set(e, ERR_USAGE, "a screen keeps one workspace");
		return -1;
	}
	if (strcmp(c->verb, "rename") == 0) {
		if (workspace_rename(h->m, ws, args[0]))
			return 0;
		err_set(e, ERR_EXISTS,
		    "workspace \"%s\": taken, empty or too "
		    "long",
		    args[0]);
		return -1;
	}
	if (strcmp(c->verb, "move") == 0) {
		if (cmd_delta(args[0]) == 0) {
			err_set(e, ERR_USAGE, "move next, or previous");
			return -1;
		}
		workspace_reorder(ws, cmd_delta(args[0]));
		return 0;
	}
	if (strcmp(c->verb, "last") == 0)
		to = workspace_last(h->m);
	else
		to = workspace_step(ws, cmd_delta(c->verb));
	if (to == NULL)
		return nothing(e, "workspace");
	workspace_show(h->m, to);
	return 0;
}

/* [row|column] [PERCENT]; along the longer side when not said. */
static int
tile_create(struct cmd_host *h, const char *const *args, struct err *e)
{
	struct node *t = model_tile(h->m), *new;
	enum axis axis;
	size_t percent = 50;

	model_layout(h->m);
	axis = t->rect.w >= t->rect.h ? AXIS_ROW : AXIS_COLUMN;
	if (args[0] != NULL && strcmp(args[0], "row") == 0) {
		axis = AXIS_ROW;
		args++;
	} else if (args[0] != NULL && strcmp(args[0], "column") == 0) {
		axis = AXIS_COLUMN;
		args++;
	}
	if (args[0] != NULL && cmd_number(args[0], 99, &percent, e) == -1)
		return -1;
	new = tile_split(h->m, t, axis, (unsigned)percent * 10, false);
	if (new == NULL) {
		err_set(e, ERR_LIMIT, "this tile can't be cut");
		return -1;
	}
	tile_focus(h->m, new);
	return 0;
}

static int
tile_resize_words(struct cmd_host *h, const char *const *args, struct err *e)
{
	size_t px = RESIZE_STEP;
	enum dir dir;

	if (!cmd_dir(args[0], &dir)) {
		err_set(e, ERR_USAGE, "\"%s\" is not a direction", args[0]);
		return -1;
	}
	if (args[1] != NULL && cmd_number(args[1], 10000, &px, e) == -1)
		return -1;
	if (!tile_resize(h->m, model_tile(h->m), dir, (int)px)) {
		err_set(e, ERR_USAGE, "no boundary can move there");
		return -1;
	}
	return 0;
}

static struct node *
which_tile(struct model *m, const char *word)
{
	enum dir dir;

	if (cmd_dir(word, &dir))
		return tile_towards(m, model_tile(m), dir);
	if (cmd_delta(word) != 0)
		return tile_step(model_tile(m), cmd_delta(word));
	return strcmp(word, "last") == 0 ? tile_last(m) : NULL;
}

/* The commands that change tiles; 1 when the verb is none of them. */
static int
change_tile(struct cmd_host *h, const struct cmd *c, const char *const *args,
    struct err *e)
{
	struct node *t = model_tile(h->m), *to;

	if (strcmp(c->verb, "create") == 0)
		return tile_create(h, args, e);
	if (strcmp(c->verb, "resize") == 0)
		return tile_resize_words(h, args, e);
	if (strcmp(c->verb, "destroy") == 0) {
		if (tile_destroy(h->m, t))
			return 0;
		err_set(e, ERR_USAGE, "a workspace keeps one tile");
		return -1;
	}
	if (strcmp(c->verb, "equal") == 0) {
		tile_equal(workspace_current(h->m));
		return 0;
	}
	if (strcmp(c->verb, "rotate") == 0) {
		if (tile_rotate(h->m, t))
			return 0;
		return nothing(e, "second tile");
	}
	if (strcmp(c->verb, "rename") == 0) {
		if (tile_rename(h->m, t, args[0] == NULL ? "" : args[0]))
			return 0;
		err_set(
		    e, ERR_EXISTS, "tile \"%s\": taken or too long", args[0]);
		return -1;
	}
	if (strcmp(c->verb, "move") == 0) {
		to = which_tile(h->m, args[0]);
		if (to == NULL || !tile_swap(h->m, t, to))
			return nothing(e, "tile");
		tile_focus(h->m, t);
		return 0;
	}
	return 1;
}

int
cmd_run_tile(struct cmd_host *h, const struct cmd *c, const char *const *args,
    struct err *e)
{
	struct node *to;
	size_t n;
	int rc = change_tile(h, c, args, e);

	if (rc != 1)
		return rc;
	if (strcmp(c->verb, "pick") == 0) {
		if (cmd_number(args[0], MODEL_TILES, &n, e) == -1)
			return -1;
		to = tile_nth(workspace_current(h->m), n - 1);
	} else if (strcmp(c->verb, "focus") == 0) {
		to = tile_by_name(h->m, args[0]);
	} else {
		to = which_tile(h->m, c->verb);
	}
	if (to == NULL)
		return nothing(e, "tile");
	tile_focus(h->m, to);
	return 0;
}
