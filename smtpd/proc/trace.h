/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * trace: what a process logs of its doings when it is asked to, subject by
 * subject: smtpctl trace, smtpctl profile, smtpd -T.
 *
 * Limits: a line is cut at TRACE_LINE bytes.  No secret is ever traced: who
 *         calls trace() sees to that.
 */
#ifndef SMTPD_PROC_TRACE_H
#define SMTPD_PROC_TRACE_H

#include <stdbool.h>

#include "lib/attr.h"

#define TRACE_LINE 1024

enum trace_subject {
	TRACE_BOUNCE = 1,
	TRACE_EXPAND = 2,
	TRACE_FILTERS = 4,
	TRACE_IMSG = 8, /* messages between processes */
	TRACE_LOOKUP = 16,
	TRACE_MTA = 32,
	TRACE_SCHEDULER = 64,
	TRACE_SMTP = 128,
	TRACE_STAT = 256,
	TRACE_PROFILE_IMSG = 512,
	TRACE_PROFILE_QUEUE = 1024,
};

/* The bits of a word of "trace"; 0: there is no such subject. */
unsigned trace_parse(const char *word);

/* Likewise of "profile". */
unsigned trace_parse_profile(const char *word);

/* What is traced in this process from now on. */
void trace_set(unsigned subjects);

/* Whether it is; a dialogue (smtp, mta) is also when the log is verbose. */
bool trace_wants(unsigned subjects);

void trace(unsigned subject, const char *fmt, ...) ATTR_PRINTF(2, 3);

#endif
