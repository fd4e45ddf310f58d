/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session_filter: a session's way through the filters of its listener.
 *
 * For each phase the filters of the chain are asked in order: rules are
 * decided here (a table is the lookup's to search), programs by the filter
 * process.  The first that decides anything but to go on ends the phase.
 * While one is asked, the session waits in SESSION_WAIT_FILTER.
 *
 * Source: smtpd-filters(7), smtpd.conf(5).
 */
#ifndef SMTPD_PROC_DISPATCHER_SESSION_FILTER_H
#define SMTPD_PROC_DISPATCHER_SESSION_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/dispatcher/report.h"

struct ipc_msg;
struct session;
struct wire;

/* What a phase leads to when no filter objects; param may be rewritten. */
typedef void session_next(struct session *s, const char *param);

struct session_filter {
	struct reporter reporter;
	int members[CONF_CHAIN_MAX]; /* of the reporter, by place in chain */
	/* the phase that is being decided */
	enum filter_phase phase;
	size_t step;
	uint32_t serial;
	char *param;
	session_next *next;
	bool running; /* nobody was waited for yet */
	bool testing; /* the lookup is asked */
	bool lost;    /* a filter died: ends when that is safe */
	bool junk, junk_mail;
	/* the message, when programs want its lines */
	bool streaming, stream_first, stream_sent, stream_ended;
	uint32_t stream_mask;
	size_t outstanding, unacked;
	struct buf lines; /* decoded, not yet sent */
};

/* The session begins: false when a filter is missing, and s is told so. */
bool session_filter_begin(struct session *s);
void session_filter_free(struct session *s);

/* Ask the filters; next() may run before this returns. */
void session_filter(struct session *s, enum filter_phase phase,
    const char *param, session_next *next);

/* ANSWER, TESTED, LOST, OUTPUT, CREDIT: after the session's number. */
void session_filter_message(struct session *s, unsigned type, struct wire *w);

/* The lookup, or the filter process, died. */
void session_filter_lost(struct session *s, const char *who);

/* Whether it had to end, now that nothing is in the way. */
bool session_filter_doomed(struct session *s);

/* A message begins: whether programs want its lines. */
bool session_stream_begin(struct session *s);

/* Send what is in lines; last: no more comes.  False: wait for credit. */
bool session_stream_send(struct session *s, bool last);

/* What came out has been stored. */
void session_stream_stored(struct session *s);

#endif
