/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * aliases: what an alias, a virtual user or a line of .forward stands for.
 *
 * Shape:  a list of targets, separated by commas; quotes and backslashes
 *         keep a comma; '#' outside quotes starts a comment.
 * Limits: ALIASES_MAX targets a value, ALIASES_TEXT bytes each.
 * Source: aliases(5), forward(5).
 */
#ifndef SMTPD_LOOKUP_ALIASES_H
#define SMTPD_LOOKUP_ALIASES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"

#include "smtpd/smtp/address.h"

#define ALIASES_MAX  100
#define ALIASES_TEXT 1024

enum alias_kind {
	ALIAS_ADDRESS,
	ALIAS_USER,
	ALIAS_FILE,
	ALIAS_COMMAND,
	ALIAS_INCLUDE,
	ALIAS_ERROR
};

struct alias_target {
	enum alias_kind kind;
	bool final;             /* \user: no further .forward */
	struct address address; /* for ALIAS_ADDRESS */
	char *text;             /* user, path, command, or "550 text" */
};

struct alias_list {
	struct alias_target *targets;
	size_t n;
};

struct err;

/* One value: of an alias.  ERR_CORRUPT, ERR_LIMIT. */
int aliases_parse(const char *text, size_t len, struct alias_list *out,
    struct err *e) ATTR_CHECKED;

/* A file of values, one or more a line: .forward and what is included. */
int aliases_parse_file(const char *text, size_t len, struct alias_list *out,
    struct err *e) ATTR_CHECKED;

/* An aliases file, "name: value" a line with blank-led continuations, calling
 * cb for each. */
typedef int aliases_cb(
    const char *name, const char *value, void *arg, struct err *e);
int aliases_each(const char *path, const char *text, size_t len, aliases_cb *cb,
    void *arg, struct err *e) ATTR_CHECKED;

void alias_list_free(struct alias_list *l);

#endif
