/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * cmd: every command there is, in one table: "noun verb arguments".
 *
 * Keys, fionctl, rules and the prompt all run the same words; the table also
 * completes them, explains them in the mode's panel, and is held against
 * the manual by a test.
 *
 * A command changes the model, or asks the outside by struct cmd_ops.  It
 * knows no X.
 *
 * Errors: ERR_USAGE for words that make no sense, ERR_NOT_FOUND for names
 *         of nothing; the model is then untouched.
 * Source: fionctl(1), "COMMANDS".
 */
#ifndef FION_CMD_CMD_H
#define FION_CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"

#define CMD_WORDS 64 /* in one command */

struct err;
struct model;
struct win;

/* What only the window manager itself can do. */
enum cmd_wm {
	CMD_WM_RELOAD,
	CMD_WM_RESTART,
	CMD_WM_QUIT,
	CMD_WM_SAVE, /* arg: name of a layout */
	CMD_WM_LOAD,
	CMD_WM_PASS, /* the next key goes to the application */
	CMD_WM_BAR,  /* show or hide the bar */
	CMD_WM_TERMINAL,
	CMD_WM_REPEAT, /* the last command again */
};

struct cmd_ops {
	int (*close)(void *ctx, struct win *w, bool kill, struct err *e);
	int (*exec)(void *ctx, const char *const *argv, struct err *e);
	int (*mode)(void *ctx, const char *name, bool held, struct err *e);
	int (*prompt)(void *ctx, const char *kind, struct err *e);
	int (*wm)(void *ctx, enum cmd_wm what, const char *arg, struct err *e);
};

struct cmd_host {
	struct model *m;
	const struct cmd_ops *ops;
	void *ctx;
};

struct cmd {
	const char *noun;
	const char *verb; /* NULL: the noun alone */
	const char *args; /* as in the manual */
	const char *help;
	size_t min, max; /* words after noun and verb */
	bool counts;     /* makes sense several times: "3n" */
};

/* Ends with an element whose noun is NULL. */
extern const struct cmd cmd_table[];

/* The command these words name, if there are as many words as it takes. */
const struct cmd *cmd_find(
    size_t n, const char *const *words, struct err *e) ATTR_CHECKED;

/* Do it, times times if it counts (1 or more). */
int cmd_run(struct cmd_host *h, size_t n, const char *const *words,
    unsigned times, struct err *e) ATTR_CHECKED;

#endif
