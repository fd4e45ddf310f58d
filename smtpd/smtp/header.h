/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * header: the header of a message, as a list of fields in one buffer.
 *
 * Lines end with LF.  A field is its first line and the folded ones after
 * it.  The header ends at the empty line or at the end of the message.
 *
 * Limits: HEADER_MAX bytes and HEADER_FIELDS fields; above, or with a first
 *         line that is no field, the message is refused.
 * Source: RFC 5322, 2.2 and 3.6.
 */
#ifndef SMTPD_SMTP_HEADER_H
#define SMTPD_SMTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#define HEADER_MAX    (128 * 1024)
#define HEADER_FIELDS 1000
#define HEADER_HOPS   100 /* Received fields: more are a loop */

struct buf;

struct header_field {
	const char *name; /* borrowed from the text */
	size_t name_len;
	const char *value; /* after the colon, with the folds and the last LF */
	size_t value_len;
	const char *start;
	size_t len; /* of the whole field */
};

enum header_result {
	HEADER_END,
	HEADER_FIELD,
	HEADER_BAD
};

/*
 * The field at text + *offset; *offset moves past it.  HEADER_END at the
 * empty line (which is not consumed) or the end of the text.
 */
enum header_result header_next(
    const char *text, size_t len, size_t *offset, struct header_field *out);

bool header_is(const struct header_field *f, const char *name);

/* The length of the header within text, without the empty line, or -1 while
 * the end isn't there yet and whole is false. */
long header_length(const char *text, size_t len, bool whole);

struct header_facts {
	unsigned received;
	bool bad, too_long;
	bool date, message_id, from;
};

/* What stands in the header of len bytes at text. */
void header_scan(const char *text, size_t len, struct header_facts *out);

/* Copy the header without Bcc and Resent-Bcc fields. */
void header_without_bcc(const char *text, size_t len, struct buf *out);

/*
 * Copy the header with one From field of this address; the name that stood
 * before the address is kept.
 */
void header_masquerade(
    const char *text, size_t len, const char *address, struct buf *out);

/* Whether a Delivered-To field has exactly this address. */
bool header_delivered_to(const char *text, size_t len, const char *address);

/* Whether some field is X-Spam or X-Spam-Flag with the value yes. */
bool header_is_spam(const char *text, size_t len);

#endif
