/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * submission: a message with its envelope, as sendmail(8) made it, and the
 * file in which it waits when no smtpd runs.
 *
 * Shape:  "maison-mail" and 0x01; from, user, notify, ret, envid as texts
 *         (varint length, bytes); the number of recipients as a varint and
 *         each as a text; the message, to the end, with LF line ends.
 * Limits: SUBMISSION_RCPTS recipients, SUBMISSION_WORD_MAX bytes in a text;
 *         no control byte in any but the message.
 * Errors: ERR_CORRUPT for anything else.
 */
#ifndef SMTPD_SUBMIT_SUBMISSION_H
#define SMTPD_SUBMIT_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"
#include "lib/buf.h"

#include "smtpd/smtp/address.h"

#define SUBMISSION_RCPTS    1000
#define SUBMISSION_WORD_MAX 512
#define SUBMISSION_NAME_LEN 32 /* of a file that waits: hexadecimal digits */

struct err;

enum submission_word {
	SUBMISSION_FROM, /* an address, or "" */
	SUBMISSION_USER, /* who is told when it is refused */
	SUBMISSION_NOTIFY,
	SUBMISSION_RET,
	SUBMISSION_ENVID,
	SUBMISSION_WORDS
};

/* All zeros is an empty one. */
struct submission {
	char words[SUBMISSION_WORDS][SUBMISSION_WORD_MAX]; /* "": none */
	struct address *rcpts;
	size_t n_rcpts;
	struct buf text;
};

/* False, and nothing set, when text can't be that word. */
bool submission_set(
    struct submission *s, enum submission_word word, const char *text);

/* Add a recipient, unless it is there already; false when that can't be. */
bool submission_add_rcpt(struct submission *s, const char *text, size_t len);

void submission_encode(const struct submission *s, struct buf *out);

/* *out is the caller's: submission_free(). */
int submission_decode(const void *data, size_t len, struct submission *out,
    struct err *e) ATTR_CHECKED;

/* Release what s owns. */
void submission_free(struct submission *s);

/* Whether a file of this name is one that waits. */
bool submission_name_valid(const char *name);

#endif
