/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * filter: a mail filter that smtpd talks to over stdin and stdout.
 *
 * Make one with filter_new(), say what it wants to hear of, and give it to
 * filter_run(), which returns when smtpd closes the connection.  A request
 * is answered in its callback, or later from any other event of the same
 * base, by the copy of its token.
 *
 * Flow:    output never blocks.  While more than FILTER_OUTPUT_HIGH bytes
 *          of it wait for smtpd, nothing more is read.
 * Limits:  a line of more than FILTER_LINE_MAX bytes ends filter_run() with
 *          ERR_LIMIT: to go on without it would alter somebody's mail.
 *          Other bad lines are logged and passed over.
 * Ownership: the filter owns its sessions, the caller each session's state,
 *          told of its end by ops.close.
 * Threads: one.
 */
#ifndef SMTPD_FILTERS_LIBFILTER_FILTER_H
#define SMTPD_FILTERS_LIBFILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/filters/libfilter/line.h"

#define FILTER_LINE_MAX    (4U * 1024 * 1024)
#define FILTER_OUTPUT_HIGH (1024U * 1024)

struct err;
struct event_base;
struct filter;

/* Any may be NULL.  arg is filter_new()'s, *state the session's own. */
struct filter_ops {
	/* Each line as it came, before it is read. */
	void (*line)(void *arg, const char *text, size_t len);
	void (*report)(void *arg, void **state, const struct filter_line *l);
	void (*request)(void *arg, void **state, const struct filter_line *l);
	/* The session is over; state may be NULL. */
	void (*close)(void *arg, void *state);
	/* After filter_is_full(): smtpd has taken enough of the output. */
	void (*drained)(void *arg);
};

/* base and ops are borrowed until filter_free(). */
struct filter *filter_new(
    struct event_base *base, const struct filter_ops *ops, void *arg);
void filter_free(struct filter *f);

/* Ask for an event ("*": all) of "smtp-in" or "smtp-out". */
void filter_want_report(
    struct filter *f, const char *subsystem, const char *event);

/* Ask to decide a phase of smtp-in. */
void filter_want_phase(struct filter *f, const char *phase);

/*
 * Talk over in and out until smtpd hangs up and has all that was said by
 * then (0), or fail (-1): ERR_SYSTEM, ERR_LIMIT.  Both are made
 * non-blocking.
 */
int filter_run(struct filter *f, int in, int out, struct err *e) ATTR_CHECKED;

/*
 * The state of a session, or NULL when it is over: for answers that come
 * later than their request.
 */
void **filter_state(struct filter *f, uint64_t session);

/*
 * The answers.  One whose session is over is dropped.  text is made one
 * line: CR, LF and NUL become blanks.
 */
void filter_proceed(struct filter *f, const struct filter_token *t);
void filter_junk(struct filter *f, const struct filter_token *t);
/* text begins with a code: "550 5.1.8 ..." */
void filter_reject(
    struct filter *f, const struct filter_token *t, const char *text);
void filter_disconnect(
    struct filter *f, const struct filter_token *t, const char *text);
void filter_rewrite(
    struct filter *f, const struct filter_token *t, const char *text);

/*
 * Whether more than FILTER_OUTPUT_HIGH bytes wait for smtpd: who has a long
 * message to give back then waits for ops.drained.
 */
bool filter_is_full(const struct filter *f);

/* A line of the message, dots stuffed; "." is the last one. */
void filter_dataline(
    struct filter *f, const struct filter_token *t, const char *text);

#endif
