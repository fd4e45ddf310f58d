/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * windows: the commands about tabs and the focus.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

#include "fion/cmd/cmd_internal.h"

static int
no_window(struct err *e)
{
	err_set(e, ERR_NOT_FOUND, "no window there");
	return -1;
}

static int
focus_win(struct cmd_host *h, struct win *w, struct err *e)
{
	if (w == NULL)
		return no_window(e);
	win_focus(h->m, w);
	return 0;
}

/* The window goes to t, and the focus with it. */
static void
carry(struct cmd_host *h, struct win *w, struct node *t)
{
	win_move(h->m, w, t);
	win_focus(h->m, w);
}

static int
tab_move(struct cmd_host *h, struct win *w, const char *word, struct err *e)
{
	enum dir dir;
	struct node *t;

	if (cmd_delta(word) != 0) {
		win_reorder(w, cmd_delta(word));
		return 0;
	}
	if (!cmd_dir(word, &dir)) {
		err_set(e, ERR_USAGE, "\"%s\" is not a direction", word);
		return -1;
	}
	t = tile_towards(h->m, w->tile, dir);
	if (t == NULL) {
		err_set(e, ERR_NOT_FOUND, "no tile there");
		return -1;
	}
	carry(h, w, t);
	return 0;
}

static int
tab_send(struct cmd_host *h, struct win *w, const char *name, struct err *e)
{
	struct workspace *ws = workspace_by_name(h->m, name);

	if (ws == NULL)
		ws = workspace_create(h->m, h->m->cur, name);
	if (ws == NULL) {
		err_set(e, ERR_NOT_FOUND, "no workspace \"%s\"", name);
		return -1;
	}
	win_move(h->m, w, ws->cur);
	return 0;
}

static int
tab_screen(struct cmd_host *h, struct win *w, const char *word, struct err *e)
{
	struct screen *s = cmd_screen(h->m, word);

	if (s == NULL) {
		err_set(e, ERR_NOT_FOUND, "no screen there");
		return -1;
	}
	carry(h, w, s->cur->cur);
	return 0;
}

static int
tab_fullscreen(struct win *w, const char *word, struct err *e)
{
	enum full to = FULL_SCREEN;

	if (word != NULL && strcmp(word, "tile") == 0) {
		to = FULL_TILE;
	} else if (word != NULL && strcmp(word, "screen") != 0) {
		err_set(e, ERR_USAGE, "fullscreen tile, or screen");
		return -1;
	}
	w->full = w->full == to ? FULL_NONE : to;
	return 0;
}

static int
tab_scratch(struct cmd_host *h, struct win *w)
{
	if (w->tile == h->m->scratch)
		carry(h, w, workspace_current(h->m)->cur);
	else
		win_move(h->m, w, h->m->scratch);
	return 0;
}

/* The commands that need a window; it has the focus. */
static int
run_on(struct cmd_host *h, struct win *w, const struct cmd *c,
    const char *const *args, struct err *e)
{
	if (strcmp(c->verb, "destroy") == 0)
		return h->ops->close(h->ctx, w, false, e);
	if (strcmp(c->verb, "kill") == 0)
		return h->ops->close(h->ctx, w, true, e);
	if (strcmp(c->verb, "move") == 0)
		return tab_move(h, w, args[0], e);
	if (strcmp(c->verb, "send") == 0)
		return tab_send(h, w, args[0], e);
	if (strcmp(c->verb, "screen") == 0)
		return tab_screen(h, w, args[0], e);
	if (strcmp(c->verb, "scratch") == 0)
		return tab_scratch(h, w);
	if (strcmp(c->verb, "fullscreen") == 0)
		return tab_fullscreen(w, args[0], e);
	if (strcmp(c->verb, "float") == 0) {
		win_set_floating(h->m, w, !w->floating);
		win_focus(h->m, w);
		return 0;
	}
	w->tagged = !w->tagged; /* "tag" */
	return 0;
}

static struct win *
by_number(struct model *m, const char *word)
{
	char *end;
	unsigned long id = strtoul(word, &end, 0);
	struct win *w;

	if (*end != '\0' || id == 0)
		return NULL;
	for (w = model_first_win(m); w != NULL; w = model_next_win(m, w))
		if (w->id == id)
			break;
	return w;
}

int
cmd_run_tab(struct cmd_host *h, const struct cmd *c, const char *const *args,
    struct err *e)
{
	struct node *t = model_tile(h->m);
	struct win *w = model_focused(h->m);
	size_t n;

	if (strcmp(c->verb, "next") == 0 || strcmp(c->verb, "right") == 0)
		return focus_win(h, tab_step(t, 1), e);
	if (strcmp(c->verb, "previous") == 0 || strcmp(c->verb, "left") == 0)
		return focus_win(h, tab_step(t, -1), e);
	if (strcmp(c->verb, "last") == 0)
		return focus_win(h, win_last(h->m), e);
	if (strcmp(c->verb, "focus") == 0)
		return focus_win(h, by_number(h->m, args[0]), e);
	if (strcmp(c->verb, "create") == 0)
		return h->ops->prompt(h->ctx, "run", e);
	if (strcmp(c->verb, "attach") == 0) {
		if (win_attach_tagged(h->m, t) > 0)
			return 0;
		err_set(e, ERR_NOT_FOUND, "no window is tagged");
		return -1;
	}
	if (strcmp(c->verb, "pick") == 0) {
		if (cmd_number(args[0], 10000, &n, e) == -1)
			return -1;
		return focus_win(h, tab_nth(t, n - 1), e);
	}
	return w == NULL ? no_window(e) : run_on(h, w, c, args, e);
}

int
cmd_run_focus(struct cmd_host *h, const struct cmd *c, struct err *e)
{
	if (strcmp(c->noun, "scratch") == 0) {
		scratch_toggle(h->m);
		return 0;
	}
	if (strcmp(c->verb, "urgent") == 0)
		return focus_win(h, win_urgent(h->m), e);
	return focus_win(h, win_last(h->m), e);
}
