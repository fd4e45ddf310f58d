/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * filter_line: the lines of the filter protocol as smtpd writes and reads
 * them.  (What a program reads of ours is smtpd/filters/libfilter/line.h.)
 *
 * Shape:  see smtpd-filters(7); version 0.7.
 * Limits: no line of ours is longer than FILTER_OUT_MAX, none is taken that
 *         is longer than FILTER_IN_MAX; both with their LF.
 * Errors: what would break a line (CR, LF, NUL; '|' but in the last field)
 *         is never written: the put functions give false and write nothing.
 *         A line that is none of the protocol's is ERR_CORRUPT.
 */
#ifndef SMTPD_FILTER_LINE_H
#define SMTPD_FILTER_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/filter/names.h"

#define FILTER_VERSION "0.7"
#define FILTER_OUT_MAX 65535
#define FILTER_IN_MAX  131072

struct buf;
struct err;

enum filter_verdict {
	FILTER_PROCEED,
	FILTER_JUNK,
	FILTER_REJECT,
	FILTER_DISCONNECT,
	FILTER_REWRITE,
	FILTER_SAY,   /* "report": the text is for the reports */
	FILTER_FAILED /* no answer: not of the protocol */
};

struct filter_time {
	uint64_t seconds;
	unsigned micros;
};

bool filter_put_config(struct buf *out, const char *key, const char *value);

bool filter_put_report(struct buf *out, struct filter_time at, bool smtp_out,
    enum filter_event event, uint64_t session, const char *const *fields,
    size_t n);

bool filter_put_request(struct buf *out, struct filter_time at,
    enum filter_phase phase, uint64_t session, uint64_t token,
    const char *param);

/* One line of a message, with its dot before the first if it needs one. */
bool filter_put_dataline(struct buf *out, struct filter_time at,
    uint64_t session, uint64_t token, const char *line, size_t len);

/* Lines, each ended by LF, whose dots are added here; bad ones are left out. */
void filter_put_datalines(struct buf *out, struct filter_time at,
    uint64_t session, uint64_t token, const char *text, size_t len);

enum filter_said_kind {
	FILTER_SAID_EVENTS, /* register|report: mask, smtp_out */
	FILTER_SAID_PHASE,  /* register|filter: phase */
	FILTER_SAID_READY,
	FILTER_SAID_RESULT, /* session, token, verdict, text */
	FILTER_SAID_LINE,   /* session, token, text */
	FILTER_SAID_REPORT  /* session, text */
};

struct filter_said {
	enum filter_said_kind kind;
	bool smtp_out;
	uint32_t events;
	enum filter_phase phase;
	uint64_t session, token;
	enum filter_verdict verdict;
	const char *text; /* "" when there is none; a NUL ends it */
	size_t len;       /* of text */
};

/*
 * Read a program's line of len bytes at text, LF taken off and text[len] a
 * NUL.  The text is cut up in place and borrowed from.
 */
int filter_said_parse(char *text, size_t len, struct filter_said *out,
    struct err *e) ATTR_CHECKED;

const char *filter_verdict_name(enum filter_verdict v);

#endif
