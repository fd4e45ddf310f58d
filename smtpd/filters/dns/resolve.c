/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unbound.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/filters/dns/resolve.h"

#define CLASS_IN 1

struct question {
	TAILQ_ENTRY(question) entry;
	struct resolver *r;
	resolve_cb cb;
	void (*forget)(void *arg);
	void *arg;
};
TAILQ_HEAD(questions, question);

struct resolver {
	struct ub_ctx *ub;
	struct event *readable;
	struct questions open;
};

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;

	(void)fd;
	(void)what;
	ub_process(r->ub);
}

static int
set_up(struct resolver *r, struct event_base *base, const char *server,
    struct err *e)
{
	r->ub = ub_ctx_create();
	if (r->ub == NULL) {
		err_set(e, ERR_SYSTEM, "no DNS context");
		return -1;
	}
	if (ub_ctx_async(r->ub, 1) != 0 ||
	    ub_ctx_set_option(r->ub, "do-not-query-localhost:", "no") != 0) {
		err_set(e, ERR_SYSTEM, "libunbound refuses its options");
		return -1;
	}
	if (server != NULL && ub_ctx_set_fwd(r->ub, server) != 0) {
		err_set(
		    e, ERR_USAGE, "%s: not ADDRESS or ADDRESS@PORT", server);
		return -1;
	}
	if (server == NULL && ub_ctx_resolvconf(r->ub, NULL) != 0) {
		err_sys(e, "/etc/resolv.conf");
		return -1;
	}
	r->readable =
	    event_new(base, ub_fd(r->ub), EV_READ | EV_PERSIST, on_readable, r);
	if (r->readable == NULL || event_add(r->readable, NULL) == -1) {
		err_set(e, ERR_SYSTEM, "no event for the resolver");
		return -1;
	}
	return 0;
}

struct resolver *
resolver_new(struct event_base *base, const char *server, struct err *e)
{
	struct resolver *r = xcalloc(1, sizeof(*r));

	TAILQ_INIT(&r->open);
	if (set_up(r, base, server, e) == -1) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	struct question *q;

	if (r == NULL)
		return;
	if (r->readable != NULL)
		event_free(r->readable);
	if (r->ub != NULL)
		ub_ctx_delete(r->ub);
	while ((q = TAILQ_FIRST(&r->open)) != NULL) {
		TAILQ_REMOVE(&r->open, q, entry);
		if (q->forget != NULL)
			q->forget(q->arg);
		free(q);
	}
	free(r);
}

static void
finish(struct question *q, const struct resolve_answer *a)
{
	TAILQ_REMOVE(&q->r->open, q, entry);
	q->cb(q->arg, a);
	free(q);
}

static void
on_result(void *arg, int failed, struct ub_result *result)
{
	struct resolve_answer a = { .status = RESOLVE_FAILED };

	if (failed == UB_SYNTAX || (failed == 0 && result->nxdomain)) {
		a.status = RESOLVE_NO_NAME;
	} else if (failed == 0 && result->havedata) {
		a.status = RESOLVE_DATA;
		a.records = result->data;
		a.lens = result->len;
		a.data = (const uint8_t *)result->data[0];
		a.len = (size_t)result->len[0];
		while (result->data[a.n] != NULL)
			a.n++;
	} else if (failed == 0 && result->rcode == 0) {
		a.status = RESOLVE_EMPTY;
	}
	finish(arg, &a);
	ub_resolve_free(result);
}

void
resolver_ask(struct resolver *r, const char *name, int type, resolve_cb cb,
    void (*forget)(void *arg), void *arg)
{
	struct resolve_answer a = { .status = RESOLVE_FAILED };
	struct question *q = xcalloc(1, sizeof(*q));
	int rc;

	*q =
	    (struct question){ .r = r, .cb = cb, .forget = forget, .arg = arg };
	TAILQ_INSERT_TAIL(&r->open, q, entry);
	rc = ub_resolve_async(r->ub, name, type, CLASS_IN, q, on_result, NULL);
	if (rc != 0)
		finish(q, &a);
}
