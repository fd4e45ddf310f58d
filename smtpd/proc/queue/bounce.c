/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, back: notices to senders.  What fails for one message within a
 * second is told in one notice; the notice and the removal of what it is
 * about are committed together.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/trace.h"
#include "smtpd/queue/dsn.h"

#include "smtpd/proc/queue/queue_internal.h"

#define GATHER       1 /* seconds */
#define TTL          (7 * 86400)
#define ORIGINAL_MAX (64 * 1024) /* of a body that is a file */

static const char *
kind_name(enum dsn_kind kind)
{
	static const char *const names[] = {
		[DSN_KIND_FAILED] = "failed",
		[DSN_KIND_DELAYED] = "delayed",
		[DSN_KIND_DELIVERED] = "delivered",
		[DSN_KIND_RELAYED] = "relayed",
	};

	return names[kind];
}

void
bounce_add(struct queue *q, const struct envelope *ev, enum dsn_kind kind)
{
	uint32_t msgid = envelope_msgid(ev->id);
	struct notice *n;

	TAILQ_FOREACH(n, &q->notices, entry) {
		if (n->original == msgid && n->kind == kind && !n->asked)
			break;
	}
	if (n == NULL) {
		n = xcalloc(1, sizeof(*n));
		n->original = msgid;
		n->kind = kind;
		n->due_at = (uint64_t)time(NULL) + GATHER;
		TAILQ_INSERT_TAIL(&q->notices, n, entry);
	}
	n->ids = xreallocarray(n->ids, n->n + 1, sizeof(*n->ids));
	n->ids[n->n++] = ev->id;
	trace(TRACE_BOUNCE, "bounce: %016llx %s, in a notice of %zu",
	    (unsigned long long)ev->id, kind_name(kind), n->n);
}

static void
free_notice(struct queue *q, struct notice *n)
{
	TAILQ_REMOVE(&q->notices, n, entry);
	free(n->ids);
	free(n);
}

/* The envelopes that are still there; returns how many. */
static size_t
load(struct queue *q, const struct notice *n, struct envelope **out)
{
	size_t k = 0;
	struct err e;

	*out = xcalloc(n->n, sizeof(**out));
	for (size_t i = 0; i < n->n; i++) {
		if (store_get(q->store, n->ids[i], &(*out)[k], &e) == 0)
			k++;
	}
	return k;
}

static void
unload(struct envelope *evs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		envelope_clear(&evs[i]);
	free(evs);
}

/* Ask the lookup where a notice to the sender goes: EXPAND as a session does,
 * with the notice's message id as the request. */
static void
ask(struct queue *q, struct notice *n)
{
	struct envelope *evs, ev;
	struct buf b = { 0 };
	size_t k = load(q, n, &evs);

	n->asked = true;
	if (k == 0) {
		unload(evs, k);
		free_notice(q, n);
		return;
	}
	n->msgid = reception_new_msgid(q);
	envelope_init(&ev);
	ev.id = (uint64_t)n->msgid << 32;
	ev.flags = ENVELOPE_BOUNCE | ENVELOPE_INTERNAL;
	ev.rcpt = evs[0].sender;
	ev.created_at = (uint64_t)time(NULL);
	envelope_set_text(&ev, ENVELOPE_SOURCE, "local");
	envelope_set_text(&ev, ENVELOPE_SMTPNAME, q->proc->setup->hostname);
	wire_put_u32(&b, n->msgid);
	buf_add_u8(&b, 0);
	envelope_encode(&ev, &b);
	if (!proc_send(q->proc, PROC_LOOKUP, 0, MSG_EXPAND, &b, -1))
		n->asked = false;
	buf_free(&b);
	envelope_clear(&ev);
	unload(evs, k);
}

void
bounce_tick(struct queue *q, uint64_t now)
{
	struct notice *n, *next;

	for (n = TAILQ_FIRST(&q->notices); n != NULL; n = next) {
		next = TAILQ_NEXT(n, entry);
		if (!n->asked && n->due_at <= now)
			ask(q, n);
	}
}

/* The original message, or its beginning when it is large. */
static void
load_original(struct queue *q, uint32_t msgid, struct buf *out)
{
	uint64_t len;
	struct err e;
	size_t got;
	int fd;

	if (store_get_body(q->store, msgid, out, &fd, &len, &e) == -1) {
		log_warn("queue: %s", e.msg);
		return;
	}
	if (fd == -1)
		return;
	if (len > ORIGINAL_MAX)
		len = ORIGINAL_MAX;
	if (fs_pread_full(fd, buf_reserve(out, (size_t)len), (size_t)len, 0,
		&got, &e) == 0)
		out->len += got;
	close(fd);
}

static void
commit_notice(struct queue *q, struct notice *n, size_t n_expected)
{
	struct reception *r = reception_get(q, n->msgid);
	struct envelope *evs;
	struct buf original = { 0 };
	size_t k = load(q, n, &evs);

	load_original(q, n->original, &original);
	if (k > 0) {
		const struct dsn d = {
			.kind = n->kind,
			.hostname = q->proc->setup->hostname,
			.msgid = n->msgid,
			.now = time(NULL),
			.evs = evs,
			.n = k,
			.original = original.data == NULL ?
			    "" :
			    (const char *)original.data,
			.original_len = original.len,
		};

		dsn_write(&d, &r->body);
	}
	if (n->kind != DSN_KIND_DELAYED) {
		r->about = n->ids;
		r->n_about = n->n;
		n->ids = NULL;
	}
	for (size_t i = 0; i < r->n; i++)
		r->evs[i].ttl = TTL;
	r->from = (struct proc_peer){ PROC_QUEUE, 0 };
	r->n_expected = n_expected;
	r->committing = true;
	trace(TRACE_BOUNCE, "bounce: of %08x, about %zu envelopes: %08x",
	    n->original, k, n->msgid);
	if (k > 0 && r->n >= n_expected) {
		proc_count(q->proc, "bounce.message", 1);
		reception_commit(q, r);
	} else {
		reception_free(q, r);
	}
	buf_free(&original);
	unload(evs, k);
}

/* Nobody can be told: what failed is dropped, and the log says so. */
static void
give_up(struct queue *q, struct notice *n, const char *why)
{
	log_warn("queue: %08x: the sender can't be told: %s", n->original, why);
	for (size_t i = 0; i < n->n && n->kind != DSN_KIND_DELAYED; i++)
		store_add_remove(q->store, n->ids[i]);
	queue_want_commit(q);
}

void
bounce_expanded(struct queue *q, struct ipc_msg *m)
{
	struct notice *n;
	struct wire w;
	uint32_t msgid, n_evs;
	char *reply;

	wire_init(&w, m->data, m->len);
	msgid = wire_u32(&w);
	n_evs = wire_u32(&w);
	wire_u32(&w);
	TAILQ_FOREACH(n, &q->notices, entry) {
		if (n->asked && n->msgid == msgid)
			break;
	}
	if (n == NULL || !wire_ok(&w))
		return;
	reply = xstrndup((const char *)w.p, w.left);
	if (reply[0] == '4') {
		n->asked = false;
		n->due_at = (uint64_t)time(NULL) + 60;
	} else {
		if (reply[0] == '\0')
			commit_notice(q, n, n_evs);
		else
			give_up(q, n, reply);
		free_notice(q, n);
	}
	free(reply);
}
