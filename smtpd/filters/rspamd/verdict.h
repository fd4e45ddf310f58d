/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * verdict: what rspamd's answer means for a message.
 *
 * Shape:   a JSON object, as /checkv2 gives it: action, score,
 *          required_score, symbols, messages.smtp_message, subject,
 *          dkim-signature, milter.add_headers, milter.remove_headers.  What
 *          else is in it is passed over.
 * Limits:  headers of VERDICT_HEADERS_MAX bytes, VERDICT_REMOVE_MAX names.
 * Errors:  an answer that is no JSON or names no action is ERR_CORRUPT; one
 *          above the limits is ERR_LIMIT.  A header that could not stand in
 *          a message is left out.
 * Source:  rspamd's protocol page; smtpd-filters(7) for the reply.
 */
#ifndef SMTPD_FILTERS_RSPAMD_VERDICT_H
#define SMTPD_FILTERS_RSPAMD_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"

#define VERDICT_HEADERS_MAX 262144
#define VERDICT_REMOVE_MAX  1000

struct err;

/* A header to take out: all of its name (0), the nth, or the nth last (-n). */
struct verdict_removal {
	char *name;
	int64_t nth;
};

struct verdict {
	char *reply;        /* "550 ..." or "451 ..."; NULL: it may pass */
	struct buf headers; /* to stand before the message, LF ends a line */
	struct verdict_removal *remove;
	size_t n_remove;
};

/* Read len bytes at json.  *out is then the caller's: verdict_clear(). */
int verdict_parse(const char *json, size_t len, struct verdict *out,
    struct err *e) ATTR_CHECKED;
void verdict_clear(struct verdict *v);

#endif
