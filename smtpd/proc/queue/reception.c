/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, in: messages from the dispatchers into the store.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/trace.h"

#include "smtpd/proc/queue/queue_internal.h"

#define MSGIDS       256
#define NOTICE_RETRY 60 /* seconds */

static int
reception_compare(const struct reception *a, const struct reception *b)
{
	return a->msgid < b->msgid ? -1 : a->msgid > b->msgid;
}

RB_GENERATE(receptions, reception, entry, reception_compare)

static struct reception *
find(struct queue *q, uint32_t msgid)
{
	struct reception key = { .msgid = msgid };

	return RB_FIND(receptions, &q->receptions, &key);
}

struct reception *
reception_get(struct queue *q, uint32_t msgid)
{
	struct reception *r = find(q, msgid);

	if (r != NULL)
		return r;
	r = xcalloc(1, sizeof(*r));
	r->msgid = msgid;
	r->body_fd = -1;
	RB_INSERT(receptions, &q->receptions, r);
	return r;
}

void
reception_free(struct queue *q, struct reception *r)
{
	RB_REMOVE(receptions, &q->receptions, r);
	for (size_t i = 0; i < r->n; i++)
		envelope_clear(&r->evs[i]);
	free(r->evs);
	free(r->about);
	buf_free(&r->body);
	if (r->body_fd != -1)
		close(r->body_fd);
	free(r);
}

uint32_t
reception_new_msgid(struct queue *q)
{
	uint32_t msgid;

	do {
		msgid = arc4random();
	} while (msgid == 0 || store_has_message(q->store, msgid) ||
	    find(q, msgid) != NULL);
	return msgid;
}

/* Ids are random: that two are handed out twice before use is left to the
 * check at the commit. */
static void
send_msgids(struct queue *q, struct proc_peer to)
{
	struct buf b = { 0 };

	for (int i = 0; i < MSGIDS; i++)
		wire_put_u32(&b, reception_new_msgid(q));
	proc_send(q->proc, to.id, to.instance, MSG_MSGIDS, &b, -1);
	buf_free(&b);
	room_tell(q, to.instance);
}

/* COMMITTED: request u32, ok u8. */
static void
send_committed(struct queue *q, const struct reception *r, bool ok)
{
	struct buf b = { 0 };

	if (r->from.id != PROC_DISPATCHER)
		return;
	wire_put_u32(&b, r->request);
	buf_add_u8(&b, ok);
	proc_send(q->proc, r->from.id, r->from.instance, MSG_COMMITTED, &b, -1);
	buf_free(&b);
}

/* A notice that could not be written: what it is about is due again. */
static void
retry_notice(struct queue *q, const struct reception *r)
{
	for (size_t i = 0; i < r->n_about; i++)
		queue_schedule(
		    q, r->about[i], (uint64_t)time(NULL) + NOTICE_RETRY);
}

/* Large bodies go into files of their own, synced here. */
static bool
link_body(struct queue *q, struct reception *r)
{
	struct stat st;
	struct err e;

	if (fstat(r->body_fd, &st) == -1 ||
	    store_body_link(
		q->store, r->msgid, r->body_fd, &r->body_flags, &e) == -1) {
		log_error("queue: message %08x: %s", r->msgid, e.msg);
		return false;
	}
	r->body_len = (uint64_t)st.st_size;
	return true;
}

void
reception_commit(struct queue *q, struct reception *r)
{
	bool ok = !store_has_message(q->store, r->msgid), taken;

	/* The reserve is for what ends with less in the queue. */
	if (r->from.id == PROC_DISPATCHER && !room_for(q, r->body.len))
		ok = false;
	taken = ok && offline_take(q, r);
	ok = taken && (r->body_fd == -1 || link_body(q, r));
	if (!ok) {
		if (taken)
			offline_taken(q, r, false);
		send_committed(q, r, false);
		retry_notice(q, r);
		reception_free(q, r);
		return;
	}
	if (r->body_fd == -1)
		r->body_len = r->body.len;
	store_add_message(q->store,
	    &(struct store_new){ .msgid = r->msgid,
		.evs = r->evs,
		.n = r->n,
		.body = r->body_fd != -1 ? NULL :
		    r->body.data == NULL ? (const uint8_t *)"" :
					   r->body.data,
		.body_len = r->body_len,
		.file_flags = r->body_flags,
		.about = r->about,
		.n_about = r->n_about });
	TAILQ_INSERT_TAIL(&q->batch, r, batch_entry);
	queue_want_commit(q);
}

static void
commit_when_whole(struct queue *q, struct reception *r)
{
	if (r->committing && r->n >= r->n_expected)
		reception_commit(q, r);
}

/* ENVELOPE: one envelope of a message that is being received. */
static void
add_envelope(struct queue *q, struct ipc_msg *m)
{
	struct reception *r;
	struct envelope ev;
	struct err e;

	if (envelope_decode(m->data, m->len, &ev, &e) == -1) {
		log_warn("queue: from the lookup: %s", e.msg);
		return;
	}
	r = reception_get(q, envelope_msgid(ev.id));
	r->evs = xreallocarray(r->evs, r->n + 1, sizeof(*r->evs));
	r->evs[r->n++] = ev;
	commit_when_whole(q, r);
}

/* COMMIT: request u32, msgid u32, envelopes u32, the name of the file that
 * it was (u8 length, bytes), then the body, or its file */
static void
start_commit(struct queue *q, struct proc_peer from, struct ipc_msg *m)
{
	struct reception *r;
	struct wire w;
	uint32_t request, msgid, n;
	const char *name;
	size_t name_len;

	wire_init(&w, m->data, m->len);
	request = wire_u32(&w);
	msgid = wire_u32(&w);
	n = wire_u32(&w);
	name_len = wire_u8(&w);
	if (name_len > SUBMISSION_NAME_LEN)
		name_len = SIZE_MAX;
	name = (const char *)wire_bytes(&w, name_len);
	if (!wire_ok(&w) || n == 0) {
		log_warn("queue: a commit that does not decode");
		return;
	}
	r = reception_get(q, msgid);
	r->from = from;
	r->request = request;
	r->n_expected = n;
	r->committing = true;
	memcpy(r->offline, name, name_len);
	if (!submission_name_valid(r->offline))
		r->offline[0] = '\0';
	r->body_fd = ipc_take_fd(m);
	if (r->body_fd == -1)
		buf_add(&r->body, w.p, w.left);
	commit_when_whole(q, r);
}

static void
rollback(struct queue *q, struct ipc_msg *m)
{
	struct reception *r;
	struct wire w;

	wire_init(&w, m->data, m->len);
	r = find(q, wire_u32(&w));
	if (wire_done(&w) && r != NULL && !r->committing)
		reception_free(q, r);
}

/* WANT_FILE: request u32.  FILE: request u32, +fd when there is one. */
static void
give_file(struct queue *q, struct proc_peer from, struct ipc_msg *m)
{
	struct buf b = { 0 };
	struct err e;
	int fd = -1;

	if (room_for(q, 0) && (fd = store_body_file(q->store, &e)) == -1)
		log_error("queue: %s", e.msg);
	buf_add(&b, m->data, m->len);
	proc_send(q->proc, from.id, from.instance, MSG_FILE, &b, fd);
	buf_free(&b);
}

void
reception_message(struct queue *q, struct proc_peer from, struct ipc_msg *m)
{
	switch (m->type) {
	case MSG_WANT_MSGIDS:
		send_msgids(q, from);
		break;
	case MSG_ENVELOPE:
		add_envelope(q, m);
		break;
	case MSG_COMMIT:
		start_commit(q, from, m);
		break;
	case MSG_ROLLBACK:
		rollback(q, m);
		break;
	default:
		give_file(q, from, m);
		break;
	}
}

/*
 * A lookup or a dispatcher is gone.  What was waiting for envelopes that
 * won't come has never been acknowledged: it is dropped.
 */
void
reception_lost_peer(struct queue *q, struct proc_peer peer)
{
	struct reception *r, *next;

	for (r = RB_MIN(receptions, &q->receptions); r != NULL; r = next) {
		next = RB_NEXT(receptions, &q->receptions, r);
		if (!r->committing || r->n >= r->n_expected)
			continue;
		if (peer.id == PROC_LOOKUP ||
		    (r->from.id == peer.id &&
			r->from.instance == peer.instance)) {
			send_committed(q, r, false);
			reception_free(q, r);
		}
	}
}

bool
queue_commit(struct queue *q)
{
	struct reception *r;
	struct err e;
	size_t bytes = store_pending_bytes(q->store);
	uint64_t since = queue_now_us();
	bool ok = store_commit(q->store, &e) == 0;

	if (bytes > 0)
		trace(TRACE_PROFILE_QUEUE,
		    "profile-queue: commit bytes=%zu us=%llu", bytes,
		    (unsigned long long)(queue_now_us() - since));

	q->batch_since_us = 0;
	if (!ok)
		log_error("queue: %s", e.msg);
	while ((r = TAILQ_FIRST(&q->batch)) != NULL) {
		TAILQ_REMOVE(&q->batch, r, batch_entry);
		offline_taken(q, r, ok);
		send_committed(q, r, ok);
		for (size_t i = 0; ok && i < r->n; i++)
			queue_schedule(q, r->evs[i].id, 0);
		q->n_enqueued += ok ? r->n : 0;
		for (size_t i = 0; ok && i < r->n_about; i++)
			queue_unschedule(q, r->about[i]);
		if (ok)
			proc_count(q->proc, "queue.message", 1);
		else
			retry_notice(q, r);
		if (!ok && r->body_fd != -1)
			store_body_unlink(q->store, r->msgid);
		reception_free(q, r);
	}
	dispatch_committed(q);
	queue_flush_schedule(q);
	if (ok && store_collect(q->store, &e) == -1)
		log_warn("queue: %s", e.msg);
	return ok;
}
