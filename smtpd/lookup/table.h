/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * table: lists and mappings from smtpd.conf, from text files and from lmdb
 * files made by makemap.
 *
 * Keys are compared without regard to case.  An exact service finds the entry
 * with the key; DOMAIN, NETADDR, MAILADDR and REGEX ask whether any entry
 * covers the key.
 *
 * Errors: int functions return 1 found, 0 not found, -1 with *e set.
 * Limits: TABLE_KEY_MAX bytes a key, TABLE_FILE_MAX a file.
 * Source: table(5).
 */
#ifndef SMTPD_LOOKUP_TABLE_H
#define SMTPD_LOOKUP_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"

#define TABLE_KEY_MAX  1024
#define TABLE_FILE_MAX (256u << 20)

struct buf;
struct conf_table;
struct err;
struct table;
struct table_proc;

enum table_service {
	TABLE_ALIAS,
	TABLE_AUTH,
	TABLE_CREDENTIALS,
	TABLE_USERINFO,
	TABLE_SOURCE,
	TABLE_ADDRNAME,
	TABLE_MAILADDRMAP,
	TABLE_RELAYHOST,
	TABLE_STRING,
	TABLE_DOMAIN,
	TABLE_NETADDR,
	TABLE_MAILADDR,
	TABLE_REGEX
};

/* Read what t names. */
struct table *table_load(const struct conf_table *t, struct err *e);
void table_free(struct table *t);

/* The text of a table file, as its entries; path names it in errors. */
struct table *table_parse(
    const char *path, const char *text, size_t len, struct err *e);

/* A value, if there is one, is appended to value (which may be NULL). */
int table_lookup(struct table *t, enum table_service service, const char *key,
    struct buf *value, struct err *e) ATTR_CHECKED;

/*
 * The next entry, round and round.  Borrowed from t until the next call; NULL
 * when empty, and with e->kind set when it failed.
 */
const char *table_fetch(
    struct table *t, enum table_service service, struct err *e);

/* Whether t can be asked for that; a program says so itself. */
bool table_offers(struct table *t, enum table_service service);

/* The program that keeps the table, or NULL for another kind.  Borrowed. */
struct table_proc *table_program(struct table *t);

/* Add an entry to a table in memory: for what is found out at run time. */
void table_add(struct table *t, const char *key, const char *value);

/* Compile all entries as regular expressions now, to tell a bad one. */
int table_check_regex(struct table *t, struct err *e) ATTR_CHECKED;

/* Whether pattern covers the text: '*' stands for anything. */
bool table_match_domain(const char *pattern, const char *domain);

/* pattern: "local", an address, or an address with /bits. */
bool table_match_netaddr(const char *pattern, const char *address);

/* pattern: user, @domain, user@domain, @*.domain, @. */
bool table_match_mailaddr(const char *pattern, const char *address);

#endif
