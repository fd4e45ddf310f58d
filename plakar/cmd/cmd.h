/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * cmd: what each command of plakar is: a name, a table of options, and a
 * function.  The tables print --help, make the completions, and are held
 * against the manual by a test.
 *
 * A command reads its options with cmd_opt_next(), which takes the global
 * ones itself, wherever they stand.
 */
#ifndef PLAKAR_CMD_CMD_H
#define PLAKAR_CMD_CMD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/attr.h"
#include "lib/opt.h"
#include "plakar/keys/credential.h"

#define CMD_PARTIAL 3 /* exit status: done, with parts missing */

struct cmd;
struct err;
struct repo;
struct ui;

struct cmd_ctx {
	struct ui *ui;
	char *location; /* of the repository; see cmd_location() */
	struct credential_source credential;
	struct credential typed; /* a new passphrase; credential.typed */
	const atomic_bool *stop; /* set by SIGINT and SIGTERM */
	const struct cmd *cmd;   /* the one that runs */
	bool help;               /* --help was given */

	/* What cmd_opt_next() works with. */
	struct opt_parser opt; /* .value, .next: as lib/opt.h */
	struct opt *opt_table; /* of the command, then the global ones */
};

struct cmd {
	const char *name;
	const char *alias;   /* or NULL */
	const char *summary; /* one line, lower case */
	const char *usage;   /* what follows the name: "[OPTIONS] ID[:/path]" */
	const struct opt *options;
	bool stores;   /* it changes the repository */
	bool restores; /* it writes elsewhere: it calls cmd_confine() itself */
	/*
	 * 0, CMD_PARTIAL (already told), or -1 with *e.  argv[0] is the
	 * command's name.
	 */
	int (*run)(struct cmd_ctx *ctx, int argc, char **argv, struct err *e);
};

extern const struct cmd cmd_cat, cmd_check, cmd_help, cmd_init, cmd_list,
    cmd_ls, cmd_pull, cmd_push, cmd_trash, cmd_version;

/* All of them, in the order of help; ends with NULL. */
extern const struct cmd *const cmd_table[];

/* By name or alias; ERR_USAGE suggests a likely one. */
const struct cmd *cmd_find(const char *name, struct err *e) ATTR_CHECKED;

/* What a command tells of itself, and plakar of all of them. */
void cmd_print_help(const struct cmd *cmd, FILE *out);
void cmd_print_usage(FILE *out);

/* Those that every command takes; and a table without options. */
extern const struct opt cmd_global_options[];
extern const struct opt cmd_no_options[];

/* Take a global option; false when id is none of them. */
bool cmd_take_global(struct cmd_ctx *ctx, int id, const char *value);

/*
 * Begin with the options of ctx->cmd; then, until OPT_END or OPT_FAIL, the
 * next one's id.  Operands are argv[ctx->opt.next] and on.
 */
void cmd_opt_begin(struct cmd_ctx *ctx, int argc, char **argv);
int cmd_opt_next(struct cmd_ctx *ctx, struct err *e) ATTR_CHECKED;

/* The same for commands that have no options, with a check of operands. */
int cmd_operands(struct cmd_ctx *ctx, int argc, char **argv, int min, int max,
    struct err *e) ATTR_CHECKED;

/* Check the number of operands once all options are read; max -1: any. */
int cmd_count_operands(const struct cmd_ctx *ctx, int argc, int min, int max,
    struct err *e) ATTR_CHECKED;

/* Where the repository is: "at", PLAKAR_REPOSITORY, ~/.plakar.  Borrowed. */
const char *cmd_location(struct cmd_ctx *ctx, struct err *e) ATTR_CHECKED;

/*
 * Open it; the next step is in the error.  The caller's to close.  From then
 * on the process is confined, but for a command that restores.
 */
int cmd_open_repo(
    struct cmd_ctx *ctx, struct repo **out, struct err *e) ATTR_CHECKED;

/*
 * Give up what the command won't need: all but reading files, and writing
 * below the cache, target (or NULL) and, if it stores, the repository.
 * Enter before threads are started.  Without the system's help it is warned
 * of, and gone on.
 */
void cmd_confine(
    struct cmd_ctx *ctx, const struct repo *repo, const char *target);

/* Load its index; index segments that can't be read are warned of. */
int cmd_load_index(
    struct cmd_ctx *ctx, struct repo *repo, struct err *e) ATTR_CHECKED;

#endif
