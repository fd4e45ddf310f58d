/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * dsn: the message that tells a sender what became of theirs.
 *
 * Source: RFC 3464, 3461, 6522, 3834.
 */
#ifndef SMTPD_QUEUE_DSN_H
#define SMTPD_QUEUE_DSN_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct buf;
struct envelope;

enum dsn_kind {
	DSN_KIND_FAILED,
	DSN_KIND_DELAYED,
	DSN_KIND_DELIVERED,
	DSN_KIND_RELAYED /* to a host that sends no notices */
};

struct dsn {
	enum dsn_kind kind;
	const char *hostname;
	uint32_t msgid; /* of the notice */
	time_t now;
	const struct envelope *evs; /* of one message */
	size_t n;
	const char *original; /* the message, whole or its beginning */
	size_t original_len;
};

/* Write the notice, with LF line ends. */
void dsn_write(const struct dsn *d, struct buf *out);

/* The status code at the start of an error line, or the class's own. */
void dsn_status(const char *error, enum dsn_kind kind, char status[16]);

#endif
