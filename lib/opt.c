/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "lib/opt.h"

#define HELP_COLUMN 28
#define HELP_WIDTH  80

static bool stop_early; /* getopt's own state is global too */

static bool
has_letter(const struct opt *o)
{
	return o->id < 256 && isalnum(o->id);
}

void
opt_init(struct opt_parser *p, const struct opt *table, int argc, char **argv,
    bool stop_at_operand)
{
	*p = (struct opt_parser){ .table = table, .argc = argc, .argv = argv };
	stop_early = stop_at_operand;
	optind = 0; /* glibc and musl: forget the last command line */
	opterr = 0;
}

/* What getopt_long() wants to know of the table. */
static struct option *
long_options(const struct opt *table)
{
	struct option *options;
	size_t n = 0;

	while (table[n].name != NULL)
		n++;
	options = xcalloc(n + 1, sizeof(*options));
	for (size_t i = 0; i < n; i++) {
		options[i].name = table[i].name;
		options[i].has_arg =
		    table[i].arg != NULL ? required_argument : no_argument;
		options[i].val = table[i].id;
	}
	return options;
}

static void
short_options(const struct opt *table, struct buf *letters)
{
	/* The colon tells a missing value from an unknown option. */
	buf_add_str(letters, stop_early ? "+:" : ":");
	for (; table->name != NULL; table++)
		if (has_letter(table))
			buf_printf(letters, "%c%s", table->id,
			    table->arg != NULL ? ":" : "");
}

/* The option of the table that getopt's answer means, or NULL. */
static const struct opt *
by_id(const struct opt *table, int id)
{
	for (; table->name != NULL; table++)
		if (table->id == id)
			return table;
	return NULL;
}

/* Say of a word "--name" or "--name=value" why it is no option. */
static void
explain_long(const struct opt *table, const char *word, struct err *e)
{
	size_t len = strcspn(word + 2, "=");
	struct buf list = { 0 };
	unsigned n = 0;

	for (; table->name != NULL; table++)
		if (strncmp(table->name, word + 2, len) == 0)
			buf_printf(
			    &list, "%s --%s", n++ > 0 ? "," : "", table->name);
	if (n > 1)
		err_set(e, ERR_USAGE, "--%.*s is ambiguous:%s", (int)len,
		    word + 2, buf_str(&list));
	else
		err_set(
		    e, ERR_USAGE, "unknown option --%.*s", (int)len, word + 2);
	buf_free(&list);
}

/* Say why getopt answered id, '?' or ':', at word; letter is its optopt. */
static void
explain(const struct opt *table, int id, int letter, const char *word,
    struct err *e)
{
	const struct opt *o = letter != 0 ? by_id(table, letter) : NULL;
	bool is_long = strncmp(word, "--", 2) == 0;

	if (o == NULL && letter != 0 && isprint(letter))
		err_set(e, ERR_USAGE, "unknown option -%c", letter);
	else if (o == NULL && letter != 0)
		err_set(e, ERR_USAGE, "unknown option \\x%02x",
		    (unsigned)letter & 0xff);
	else if (o == NULL)
		explain_long(table, word, e);
	else if (id == '?')
		err_set(e, ERR_USAGE, "--%s takes no value", o->name);
	else if (is_long)
		err_set(
		    e, ERR_USAGE, "--%s needs a value: %s", o->name, o->arg);
	else
		err_set(e, ERR_USAGE, "-%c needs a value: %s", letter, o->arg);
}

int
opt_next(struct opt_parser *p, struct err *e)
{
	struct buf letters = { 0 };
	struct option *options = long_options(p->table);
	int id;

	short_options(p->table, &letters);
	id = getopt_long(p->argc, p->argv, buf_str(&letters), options, NULL);
	buf_free(&letters);
	free(options);

	p->value = optarg;
	p->next = optind;
	if (id == '?' || id == ':') {
		explain(p->table, id, optopt, p->argv[optind - 1], e);
		return OPT_FAIL;
	}
	return id == -1 ? OPT_END : id;
}

/* Print text from column at on, broken between words. */
static void
print_wrapped(const char *text, size_t at, FILE *out)
{
	size_t column = at;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)len, text);
		column += len;
		text += len;
		while (*text == ' ')
			text++;
	}
	fputc('\n', out);
}

void
opt_print(const struct opt *table, FILE *out)
{
	for (; table->name != NULL; table++) {
		struct buf left = { 0 };

		if (has_letter(table))
			buf_printf(
			    &left, "  -%c, --%s", table->id, table->name);
		else
			buf_printf(&left, "      --%s", table->name);
		if (table->arg != NULL)
			buf_printf(&left, " %s", table->arg);
		if (left.len > HELP_COLUMN - 2)
			fprintf(
			    out, "%s\n%*s", buf_str(&left), HELP_COLUMN, "");
		else
			fprintf(out, "%-*s", HELP_COLUMN, buf_str(&left));
		print_wrapped(table->help, HELP_COLUMN, out);
		buf_free(&left);
	}
}

void
opt_print_table(const char *command, const struct opt *table, FILE *out)
{
	for (; table->name != NULL; table++) {
		char letter[2] = { has_letter(table) ? (char)table->id : '\0' };

		fprintf(out, "%s\t%s\t%s\t%s\t%s\n", command, letter,
		    table->name, table->arg != NULL ? table->arg : "",
		    table->help);
	}
}
