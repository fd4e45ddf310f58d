/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * tableline: the lines of the table protocol, version 0.1.
 *
 * One writer makes all requests: a key that would end the line is refused,
 * so that no client's text becomes a request of its own.
 *
 * Limits: TABLELINE_MAX bytes a line.
 * Source: table(5), "PROGRAMS".
 */
#ifndef SMTPD_LOOKUP_TABLELINE_H
#define SMTPD_LOOKUP_TABLELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smtpd/lookup/table.h"

#define TABLELINE_MAX 65536

struct buf;

enum tableline_op {
	TABLELINE_UPDATE,
	TABLELINE_CHECK,
	TABLELINE_LOOKUP,
	TABLELINE_FETCH
};

enum tableline_result {
	TABLELINE_FOUND, /* or done */
	TABLELINE_NOT_FOUND,
	TABLELINE_ERROR
};

struct tableline_reply {
	enum tableline_op op;
	uint32_t id;
	enum tableline_result result;
	const char *text; /* borrowed: the value or the reason, or "" */
};

/* What a program is told before it registers. */
void tableline_put_config(
    struct buf *out, const char *table, const char *version);

/*
 * Append a request.  key is for CHECK and LOOKUP.  false, with nothing
 * appended, for a key that holds a line end.
 */
bool tableline_put_request(struct buf *out, const char *table,
    enum tableline_op op, enum table_service service, uint32_t id,
    const char *key) ATTR_CHECKED;

/*
 * A line while the program registers: services gets a bit (1 << service), or
 * ready is set.  A service that we don't know is passed over.
 */
bool tableline_parse_register(
    const char *line, unsigned *services, bool *ready) ATTR_CHECKED;

/* A reply, without its line end.  false: not one. */
bool tableline_parse_reply(
    const char *line, struct tableline_reply *out) ATTR_CHECKED;

/* The protocol's name of a service. */
const char *tableline_service(enum table_service service);

#endif
