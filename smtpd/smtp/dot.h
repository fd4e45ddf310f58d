/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * smtp_dot: a stored message as the data of SMTP.
 *
 * Whatever was stored, what is sent has CR LF at the end of each line and
 * nowhere else, no NUL, a second dot before one that begins a line, and no
 * line of more than SMTP_DOT_LINE bytes: a longer one goes on in the next,
 * behind a blank.  So no bytes of a message can end the data.
 *
 * Source: RFC 5321, 4.5.2, 4.5.3.1.6 and 2.3.8.
 */
#ifndef SMTPD_SMTP_DOT_H
#define SMTPD_SMTP_DOT_H

#include <stddef.h>

#define SMTP_DOT_LINE 998

struct buf;

struct smtp_dot {
	size_t column; /* bytes of the line so far */
};

/* Append the next part.  A zeroed struct smtp_dot begins a message. */
void smtp_dot_add(
    struct smtp_dot *d, const void *data, size_t len, struct buf *out);

/* The last line's end, and the end of the data. */
void smtp_dot_end(struct smtp_dot *d, struct buf *out);

#endif
