/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * smtp_reply: what an SMTP server says, read as it comes, and what it offers.
 *
 * Limits: SMTP_REPLY_LINE bytes a line and SMTP_REPLY_LINES lines; a reply
 *         beyond them, or that isn't one, is bad for good.
 * Source: RFC 5321 4.2, 2034, 2920, 1870, 3461, 6152, 6531, 4954.
 */
#ifndef SMTPD_SMTP_REPLY_H
#define SMTPD_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define SMTP_REPLY_LINE  2048
#define SMTP_REPLY_LINES 128
#define SMTP_REPLY_TEXT  512 /* of a reply as one line, with its NUL */

enum smtp_reply_status {
	SMTP_REPLY_MORE,
	SMTP_REPLY_DONE,
	SMTP_REPLY_BAD
};

struct smtp_reply {
	unsigned code;
	unsigned n_lines;
	struct buf text; /* of each line, without the code, with a LF */
	char line[SMTP_REPLY_LINE + 1];
	size_t line_len;
	bool bad;
};

struct smtp_features {
	bool pipelining, size, eight_bit, utf8, dsn, starttls;
	bool auth_plain, auth_login;
	uint64_t size_max; /* 0: not said */
};

void smtp_reply_clear(struct smtp_reply *r);

/*
 * Read on.  *used is how much of data belongs to this reply; after DONE the
 * next reply begins there, and r holds this one until smtp_reply_clear().
 */
enum smtp_reply_status smtp_reply_read(
    struct smtp_reply *r, const void *data, size_t len, size_t *used);

/* The whole as one line, "550 5.1.1 no such user": printable ASCII only. */
const char *smtp_reply_text(
    const struct smtp_reply *r, char out[SMTP_REPLY_TEXT]);

/* What the reply to EHLO offers. */
void smtp_features_read(const struct smtp_reply *r, struct smtp_features *out);

#endif
