/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, on to other hosts: due envelopes gathered into tasks for the
 * dispatcher that relays, and what it says became of them.
 *
 * One dispatcher relays, so that the limits hold for the whole server
 * (doc/adr/0203-smtpd-one-dispatcher-relays.md).  It is believed only about
 * what it was given: for the envelopes and the bodies of its open tasks.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/queue/relay.h"

#include "smtpd/proc/queue/queue_internal.h"

/* A task with the dispatcher, or one that is still being gathered. */
struct relay_job {
	RB_ENTRY(relay_job) entry;
	TAILQ_ENTRY(relay_job) gather_entry;
	struct relay_task task;
	size_t n_open; /* envelopes without a result */
};

static int
job_compare(const struct relay_job *a, const struct relay_job *b)
{
	return a->task.number < b->task.number ?
	    -1 :
	    a->task.number > b->task.number;
}

struct relay_flight {
	RB_ENTRY(relay_flight) entry;
	uint64_t id;
	struct relay_job *job;
};

static int
flight_compare(const struct relay_flight *a, const struct relay_flight *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_PROTOTYPE(relay_jobs, relay_job, entry, job_compare)
RB_GENERATE(relay_jobs, relay_job, entry, job_compare)
RB_PROTOTYPE(relay_flights, relay_flight, entry, flight_compare)
RB_GENERATE(relay_flights, relay_flight, entry, flight_compare)

static unsigned
relaying_dispatcher(const struct queue *q)
{
	return q->proc->setup->n_dispatchers - 1;
}

static struct relay_job *
find_gathered(struct queue *q, const struct envelope *ev, const char *domain)
{
	uint32_t msgid = envelope_msgid(ev->id);
	struct relay_job *j;

	TAILQ_FOREACH(j, &q->gathered, gather_entry) {
		if (j->task.msgid == msgid && j->task.n < RELAY_RCPTS &&
		    strcmp(j->task.action,
			envelope_text(ev, ENVELOPE_ACTION)) == 0 &&
		    strcasecmp(j->task.domain, domain) == 0)
			return j;
	}
	return NULL;
}

static struct relay_job *
new_job(struct queue *q, const struct envelope *ev, const char *domain)
{
	struct relay_job *j = xcalloc(1, sizeof(*j));
	struct relay_task *t = &j->task;

	t->number = ++q->last_task;
	t->msgid = envelope_msgid(ev->id);
	t->flags = ev->flags;
	t->ret = ev->ret;
	t->from = ev->sender;
	t->action = xstrdup(envelope_text(ev, ENVELOPE_ACTION));
	t->domain = xstrdup(domain);
	t->envid = xstrdup(envelope_text(ev, ENVELOPE_ENVID));
	t->body_len = store_body_len(q->store, t->msgid);
	t->rcpts = xcalloc(RELAY_RCPTS, sizeof(*t->rcpts));
	TAILQ_INSERT_TAIL(&q->gathered, j, gather_entry);
	return j;
}

void
onward_add(struct queue *q, const struct envelope *ev,
    const struct conf_action *a, bool asked)
{
	const char *domain = a->host != NULL ? "" : ev->dest.domain;
	struct relay_job *j = find_gathered(q, ev, domain);
	struct relay_rcpt *r;

	if (j == NULL)
		j = new_job(q, ev, domain);
	if (asked)
		j->task.flags |= RELAY_INSIST;
	r = &j->task.rcpts[j->task.n++];
	r->id = ev->id;
	r->notify = ev->notify;
	r->to = ev->dest;
	r->orcpt = xstrdup(envelope_text(ev, ENVELOPE_ORCPT));
}

static void
free_job(struct relay_job *j)
{
	relay_task_clear(&j->task);
	free(j);
}

/* It has no result and gets none. */
static void
fail_job(struct queue *q, struct relay_job *j)
{
	for (size_t i = 0; i < j->task.n; i++)
		dispatch_given_back(q, j->task.rcpts[i].id,
		    "451 4.3.0 The relaying process is not there");
	free_job(j);
}

static void
send_job(struct queue *q, struct relay_job *j)
{
	struct buf b = { 0 };

	relay_task_encode(&j->task, &b);
	if (!proc_send(q->proc, PROC_DISPATCHER, relaying_dispatcher(q),
		MSG_RELAY, &b, -1)) {
		fail_job(q, j);
		buf_free(&b);
		return;
	}
	buf_free(&b);
	RB_INSERT(relay_jobs, &q->jobs, j);
	for (size_t i = 0; i < j->task.n; i++) {
		struct relay_flight *f = xcalloc(1, sizeof(*f));

		f->id = j->task.rcpts[i].id;
		f->job = j;
		j->n_open++;
		RB_INSERT(relay_flights, &q->flights, f);
	}
}

void
onward_flush(struct queue *q)
{
	struct relay_job *j;

	while ((j = TAILQ_FIRST(&q->gathered)) != NULL) {
		TAILQ_REMOVE(&q->gathered, j, gather_entry);
		send_job(q, j);
	}
}

static void
land(struct queue *q, struct relay_flight *f)
{
	struct relay_job *j = f->job;

	RB_REMOVE(relay_flights, &q->flights, f);
	free(f);
	if (--j->n_open > 0)
		return;
	RB_REMOVE(relay_jobs, &q->jobs, j);
	free_job(j);
}

/* RELAYED: smtpd/queue/relay.h. */
static void
take_result(struct queue *q, struct ipc_msg *m)
{
	struct relay_flight key, *f;
	struct relay_result r;

	if (!relay_result_decode(m->data, m->len, &r)) {
		log_warn("queue: a result that does not decode");
		return;
	}
	key.id = r.id;
	f = RB_FIND(relay_flights, &q->flights, &key);
	if (f != NULL) {
		land(q, f);
		dispatch_relayed(q, &r);
	}
	relay_result_clear(&r);
}

/* WANT_BODY: task u32.  BODY: task u32, ok u8, the body or +fd. */
static void
send_body(struct queue *q, struct proc_peer from, struct ipc_msg *m)
{
	struct relay_job key, *j;
	struct buf b = { 0 };
	struct wire w;
	struct err e;
	uint64_t len;
	int fd = -1;

	wire_init(&w, m->data, m->len);
	key.task.number = wire_u32(&w);
	j = wire_done(&w) ? RB_FIND(relay_jobs, &q->jobs, &key) : NULL;
	wire_put_u32(&b, key.task.number);
	buf_add_u8(&b, 1);
	if (j == NULL ||
	    store_get_body(q->store, j->task.msgid, &b, &fd, &len, &e) == -1) {
		if (j != NULL)
			log_error("queue: %s", e.msg);
		buf_reset(&b);
		wire_put_u32(&b, key.task.number);
		buf_add_u8(&b, 0);
	}
	proc_send(q->proc, from.id, from.instance, MSG_BODY, &b, fd);
	buf_free(&b);
}

void
onward_message(struct queue *q, struct proc_peer from, struct ipc_msg *m)
{
	if (from.id != PROC_DISPATCHER ||
	    from.instance != relaying_dispatcher(q))
		return;
	if (m->type == MSG_RELAYED)
		take_result(q, m);
	else
		send_body(q, from, m);
}

void
onward_lost_peer(struct queue *q, struct proc_peer peer)
{
	struct relay_flight *f;

	if (peer.id != PROC_DISPATCHER ||
	    peer.instance != relaying_dispatcher(q))
		return;
	while ((f = RB_MIN(relay_flights, &q->flights)) != NULL) {
		uint64_t id = f->id;

		land(q, f);
		dispatch_given_back(
		    q, id, "451 4.3.0 The relaying process died");
	}
}

void
onward_init(struct queue *q)
{
	TAILQ_INIT(&q->gathered);
	RB_INIT(&q->jobs);
	RB_INIT(&q->flights);
}
