/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The queue process: the only one that sees the spool.
 *
 * Peers: dispatchers COMMIT messages whose envelopes the lookup has sent
 * here; the scheduler says what is DUE; the parent's workers deliver.  What
 * is written waits for one event below all messages: so a commit gathers
 * whatever has come in while the last one was being synced.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"

#include "smtpd/schedule/schedule.h"

#include "smtpd/proc/queue/queue.h"
#include "smtpd/proc/queue/queue_internal.h"

#define BATCH_US 3000 /* a busy process commits at least this often */

uint64_t
queue_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void
queue_want_commit(struct queue *q)
{
	if (q->batch_since_us == 0)
		q->batch_since_us = queue_now_us();
	event_active(q->commit, 0, 0);
}

static void
on_commit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	queue_commit(arg);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct queue *q = arg;

	room_tick(q);
	/* What could not be written waits for the disk. */
	if (store_pending(q->store))
		queue_commit(q);
	bounce_tick(q, (uint64_t)time(NULL));
}

static void
schedule_one(uint64_t id, void *arg)
{
	struct queue *q = arg;
	struct envelope ev;
	struct err e;
	uint64_t at;

	if (store_get(q->store, id, &ev, &e) == -1) {
		log_error("queue: %016llx: %s", (unsigned long long)id, e.msg);
		return;
	}
	/* Tried before: no sooner than a step after that. */
	at = ev.retry == 0 ? 0 : ev.last_try_at + 10;
	if ((ev.flags & ENVELOPE_HOLD) == 0)
		queue_schedule(q, id, at);
	envelope_clear(&ev);
}

/* The passphrase has become a key. */
static void
forget_key(struct proc *p)
{
	char *key = p->setup->queue_key;

	if (key != NULL)
		explicit_bzero(key, strlen(key));
	free(key);
	p->setup->queue_key = NULL;
}

static void
start(struct proc *p)
{
	struct queue *q = xcalloc(1, sizeof(*q));
	const struct timeval second = { 1, 0 };
	const struct store_options options = {
		.compress = p->setup->conf->compression,
		.passphrase = p->setup->queue_key,
	};
	struct store_stats stats;
	struct err e;

	q->proc = p;
	p->state = q;
	q->paused = p->setup->paused;
	RB_INIT(&q->receptions);
	RB_INIT(&q->deferreds);
	TAILQ_INIT(&q->batch);
	TAILQ_INIT(&q->notices);
	TAILQ_INIT(&q->users);
	q->flying = schedule_new();
	q->pending = schedule_new();
	onward_init(q);
	q->store = store_open(p->setup->spool, &options, &e);
	forget_key(p);
	if (q->store == NULL) {
		log_error("queue: %s", e.msg);
		exit(1);
	}
	store_get_stats(q->store, &stats);
	if (stats.torn_bytes > 0 || stats.damaged > 0)
		log_warn("queue: dropped %llu bytes that were being written "
			 "when it was stopped; %llu damaged places",
		    (unsigned long long)stats.torn_bytes,
		    (unsigned long long)stats.damaged);
	q->room = UINT64_MAX;
	room_tick(q);
	q->commit = event_new(p->base, -1, 0, on_commit, q);
	event_priority_set(q->commit, 2);
	q->tick = event_new(p->base, -1, EV_PERSIST, on_tick, q);
	event_add(q->tick, &second);
	offline_recover(q);
	store_each(q->store, schedule_one, q);
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct queue *q = p->state;
	struct wire w;

	switch (m->type) {
	case MSG_QUEUE_KEY:
		p->setup->queue_key = xstrndup((const char *)m->data, m->len);
		return;
	case MSG_WANT_MSGIDS:
	case MSG_ENVELOPE:
	case MSG_COMMIT:
	case MSG_ROLLBACK:
	case MSG_WANT_FILE:
		reception_message(q, from, m);
		break;
	case MSG_DUE:
		wire_init(&w, m->data, m->len);
		while (w.left >= 8)
			dispatch_due(q, wire_u64(&w));
		onward_flush(q);
		break;
	case MSG_USER_FOUND:
		dispatch_user_found(q, m);
		break;
	case MSG_DELIVERED:
		dispatch_result(q, m);
		break;
	case MSG_WANT_BODY:
	case MSG_RELAYED:
		onward_message(q, from, m);
		break;
	case MSG_EXPANDED:
		bounce_expanded(q, m);
		break;
	case MSG_IMPORT:
		import_message(q, from, m);
		break;
	case MSG_CTL:
		request_message(q, from, m);
		break;
	default:
		log_warn("queue: message %u from the %s", m->type,
		    proc_name(from.id));
		break;
	}
	if (q->batch_since_us != 0 &&
	    queue_now_us() - q->batch_since_us > BATCH_US)
		queue_commit(q);
}

static void
peer_gone(struct proc *p, struct proc_peer peer)
{
	struct queue *q = p->state;
	struct user_entry *u;
	struct notice *n;

	if (q == NULL)
		return;
	reception_lost_peer(q, peer);
	onward_lost_peer(q, peer);
	if (peer.id != PROC_LOOKUP)
		return;
	TAILQ_FOREACH(n, &q->notices, entry)
		n->asked = false;
	/* What waits for a user is due again at once. */
	TAILQ_FOREACH(u, &q->users, entry) {
		for (size_t i = 0; i < u->n_waiting; i++)
			dispatch_give_up_user(q, u->waiting[i]);
		u->n_waiting = 0;
		u->known = true;
		u->status = 2;
		u->at = 0;
	}
}

static void
reload(struct proc *p)
{
	struct queue *q = p->state;

	store_set_compression(q->store, p->setup->conf->compression);
	dispatch_forget_users(q);
}

static void
stop(struct proc *p)
{
	struct queue *q = p->state;

	if (q == NULL)
		return;
	queue_commit(q);
	store_close(q->store);
}

const struct proc_ops queue_ops = {
	.id = PROC_QUEUE,
	.start = start,
	.message = message,
	.peer_gone = peer_gone,
	.reload = reload,
	.stop = stop,
};
