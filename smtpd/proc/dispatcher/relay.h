/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * relay: mail that goes on to other hosts, as the dispatcher sees it.
 *
 * A relay is an action and a domain (or an action whose host takes all): the
 * tasks that wait for it and the sessions that carry them.  Sessions are
 * opened as there are tasks, up to the limits, and kept for a while for the
 * next.
 *
 * Every task that the queue gave has a result for each of its recipients, or
 * the dispatcher ends.
 */
#ifndef SMTPD_PROC_DISPATCHER_RELAY_H
#define SMTPD_PROC_DISPATCHER_RELAY_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "smtpd/proc/dispatcher/route.h"
#include "smtpd/queue/relay.h"

struct conf_mta_limits;
struct dispatcher;
struct event;
struct ipc_msg;
struct out;
struct proc_peer;

struct task {
	TAILQ_ENTRY(task) entry;
	struct relay_task t;
	bool settled[RELAY_RCPTS]; /* the queue has been told */
	bool again;                /* a kept connection failed it once */
};

/* One of our addresses, as a relay uses it. */
struct connector {
	char source[DNS_ADDRESS_TEXT];
	uint64_t started_at; /* ms: its last connection */
};

struct relay {
	TAILQ_ENTRY(relay) entry;
	struct relays *relays;
	unsigned id;
	char *action, *domain;
	char host[ADDRESS_DOMAIN_MAX + 1]; /* of the action, once known */
	TAILQ_HEAD(, task) tasks;
	unsigned n_tasks;
	TAILQ_HEAD(, out) outs;
	unsigned n_outs, n_opening;
	bool saturated; /* its hosts had all the connections they may have */
	bool room;      /* one has ended since: one more may be tried */
	bool insist;    /* hosts that are left alone are tried, too */
	struct event *pause; /* until a delay is over */
	uint64_t opened_at;  /* ms: its last session; 0: none yet */
	struct connector *connectors;
	size_t n_connectors;
};

struct relays {
	struct dispatcher *dispatcher;
	TAILQ_HEAD(, relay) all;
	struct routes routes;
	unsigned n_outs, last_id;
	uint32_t last_way;
	unsigned patience; /* seconds for each step; 0: RFC 5321's */
	uint16_t port;     /* of mail exchangers */
	bool started, stopping;
};

void relay_init(struct relays *rs, struct dispatcher *d);

/* The dispatcher is shut in and has its certificates: begin. */
void relay_start(struct relays *rs);

/* RELAY, WAY_FOUND, BODY. */
void relay_message(struct relays *rs, struct ipc_msg *m);

/* Its answers don't come. */
void relay_lost_lookup(struct relays *rs);

/* No new work; what is being sent may end. */
void relay_stop(struct relays *rs);

/* What smtpctl asks; false when it is for somebody else. */
bool relay_control(struct relays *rs, struct proc_peer from, struct ipc_msg *m);

/* out_limit.c: how many and how fast.  Times are of a clock that is never
 * set, in ms. */
uint64_t relay_now_ms(void);
const struct conf_mta_limits *relay_limits(const struct relay *r);
/* Whether it may have another session now; else it is tried again. */
bool relay_may_open(struct relay *r);
/* How long it is still to be remembered for its delays. */
uint64_t relay_rest_ms(const struct relay *r);
/* Try again then. */
void relay_wait(struct relay *r, uint64_t ms);

/* For out.c: the next task, which is then the session's; or NULL. */
struct task *relay_next_task(struct relay *r);
/* Back to the front of those that wait. */
void relay_return_task(struct relay *r, struct task *t);
/* The result of one recipient; told once, later calls are ignored. */
void relay_settle(const struct out *o, struct task *t, size_t rcpt,
    enum relay_status status, const char *line);
/* All that have none yet. */
void relay_settle_rest(const struct out *o, struct task *t,
    enum relay_status status, const char *line);
void relay_free_task(struct task *t);
/* Nothing can be sent: all tasks that wait get this result. */
void relay_give_up(
    const struct out *o, enum relay_status status, const char *line);
/* o is no longer opening; o is gone: others may have room now. */
void relay_out_opened(struct out *o);
void relay_out_gone(struct out *o);

#endif
