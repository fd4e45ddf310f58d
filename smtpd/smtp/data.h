/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * smtp_data: the bytes after DATA or BDAT, as the lines of a message.
 *
 * Only CR LF ends a line and only CR LF '.' CR LF ends the data.  A bare CR,
 * a bare LF or a NUL never does either: it marks the message as refused, and
 * reading goes on to the true end, so what follows can't be taken for
 * commands (SMTP smuggling).  The output has LF line ends and no dot-stuffing.
 *
 * Shape:  a state machine; bytes may come split anywhere.
 * Source: RFC 5321 2.3.8, 4.1.1.4, 4.5.2; RFC 3030.
 */
#ifndef SMTPD_SMTP_DATA_H
#define SMTPD_SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMTP_LINE_MAX 64000 /* bytes; filters read lines below 64 KiB */

struct buf;

enum smtp_data_state {
	SMTP_DATA_LINE_START,
	SMTP_DATA_DOT,
	SMTP_DATA_DOT_CR,
	SMTP_DATA_IN_LINE,
	SMTP_DATA_CR
};

struct smtp_data {
	enum smtp_data_state state;
	bool dots; /* DATA: dots are stuffed and end it; BDAT: not */
	size_t line_len;
	uint64_t total; /* bytes of message read */
	bool bare, nul, long_line, done;
};

void smtp_data_init(struct smtp_data *d, bool dots);

/*
 * Read up to len bytes; the message's are appended to out.  Returns how many
 * were read: all of them, or up to and with the end of data, when d->done.
 */
size_t smtp_data_read(
    struct smtp_data *d, const uint8_t *p, size_t len, struct buf *out);

/* After the last BDAT: whether the message ended within a line end. */
void smtp_data_finish(struct smtp_data *d, struct buf *out);

/* The reply that refuses the message, or NULL when nothing is wrong. */
const char *smtp_data_problem(const struct smtp_data *d);

#endif
