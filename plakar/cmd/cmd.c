/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/ui/ui.h"

#include "plakar/cmd/cmd.h"

#define NAME_MAX_LEN 32 /* bytes of a mistyped command that are looked at */
#define NEAR         2  /* edits away that a suggestion may be */

enum {
	OPT_JSON = 1000,
	OPT_KEY_FILE,
	OPT_NO_PASSPHRASE,
	OPT_PASSPHRASE_COMMAND,
	OPT_PASSPHRASE_FILE,
	OPT_HELP,
};

const struct opt cmd_global_options[] = {
	{ 'q', "quiet", NULL, "say nothing but results and errors" },
	{ OPT_JSON, "json", NULL, "print one JSON object a line" },
	{ OPT_PASSPHRASE_FILE, "passphrase-file", "FILE",
	    "the first line of FILE is the passphrase" },
	{ OPT_PASSPHRASE_COMMAND, "passphrase-command", "CMD",
	    "the first line that CMD prints is the passphrase" },
	{ OPT_KEY_FILE, "key-file", "FILE",
	    "FILE is the key, in place of a passphrase" },
	{ OPT_NO_PASSPHRASE, "no-passphrase", NULL,
	    "there is no passphrase: whoever has the repository reads it" },
	{ OPT_HELP, "help", NULL, "print this" },
	{ 0, NULL, NULL, NULL },
};

const struct opt cmd_no_options[] = {
	{ 0, NULL, NULL, NULL },
};

const struct cmd *const cmd_table[] = {
	&cmd_init,
	&cmd_push,
	&cmd_pull,
	&cmd_list,
	&cmd_ls,
	&cmd_cat,
	&cmd_trash,
	&cmd_check,
	&cmd_help,
	&cmd_version,
	NULL,
};

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* How many letters to insert, drop or change (Levenshtein). */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], len = strlen(b);

	if (len > NAME_MAX_LEN || strlen(a) > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t above = row[j + 1];

			row[j + 1] = min3(above + 1, row[j] + 1,
			    diagonal + (a[i] == b[j] ? 0 : 1));
			diagonal = above;
		}
	}
	return row[len];
}

const struct cmd *
cmd_find(const char *name, struct err *e)
{
	const struct cmd *best = NULL;
	size_t best_distance = NEAR + 1;

	for (size_t i = 0; cmd_table[i] != NULL; i++) {
		const struct cmd *cmd = cmd_table[i];
		size_t d = distance(name, cmd->name);

		if (d == 0 ||
		    (cmd->alias != NULL && strcmp(name, cmd->alias) == 0))
			return cmd;
		if (d < best_distance) {
			best = cmd;
			best_distance = d;
		}
	}
	if (best != NULL)
		err_set(e, ERR_USAGE, "no command \"%.*s\"; is it \"%s\"?",
		    NAME_MAX_LEN, name, best->name);
	else
		err_set(e, ERR_USAGE,
		    "no command \"%.*s\"; \"plakar help\" lists them",
		    NAME_MAX_LEN, name);
	return NULL;
}

void
cmd_print_help(const struct cmd *cmd, FILE *out)
{
	fprintf(out, "usage: plakar [at LOCATION] %s %s\n\n%s\n", cmd->name,
	    cmd->usage, cmd->summary);
	if (cmd->alias != NULL)
		fprintf(out, "(also: plakar %s)\n", cmd->alias);
	if (cmd->options[0].name != NULL) {
		fprintf(out, "\noptions:\n");
		opt_print(cmd->options, out);
	}
	fprintf(out, "\noptions of every command:\n");
	opt_print(cmd_global_options, out);
}

void
cmd_print_usage(FILE *out)
{
	fprintf(out,
	    "usage: plakar [OPTIONS] [at LOCATION] COMMAND [ARG...]\n\n"
	    "commands:\n");
	for (size_t i = 0; cmd_table[i] != NULL; i++)
		fprintf(out, "  %-10s %s\n", cmd_table[i]->name,
		    cmd_table[i]->summary);
	fprintf(out,
	    "\nThe repository is LOCATION, else $PLAKAR_REPOSITORY, else "
	    "~/.plakar.\n\noptions of every command:\n");
	opt_print(cmd_global_options, out);
	fprintf(out, "\n\"plakar help COMMAND\" tells more.\n");
}

bool
cmd_take_global(struct cmd_ctx *ctx, int id, const char *value)
{
	switch (id) {
	case 'q':
		ui_set_mode(ctx->ui, UI_QUIET);
		return true;
	case OPT_JSON:
		ui_set_mode(ctx->ui, UI_JSON);
		return true;
	case OPT_KEY_FILE:
		ctx->credential.key_file = value;
		return true;
	case OPT_NO_PASSPHRASE:
		ctx->credential.no_passphrase = true;
		return true;
	case OPT_PASSPHRASE_COMMAND:
		ctx->credential.passphrase_command = value;
		return true;
	case OPT_PASSPHRASE_FILE:
		ctx->credential.passphrase_file = value;
		return true;
	case OPT_HELP:
		ctx->help = true;
		return true;
	default:
		return false;
	}
}

static size_t
count(const struct opt *table)
{
	size_t n = 0;

	while (table[n].name != NULL)
		n++;
	return n;
}

void
cmd_opt_begin(struct cmd_ctx *ctx, int argc, char **argv)
{
	size_t own = count(ctx->cmd->options);
	size_t all = own + count(cmd_global_options);

	free(ctx->opt_table);
	ctx->opt_table = xcalloc(all + 1, sizeof(ctx->opt_table[0]));
	memcpy(
	    ctx->opt_table, ctx->cmd->options, own * sizeof(ctx->opt_table[0]));
	memcpy(ctx->opt_table + own, cmd_global_options,
	    (all - own) * sizeof(ctx->opt_table[0]));
	opt_init(&ctx->opt, ctx->opt_table, argc, argv, false);
}

int
cmd_opt_next(struct cmd_ctx *ctx, struct err *e)
{
	int id;

	do
		id = opt_next(&ctx->opt, e);
	while (id >= 0 && cmd_take_global(ctx, id, ctx->opt.value));
	return id;
}

int
cmd_count_operands(
    const struct cmd_ctx *ctx, int argc, int min, int max, struct err *e)
{
	int n = argc - ctx->opt.next;

	if (n >= min && (max == -1 || n <= max))
		return 0;
	err_set(e, ERR_USAGE, "%s argument; usage: plakar %s %s",
	    n < min ? "missing" : "superfluous", ctx->cmd->name,
	    ctx->cmd->usage);
	return -1;
}

int
cmd_operands(
    struct cmd_ctx *ctx, int argc, char **argv, int min, int max, struct err *e)
{
	int id;

	assert(ctx->cmd->options[0].name == NULL);
	cmd_opt_begin(ctx, argc, argv);
	id = cmd_opt_next(ctx, e);
	return id == OPT_FAIL ? -1 : cmd_count_operands(ctx, argc, min, max, e);
}
