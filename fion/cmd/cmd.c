/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/conv.h"
#include "lib/err.h"

#include "fion/cmd/cmd.h"
#include "fion/cmd/cmd_internal.h"

#define MAX_TIMES 1000

bool
cmd_dir(const char *word, enum dir *out)
{
	static const char *const names[] = { "left", "right", "up", "down" };

	for (unsigned i = 0; i < 4; i++) {
		if (strcmp(word, names[i]) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

int
cmd_delta(const char *word)
{
	if (strcmp(word, "next") == 0)
		return 1;
	return strcmp(word, "previous") == 0 ? -1 : 0;
}

int
cmd_number(const char *word, uint64_t max, size_t *out, struct err *e)
{
	uint64_t n;

	if (!conv_u64(word, 1, max, &n)) {
		err_set(e, ERR_USAGE, "\"%s\" is not a number from 1 to %llu",
		    word, (unsigned long long)max);
		return -1;
	}
	*out = (size_t)n;
	return 0;
}

static int
run_wm(struct cmd_host *h, const struct cmd *c, const char *const *args,
    struct err *e)
{
	static const struct {
		const char *noun;
		enum cmd_wm what;
	} whats[] = {
		{ "reload", CMD_WM_RELOAD },
		{ "restart", CMD_WM_RESTART },
		{ "quit", CMD_WM_QUIT },
		{ "save", CMD_WM_SAVE },
		{ "load", CMD_WM_LOAD },
		{ "pass", CMD_WM_PASS },
		{ "bar", CMD_WM_BAR },
		{ "terminal", CMD_WM_TERMINAL },
		{ "repeat", CMD_WM_REPEAT },
	};

	if (strcmp(c->noun, "exec") == 0)
		return h->ops->exec(h->ctx, args, e);
	if (strcmp(c->noun, "mode") == 0) {
		if (args[1] != NULL && strcmp(args[1], "held") != 0) {
			err_set(e, ERR_USAGE, "usage: mode NAME [held]");
			return -1;
		}
		return h->ops->mode(h->ctx, args[0], args[1] != NULL, e);
	}
	if (strcmp(c->noun, "prompt") == 0)
		return h->ops->prompt(h->ctx, args[0], e);
	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++)
		if (strcmp(c->noun, whats[i].noun) == 0)
			return h->ops->wm(h->ctx, whats[i].what, args[0], e);
	return cmd_run_focus(h, c, e);
}

static int
run_once(struct cmd_host *h, const struct cmd *c, const char *const *args,
    struct err *e)
{
	if (strcmp(c->noun, "screen") == 0)
		return cmd_run_screen(h, c, args, e);
	if (strcmp(c->noun, "workspace") == 0)
		return cmd_run_workspace(h, c, args, e);
	if (strcmp(c->noun, "tile") == 0)
		return cmd_run_tile(h, c, args, e);
	if (strcmp(c->noun, "tab") == 0)
		return cmd_run_tab(h, c, args, e);
	return run_wm(h, c, args, e);
}

int
cmd_run(struct cmd_host *h, size_t n, const char *const *words, unsigned times,
    struct err *e)
{
	const char *args[CMD_WORDS + 1] = { NULL };
	const struct cmd *c;
	size_t used;

	if (n > CMD_WORDS) {
		err_set(e, ERR_LIMIT, "more than %d words", CMD_WORDS);
		return -1;
	}
	c = cmd_find(n, words, e);
	if (c == NULL)
		return -1;
	used = c->verb == NULL ? 1 : 2;
	for (size_t i = used; i < n; i++)
		args[i - used] = words[i];
	if (!c->counts)
		times = 1;
	if (times > MAX_TIMES)
		times = MAX_TIMES;
	for (unsigned i = 0; i < times; i++)
		if (run_once(h, c, args, e) == -1)
			return i == 0 ? -1 : 0; /* came as far as it goes */
	return 0;
}
