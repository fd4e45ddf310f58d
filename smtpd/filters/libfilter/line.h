/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * line: one line of the filter protocol, from the server's text to a struct.
 *
 * Shape:   "config|KEY|VALUE", "report|VERSION|TIME|SUBSYSTEM|EVENT|SESSION"
 *          and "filter|VERSION|TIME|SUBSYSTEM|PHASE|SESSION|TOKEN|PARAMETER",
 *          with the event's own fields after the session.
 * Limits:  only the last field of a line may hold a '|'; no NUL, CR or LF.
 * Errors:  a line that is cut or not of this form is ERR_CORRUPT; one of a
 *          kind, a version or an event from the future is not an error.
 * Ownership: a struct filter_line borrows from the text it was read from.
 * Source:  smtpd-filters(7), and the versions 0.4 to 0.7 that OpenSMTPD 6.6
 *          to 7.8 speak.  The order of fields is 0.7's, whatever came in.
 */
#ifndef SMTPD_FILTERS_LIBFILTER_LINE_H
#define SMTPD_FILTERS_LIBFILTER_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define FILTER_LINE_FIELDS 4  /* at most, after the session */
#define FILTER_TOKEN_LEN   32 /* bytes of a token, at most */

struct err;

enum filter_line_kind {
	FILTER_LINE_UNKNOWN, /* nothing else below is set */
	FILTER_LINE_CONFIG,  /* key, and field[0] is the value */
	FILTER_LINE_REPORT,
	FILTER_LINE_REQUEST, /* token too */
};

/* Who asks, which is all that an answer needs.  Copied freely. */
struct filter_token {
	uint64_t session;
	unsigned minor; /* of the protocol version 0.minor */
	char text[FILTER_TOKEN_LEN + 1];
};

/*
 * Fields after the session, by event:
 *   link-connect    rdns, fcrdns, source, destination
 *   link-identify   method, identity
 *   link-auth       result, user
 *   tx-mail tx-rcpt transaction, result, address
 *   others          as smtpd-filters(7) has them, one or two
 * and of a request: connect has rdns, address; every other one parameter.
 */
struct filter_line {
	enum filter_line_kind kind;
	uint64_t seconds;      /* since 1970 */
	const char *key;       /* config */
	const char *subsystem; /* "smtp-in" or "smtp-out" */
	const char *event;     /* or the request's phase */
	struct filter_token token;
	const char *field[FILTER_LINE_FIELDS]; /* never NULL: "" if absent */
	size_t n;                              /* fields that came */
};

/*
 * Read the line of len bytes at text, its LF taken off and text[len] a NUL.
 * The text is cut up in place.  ERR_CORRUPT.
 */
int filter_line_parse(char *text, size_t len, struct filter_line *out,
    struct err *e) ATTR_CHECKED;

#endif
