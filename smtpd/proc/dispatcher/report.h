/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * report: what happens in a session, told to the filter programs of its
 * listener (smtp-in) or of its action (smtp-out).
 *
 * A reporter that was never begun, or whose filters want to hear nothing, is
 * silent: every call may be made without asking.
 *
 * Source: smtpd-filters(7).
 */
#ifndef SMTPD_PROC_DISPATCHER_REPORT_H
#define SMTPD_PROC_DISPATCHER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/filter/names.h"

struct conf;
struct conf_filter;
struct conf_proc;
struct dispatcher;
struct ipc_msg;

struct reporter {
	struct dispatcher *dispatcher;
	uint64_t id; /* of the session, as in the log */
	bool begun;
	uint32_t events; /* that any program wants */
};

/* A program as the filter process says it is. */
struct filter_program {
	char *name;
	uint32_t epoch;
	bool up, known; /* known: it has registered at least once */
	uint32_t phases, events_in, events_out;
};

/*
 * The session id begins, known to the filter process as number too.  NULL, or
 * the name of a program that filters and isn't there: the session must not go
 * on.  members, if not NULL, gets for each filter of the chain (in its order)
 * what number its program has, or -1.
 */
const char *reporter_begin(struct reporter *r, struct dispatcher *d,
    const struct conf_filter *chain, uint64_t id, uint32_t number,
    bool smtp_out, int *members);

/* Something happens; the fields end with NULL. */
void reporter_say(const struct reporter *r, enum filter_event event, ...)
    __attribute__((sentinel));

/* link-disconnect.  More calls do nothing. */
void reporter_end(struct reporter *r);

const struct filter_program *report_program(
    const struct dispatcher *d, const char *name);

/* FILTER_STATE; whether all programs of c are up or have failed once. */
void report_state(struct dispatcher *d, struct ipc_msg *m);
void report_lost_states(struct dispatcher *d);
bool report_settled(const struct dispatcher *d, const struct conf *c);

#endif
