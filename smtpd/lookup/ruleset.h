/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ruleset: which rule an envelope meets, and why not an earlier one.
 *
 * The tables of a configuration are loaded by tables_load() and found again
 * by their declaration.
 */
#ifndef SMTPD_LOOKUP_RULESET_H
#define SMTPD_LOOKUP_RULESET_H

#include <stdbool.h>
#include <stddef.h>

#include "smtpd/conf/conf.h"
#include "smtpd/queue/envelope.h"

struct buf;
struct err;
struct table;
struct tables;

/* Load all tables of c (borrowed).  hostname joins <localnames>. */
struct tables *tables_load(
    const struct conf *c, const char *hostname, struct err *e);
void tables_free(struct tables *t);

/* The loaded form of a declared table. */
struct table *tables_get(struct tables *t, const struct conf_table *ct);

/* Read the table called name again; the old one stays when that fails. */
int tables_update(struct tables *t, const struct conf *c, const char *name,
    struct err *e) ATTR_CHECKED;

enum rule_result {
	RULE_NONE,
	RULE_MATCH,
	RULE_ERROR
};

/*
 * The first rule that ev, with its destination, meets.  RULE_ERROR when a
 * table failed.  why, unless NULL, gets a line for each rule passed over.
 */
enum rule_result ruleset_match(const struct conf *c, struct tables *t,
    const struct envelope *ev, bool tls, const struct conf_match **out,
    struct buf *why, struct err *e);

#endif
