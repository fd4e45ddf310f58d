/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * opt: command-line options from a table.
 *
 * The table is the one place that knows an option: it parses the command
 * line, prints --help, makes the shell completions, and is held against the
 * man page by a test.
 */
#ifndef LIB_OPT_H
#define LIB_OPT_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/attr.h"

#define OPT_END  (-1) /* no more options; the operands follow */
#define OPT_FAIL (-2) /* *e says what is wrong */

struct err;

/* A table ends with an element whose name is NULL. */
struct opt {
	int id;           /* what opt_next() returns; a letter, or above 255 */
	const char *name; /* without the dashes */
	const char *arg;  /* the value's name in upper case, or NULL */
	const char *help;
};

struct opt_parser {
	const struct opt *table;
	int argc;
	char **argv;
	int next;          /* first operand, after OPT_END */
	const char *value; /* of the option just returned, or NULL */
};

/*
 * Parse argv[1] and on; argv[0] is the command's name.  Options may stand
 * among operands (argv is reordered, operands last) until "--".  With
 * stop_at_operand, the first operand ends the options.  One parser at a time.
 */
void opt_init(struct opt_parser *p, const struct opt *table, int argc,
    char **argv, bool stop_at_operand);

/* The next option's id, OPT_END, or OPT_FAIL (ERR_USAGE). */
int opt_next(struct opt_parser *p, struct err *e) ATTR_CHECKED;

/* The table as the lines of a help text, at most 80 columns wide. */
void opt_print(const struct opt *table, FILE *out);

/*
 * The table for programs: a line an option, five fields between tabs:
 * command, letter, name, ARG, help.  tools/tables.py reads it.
 */
void opt_print_table(const char *command, const struct opt *table, FILE *out);

#endif
