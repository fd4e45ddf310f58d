/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <stdio.h>

#include "lib/err.h"

#include "plakar/cmd/cmd.h"

enum {
	OPT_TABLES = 256,
};

static const struct opt options[] = {
	{ OPT_TABLES, "tables", NULL,
	    "print every command and option, for programs" },
	{ 0, NULL, NULL, NULL },
};

/* command, letter, long name, argument, help; between tabs. */
static void
print_table(const char *name, const char *summary, const struct opt *table)
{
	printf("%s\t\t\t\t%s\n", name, summary);
	for (; table->name != NULL; table++) {
		bool letter = table->id < 256 && isalnum(table->id) != 0;

		printf("%s\t%.*s\t%s\t%s\t%s\n", name, letter ? 1 : 0,
		    letter ? (const char[]){ (char)table->id, '\0' } : "",
		    table->name, table->arg != NULL ? table->arg : "",
		    table->help);
	}
}

static void
print_tables(void)
{
	print_table("", "keep directories for years", cmd_global_options);
	for (size_t i = 0; cmd_table[i] != NULL; i++)
		print_table(cmd_table[i]->name, cmd_table[i]->summary,
		    cmd_table[i]->options);
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	bool tables = false;
	int id;

	cmd_opt_begin(ctx, argc, argv);
	while ((id = cmd_opt_next(ctx, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		tables = true;
	}
	if (cmd_count_operands(ctx, argc, 0, 1, e) == -1)
		return -1;
	if (tables) {
		print_tables();
	} else if (ctx->opt.next < argc) {
		const struct cmd *cmd = cmd_find(argv[ctx->opt.next], e);

		if (cmd == NULL)
			return -1;
		cmd_print_help(cmd, stdout);
	} else {
		cmd_print_usage(stdout);
	}
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.summary = "tell what plakar, or a command of it, does",
	.usage = "[OPTIONS] [COMMAND]",
	.options = options,
	.run = run,
};
