/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * resolve: DNS questions asked from an event loop, answered by libunbound.
 *
 * Ownership: a question belongs to the resolver until its callback has run;
 *            resolver_free() drops those without an answer, uncalled.
 * Threads:   libunbound makes one of its own; callbacks run in the caller's.
 */
#ifndef SMTPD_FILTERS_DNS_RESOLVE_H
#define SMTPD_FILTERS_DNS_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define RESOLVE_A    1
#define RESOLVE_PTR  12
#define RESOLVE_MX   15
#define RESOLVE_AAAA 28

struct err;
struct event_base;
struct resolver;

enum resolve_status {
	RESOLVE_DATA,    /* at least one record */
	RESOLVE_EMPTY,   /* the name exists, without such a record */
	RESOLVE_NO_NAME, /* the name does not exist, or cannot */
	RESOLVE_FAILED,  /* no answer: later there may be one */
};

/*
 * The records, borrowed for the call; data and len are the first one's.
 */
struct resolve_answer {
	enum resolve_status status;
	size_t n;
	char *const *records;
	const int *lens;
	const uint8_t *data;
	size_t len;
};

typedef void (*resolve_cb)(void *arg, const struct resolve_answer *a);

/*
 * Ask server, "ADDRESS" or "ADDRESS@PORT"; NULL: those of /etc/resolv.conf.
 * base is borrowed.  ERR_USAGE: not such a server.  ERR_SYSTEM.
 */
struct resolver *resolver_new(
    struct event_base *base, const char *server, struct err *e) ATTR_CHECKED;
void resolver_free(struct resolver *r);

/*
 * Ask.  The callback may come before this returns.  After resolver_free()
 * forget (may be NULL) is given arg instead.
 */
void resolver_ask(struct resolver *r, const char *name, int type, resolve_cb cb,
    void (*forget)(void *arg), void *arg);

#endif
