/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * dispatcher_internal: the dispatcher's state, for its sessions.
 */
#ifndef SMTPD_PROC_DISPATCHER_INTERNAL_H
#define SMTPD_PROC_DISPATCHER_INTERNAL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>

#include "smtpd/proc/dispatcher/ask.h"
#include "smtpd/proc/dispatcher/relay.h"
#include "smtpd/proc/dispatcher/session.h"
#include "smtpd/proc/proc.h"

#define DISPATCHER_MAX   20000 /* sessions; fewer with few descriptors */
#define DISPATCHER_SPARE 128   /* descriptors for anything else */

struct certs;
struct listener;
struct sources;

RB_HEAD(sessions, session);
RB_PROTOTYPE(sessions, session, entry, session_compare)

struct dispatcher {
	struct proc *proc;
	TAILQ_HEAD(, listener) listeners;
	struct sources *sources;
	struct certs *certs; /* of the configuration in force */
	struct event *ticket_timer;
	struct sessions sessions;
	unsigned n_sessions, max_sessions;
	uint32_t last_number;
	struct asks asks;
	uint32_t last_ask;
	struct relays relays;
	uint32_t *msgids; /* free ones, from the queue */
	size_t n_msgids;
	uint64_t room; /* of the queue's disk, as it said last */
	struct filter_program *programs;
	size_t n_programs;
	bool filters_settled; /* else nobody is let in */
	bool asked_msgids, draining, paused;
};

/* 0 when there is none just now: the queue has been asked for more. */
uint32_t dispatcher_msgid(struct dispatcher *d);

/* One less: when stopping, perhaps the last. */
void dispatcher_session_gone(struct dispatcher *d);

#endif
