/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The scheduler: when each envelope goes next, in memory.
 *
 * Peers: the queue says SCHEDULE and UNSCHEDULE, and is told what is DUE, at
 * most max-inflight envelopes at once: each SCHEDULE or UNSCHEDULE of an
 * envelope that was due makes room for another.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/proc.h"
#include "smtpd/proc/trace.h"
#include "smtpd/schedule/schedule.h"

#include "smtpd/proc/scheduler/scheduler.h"

#define BATCH   512
#define LONGEST 3600 /* seconds asleep: clocks jump */

struct state {
	struct schedule *schedule;
	struct schedule *flying; /* due ids that the queue has */
	struct event *timer;
};

static void
wake_at(struct state *st, uint64_t now)
{
	uint64_t next = schedule_next(st->schedule);
	struct timeval tv = { 0, 0 };

	if (next == UINT64_MAX)
		return;
	if (next > now)
		tv.tv_sec =
		    (time_t)(next - now > LONGEST ? LONGEST : next - now);
	event_add(st->timer, &tv);
}

static void
run_due(struct proc *p)
{
	struct state *st = p->state;
	uint64_t now = (uint64_t)time(NULL), ids[BATCH];
	size_t max = (size_t)p->setup->conf->limits.scheduler_max_inflight;
	size_t room = schedule_count(st->flying) >= max ?
	    0 :
	    max - schedule_count(st->flying);
	uint64_t batch = p->setup->conf->limits.scheduler_max_schedule;
	size_t n;
	struct buf b = { 0 };

	if (room > batch)
		room = (size_t)batch;
	n = schedule_take(st->schedule, now, ids, room < BATCH ? room : BATCH);
	for (size_t i = 0; i < n; i++) {
		wire_put_u64(&b, ids[i]);
		schedule_put(st->flying, ids[i], now);
		trace(TRACE_SCHEDULER, "scheduler: %016llx due",
		    (unsigned long long)ids[i]);
	}
	if (n > 0)
		proc_send(p, PROC_QUEUE, 0, MSG_DUE, &b, -1);
	buf_free(&b);
	if (schedule_count(st->flying) < max)
		wake_at(st, now);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run_due(arg);
}

static void
start(struct proc *p)
{
	struct state *st = xcalloc(1, sizeof(*st));

	st->schedule = schedule_new();
	st->flying = schedule_new();
	st->timer = event_new(p->base, -1, 0, on_timer, p);
	p->state = st;
}

/* SCHEDULE: id u64 and time u64, repeated.  UNSCHEDULE: id u64, repeated. */
static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = p->state;
	struct wire w;

	if (m->type != MSG_SCHEDULE && m->type != MSG_UNSCHEDULE) {
		log_warn("scheduler: message %u from the %s", m->type,
		    proc_name(from.id));
		return;
	}
	wire_init(&w, m->data, m->len);
	while (w.left > 0 && wire_ok(&w)) {
		uint64_t id = wire_u64(&w);

		schedule_remove(st->flying, id);
		if (m->type == MSG_SCHEDULE) {
			uint64_t at = wire_u64(&w);

			schedule_put(st->schedule, id, at);
			trace(TRACE_SCHEDULER, "scheduler: %016llx at %llu",
			    (unsigned long long)id, (unsigned long long)at);
		} else {
			schedule_remove(st->schedule, id);
			trace(TRACE_SCHEDULER, "scheduler: %016llx forgotten",
			    (unsigned long long)id);
		}
	}
	run_due(p);
}

const struct proc_ops scheduler_ops = {
	.id = PROC_SCHEDULER,
	.start = start,
	.message = message,
};
