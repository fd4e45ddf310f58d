/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/opt.h"

#define MAX_WORDS 8
#define KEEP_LAST 256

static const struct opt table[] = {
	{ 'n', "dry-run", NULL, "only say what would be done" },
	{ 't', "tag", "NAME", "mark the snapshot" },
	{ KEEP_LAST, "keep-last", "N", "keep the newest N" },
	{ KEEP_LAST + 1, "keep-daily", "N",
	    "keep one a day for N days, the newest of each, whatever else is "
	    "said about those that are older" },
	{ KEEP_LAST + 2, "a-name-that-fills-its-column", "WORD", "short" },
	{ 0, NULL, NULL, NULL },
};

/* Words of a command line, which opt may reorder. */
static void
start(struct opt_parser *p, const char *const *words, char **argv, bool stop)
{
	int argc = 0;

	argv[argc++] = strdup("command");
	for (; *words != NULL; words++)
		argv[argc++] = strdup(*words);
	argv[argc] = NULL;
	opt_init(p, table, argc, argv, stop);
}

static void
finish(char **argv)
{
	for (; *argv != NULL; argv++)
		free(*argv);
}

static void
options_stand_among_operands(void **state)
{
	const char *const words[] = { "a", "-n", "b", "--tag=x", "-ty",
		"--keep-last", "3", "c", NULL };
	char *argv[MAX_WORDS + 2];
	struct opt_parser p;
	struct err e;

	(void)state;
	start(&p, words, argv, false);
	assert_int_equal(opt_next(&p, &e), 'n');
	assert_null(p.value);
	assert_int_equal(opt_next(&p, &e), 't');
	assert_string_equal(p.value, "x");
	assert_int_equal(opt_next(&p, &e), 't');
	assert_string_equal(p.value, "y");
	assert_int_equal(opt_next(&p, &e), KEEP_LAST);
	assert_string_equal(p.value, "3");
	assert_int_equal(opt_next(&p, &e), OPT_END);
	assert_int_equal(p.argc - p.next, 3);
	assert_string_equal(argv[p.next], "a");
	assert_string_equal(argv[p.next + 2], "c");
	finish(argv);
}

static void
two_dashes_end_the_options(void **state)
{
	const char *const words[] = { "-n", "--", "-n", NULL };
	char *argv[MAX_WORDS + 2];
	struct opt_parser p;
	struct err e;

	(void)state;
	start(&p, words, argv, false);
	assert_int_equal(opt_next(&p, &e), 'n');
	assert_int_equal(opt_next(&p, &e), OPT_END);
	assert_string_equal(argv[p.next], "-n");
	finish(argv);
}

static void
first_operand_ends_the_options_when_told_so(void **state)
{
	const char *const words[] = { "-n", "push", "-n", NULL };
	char *argv[MAX_WORDS + 2];
	struct opt_parser p;
	struct err e;

	(void)state;
	start(&p, words, argv, true);
	assert_int_equal(opt_next(&p, &e), 'n');
	assert_int_equal(opt_next(&p, &e), OPT_END);
	assert_string_equal(argv[p.next], "push");
	assert_string_equal(argv[p.next + 1], "-n");
	finish(argv);
}

static void
unambiguous_beginning_is_enough(void **state)
{
	const char *const words[] = { "--dry", NULL };
	char *argv[MAX_WORDS + 2];
	struct opt_parser p;
	struct err e;

	(void)state;
	start(&p, words, argv, false);
	assert_int_equal(opt_next(&p, &e), 'n');
	finish(argv);
}

static void
what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *words[MAX_WORDS];
		const char *message;
	} cases[] = {
		{ { "-x" }, "unknown option -x" },
		{ { "-nx", "operand" }, "unknown option -x" },
		{ { "--tag=a", "-nx" }, "unknown option -x" },
		{ { "-\xc3" }, "unknown option \\xc3" },
		{ { "--nonsense" }, "unknown option --nonsense" },
		{ { "--nonsense=1", "operand" }, "unknown option --nonsense" },
		{ { "--keep" },
		    "--keep is ambiguous: --keep-last, --keep-daily" },
		{ { "--keep-=5" },
		    "--keep- is ambiguous: --keep-last, --keep-daily" },
		{ { "-t" }, "-t needs a value: NAME" },
		{ { "-nt" }, "-t needs a value: NAME" },
		{ { "--tag" }, "--tag needs a value: NAME" },
		{ { "--keep-last" }, "--keep-last needs a value: N" },
		{ { "--dry-run=yes" }, "--dry-run takes no value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[MAX_WORDS + 2];
		struct opt_parser p;
		struct err e;
		int id;

		start(&p, cases[i].words, argv, false);
		do
			id = opt_next(&p, &e);
		while (id != OPT_FAIL && id != OPT_END);
		assert_int_equal(id, OPT_FAIL);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(e.msg, cases[i].message);
		finish(argv);
	}
}

/* What print writes, owned by the caller. */
static char *
printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(out);
	fclose(out);
	return text;
}

static void
print_help(FILE *out)
{
	opt_print(table, out);
}

static void
print_table(FILE *out)
{
	const struct opt two[] = { table[0], table[2], { .name = NULL } };

	opt_print_table("push", two, out);
}

static void
help_is_wrapped_at_80_columns(void **state)
{
	char *text = printed(print_help);

	(void)state;
	assert_string_equal(text,
	    "  -n, --dry-run             only say what would be done\n"
	    "  -t, --tag NAME            mark the snapshot\n"
	    "      --keep-last N         keep the newest N\n"
	    "      --keep-daily N        keep one a day for N days, the newest "
	    "of each,\n"
	    "                            whatever else is said about those "
	    "that are older\n"
	    "      --a-name-that-fills-its-column WORD\n"
	    "                            short\n");
	for (const char *line = text; *line != '\0';
	     line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(text);
}

static void
table_has_five_fields_a_line(void **state)
{
	char *text = printed(print_table);

	(void)state;
	assert_string_equal(text,
	    "push\tn\tdry-run\t\tonly say what would be done\n"
	    "push\t\tkeep-last\tN\tkeep the newest N\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_among_operands),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(first_operand_ends_the_options_when_told_so),
		cmocka_unit_test(unambiguous_beginning_is_enough),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(help_is_wrapped_at_80_columns),
		cmocka_unit_test(table_has_five_fields_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
