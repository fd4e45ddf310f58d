/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/proc/dispatcher/dispatcher_internal.h"

#include "smtpd/proc/dispatcher/ask.h"

struct ask {
	RB_ENTRY(ask) entry;
	struct dispatcher *dispatcher;
	uint32_t request;
	enum dns_kind kind;
	ask_cb *cb;
	void *arg;
	struct event *unsent; /* there was no resolver */
};

static int
ask_compare(const struct ask *a, const struct ask *b)
{
	return a->request < b->request ? -1 : a->request > b->request;
}

RB_PROTOTYPE(asks, ask, entry, ask_compare)
RB_GENERATE(asks, ask, entry, ask_compare)

void
ask_cancel(struct ask *a)
{
	if (a == NULL)
		return;
	RB_REMOVE(asks, &a->dispatcher->asks, a);
	if (a->unsent != NULL)
		event_free(a->unsent);
	free(a);
}

static void
give(struct ask *a, const struct dns_answer *answer)
{
	ask_cb *cb = a->cb;
	void *arg = a->arg;

	ask_cancel(a);
	cb(arg, answer);
}

static void
on_unsent(evutil_socket_t fd, short what, void *arg)
{
	struct ask *a = arg;
	const struct dns_answer later = { a->request, a->kind, DNS_LATER, NULL,
		0 };

	(void)fd;
	(void)what;
	give(a, &later);
}

struct ask *
ask_dns(struct dispatcher *d, enum dns_kind kind, const char *name,
    const char *own, ask_cb *cb, void *arg)
{
	struct ask *a = xcalloc(1, sizeof(*a));
	struct dns_question q = { .request = ++d->last_ask, .kind = kind };
	struct buf b = { 0 };

	*a = (struct ask){ .dispatcher = d,
		.request = q.request,
		.kind = kind,
		.cb = cb,
		.arg = arg };
	snprintf(q.name, sizeof(q.name), "%s", name);
	snprintf(q.own, sizeof(q.own), "%s", own);
	dns_question_encode(&q, &b);
	RB_INSERT(asks, &d->asks, a);
	if (!proc_send(d->proc, PROC_RESOLVER, 0, MSG_RESOLVE, &b, -1)) {
		a->unsent = event_new(d->proc->base, -1, 0, on_unsent, a);
		event_active(a->unsent, 0, 0);
	}
	buf_free(&b);
	return a;
}

void
ask_answered(struct dispatcher *d, struct ipc_msg *m)
{
	struct dns_answer answer;
	struct ask key, *a;

	if (!dns_answer_decode(m->data, m->len, &answer)) {
		log_warn("dispatcher: an answer of the resolver that does not "
			 "decode");
		return;
	}
	key.request = answer.request;
	a = RB_FIND(asks, &d->asks, &key);
	if (a != NULL && a->kind == answer.kind)
		give(a, &answer);
	dns_answer_clear(&answer);
}

/* What a callback asks anew is younger than all that is lost. */
void
ask_lost(struct dispatcher *d)
{
	uint32_t last = d->last_ask;
	struct ask *a;

	while ((a = RB_MIN(asks, &d->asks)) != NULL && a->request <= last)
		on_unsent(-1, 0, a);
}
