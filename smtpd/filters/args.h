/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * args: the command line of a filter whose users know "-blockBelow 50".
 *
 * Such a filter takes each option with one dash or two, and its value as the
 * next word or after a "=".
 */
#ifndef SMTPD_FILTERS_ARGS_H
#define SMTPD_FILTERS_ARGS_H

#include <stdbool.h>

#include "lib/attr.h"

struct err;
struct opt;

/*
 * Read argv by table, giving each option's id and value (NULL: it takes
 * none) to set, which returns 0 or -1 with *e.  ERR_USAGE: not in the table,
 * or an operand.
 */
int args_read(const struct opt *table, int argc, char **argv,
    int (*set)(void *arg, int id, const char *value, struct err *e), void *arg,
    struct err *e) ATTR_CHECKED;

/*
 * Whether it is "help --tables", what tools/tables.py asks a program; then
 * the table has been printed.
 */
bool args_tables(const struct opt *table, int argc, char **argv);

#endif
