/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/opt.h"

#include "smtpd/filters/args.h"

/* Whether word is "-name" or "-name=value" of the table. */
static bool
is_single_dashed(const struct opt *table, const char *word)
{
	size_t len;

	if (word[0] != '-' || word[1] == '-')
		return false;
	len = strcspn(word + 1, "=");
	for (; table->name != NULL; table++)
		if (len > 1 && strlen(table->name) == len &&
		    strncmp(table->name, word + 1, len) == 0)
			return true;
	return false;
}

bool
args_tables(const struct opt *table, int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "help") != 0 ||
	    strcmp(argv[2], "--tables") != 0)
		return false;
	puts("\t\t\t\ta filter of smtpd"); /* no operand */
	opt_print_table("", table, stdout);
	return true;
}

int
args_read(const struct opt *table, int argc, char **argv,
    int (*set)(void *arg, int id, const char *value, struct err *e), void *arg,
    struct err *e)
{
	char **words = xcalloc((size_t)argc + 1, sizeof(*words));
	struct opt_parser p;
	int id, rc = 0;

	for (int i = 0; i < argc; i++)
		words[i] = i > 0 && is_single_dashed(table, argv[i]) ?
		    xasprintf("-%s", argv[i]) :
		    xstrdup(argv[i]);
	opt_init(&p, table, argc, words, false);
	while (rc == 0 && (id = opt_next(&p, e)) != OPT_END)
		rc = id == OPT_FAIL ? -1 : set(arg, id, p.value, e);
	if (rc == 0 && p.next != argc) {
		err_set(e, ERR_USAGE, "%s: not an option", words[p.next]);
		rc = -1;
	}
	for (int i = 0; i < argc; i++)
		free(words[i]);
	free(words);
	return rc;
}
