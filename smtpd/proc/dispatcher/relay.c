/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/out.h"

#include "smtpd/proc/dispatcher/relay.h"

#define OUTS_MAX 2000 /* sessions out, in all */

void
relay_init(struct relays *rs, struct dispatcher *d)
{
	const char *port = getenv("SMTPD_MX_PORT");
	const char *patience = getenv("SMTPD_RELAY_PATIENCE");
	uint64_t n;

	rs->dispatcher = d;
	TAILQ_INIT(&rs->all);
	TAILQ_INIT(&rs->routes);
	rs->port = 25;
	if (port != NULL && conv_u64(port, 1, UINT16_MAX, &n))
		rs->port = (uint16_t)n;
	if (patience != NULL && conv_u64(patience, 1, 3600, &n))
		rs->patience = (unsigned)n;
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg);

static struct relay *
get_relay(struct relays *rs, const struct relay_task *t)
{
	struct relay *r;

	TAILQ_FOREACH(r, &rs->all, entry) {
		if (strcmp(r->action, t->action) == 0 &&
		    strcasecmp(r->domain, t->domain) == 0)
			return r;
	}
	r = xcalloc(1, sizeof(*r));
	r->relays = rs;
	r->id = ++rs->last_id;
	r->action = xstrdup(t->action);
	r->domain = xstrdup(t->domain);
	TAILQ_INIT(&r->tasks);
	TAILQ_INIT(&r->outs);
	r->pause = evtimer_new(rs->dispatcher->proc->base, on_pause_over, r);
	TAILQ_INSERT_TAIL(&rs->all, r, entry);
	return r;
}

static void
free_if_idle(struct relay *r)
{
	uint64_t ms;

	if (r->n_tasks > 0 || r->n_outs > 0)
		return;
	ms = relay_rest_ms(r);
	if (ms > 0) {
		relay_wait(r, ms);
		return;
	}
	event_free(r->pause);
	free(r->connectors);
	TAILQ_REMOVE(&r->relays->all, r, entry);
	free(r->action);
	free(r->domain);
	free(r);
}

void
relay_free_task(struct task *t)
{
	relay_task_clear(&t->t);
	free(t);
}

/* Sessions that wait take tasks; more are opened while tasks are left. */
static void
serve(struct relay *r)
{
	struct relays *rs = r->relays;
	struct out *o;

	if (rs->stopping || !rs->started)
		return;
	TAILQ_FOREACH(o, &r->outs, entry)
		out_wake(o);
	while (r->n_tasks > r->n_opening && rs->n_outs < OUTS_MAX &&
	    relay_may_open(r)) {
		r->room = false;
		r->n_outs++;
		rs->n_outs++;
		r->n_opening++;
		r->opened_at = relay_now_ms();
		out_new(r);
	}
}

/* A delay has passed. */
static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;

	(void)fd;
	(void)what;
	r->saturated = false;
	serve(r);
	free_if_idle(r);
}

static void
serve_all(struct relays *rs)
{
	struct relay *r, *next;

	for (r = TAILQ_FIRST(&rs->all); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (r->n_tasks > 0)
			serve(r);
	}
}

void
relay_start(struct relays *rs)
{
	rs->started = true;
	serve_all(rs);
}

static void
take_task(struct relays *rs, struct ipc_msg *m)
{
	struct task *t = xcalloc(1, sizeof(*t));
	struct relay *r;

	if (!relay_task_decode(m->data, m->len, &t->t)) {
		log_warn("dispatcher: a task that does not decode");
		free(t);
		return;
	}
	r = get_relay(rs, &t->t);
	r->insist |= (t->t.flags & RELAY_INSIST) != 0;
	TAILQ_INSERT_TAIL(&r->tasks, t, entry);
	r->n_tasks++;
	serve(r);
}

struct task *
relay_next_task(struct relay *r)
{
	struct task *t = TAILQ_FIRST(&r->tasks);

	if (t == NULL || r->relays->stopping)
		return NULL;
	TAILQ_REMOVE(&r->tasks, t, entry);
	r->n_tasks--;
	return t;
}

void
relay_return_task(struct relay *r, struct task *t)
{
	TAILQ_INSERT_HEAD(&r->tasks, t, entry);
	r->n_tasks++;
}

void
relay_settle(const struct out *o, struct task *t, size_t rcpt,
    enum relay_status status, const char *line)
{
	char *source, *remote, *text;
	struct buf b = { 0 };

	if (t->settled[rcpt])
		return;
	t->settled[rcpt] = true;
	source = xstrdup(out_source(o));
	remote = xstrdup(out_remote(o));
	text = xstrdup(line);
	relay_result_encode(&(struct relay_result){ .id = t->t.rcpts[rcpt].id,
				.session = o->id,
				.status = status,
				.source = source,
				.remote = remote,
				.line = text },
	    &b);
	proc_send(o->dispatcher->proc, PROC_QUEUE, 0, MSG_RELAYED, &b, -1);
	buf_free(&b);
	free(source);
	free(remote);
	free(text);
}

void
relay_settle_rest(const struct out *o, struct task *t, enum relay_status status,
    const char *line)
{
	for (size_t i = 0; i < t->t.n; i++)
		relay_settle(o, t, i, status, line);
}

void
relay_give_up(const struct out *o, enum relay_status status, const char *line)
{
	struct task *t;

	while ((t = relay_next_task(o->relay)) != NULL) {
		relay_settle_rest(o, t, status, line);
		relay_free_task(t);
	}
}

void
relay_out_opened(struct out *o)
{
	if (!o->opening)
		return;
	o->opening = false;
	o->relay->n_opening--;
}

void
relay_out_gone(struct out *o)
{
	struct relay *r = o->relay, *other;
	struct relays *rs = r->relays;

	relay_out_opened(o);
	TAILQ_FOREACH(other, &rs->all, entry)
		other->room |= o->connected;
	TAILQ_REMOVE(&r->outs, o, entry);
	r->n_outs--;
	rs->n_outs--;
	serve_all(rs);
	free_if_idle(r);
	dispatcher_session_gone(rs->dispatcher);
}

static void
way_found(struct relays *rs, struct ipc_msg *m)
{
	struct relay_way w;
	struct relay *r;
	struct out *o;

	if (!relay_way_decode(m->data, m->len, &w)) {
		log_warn("dispatcher: a way that does not decode");
		return;
	}
	TAILQ_FOREACH(r, &rs->all, entry) {
		TAILQ_FOREACH(o, &r->outs, entry) {
			if (o->way_request == w.request) {
				out_way_found(o, &w, ipc_take_fd(m));
				relay_way_clear(&w);
				return;
			}
		}
	}
	relay_way_clear(&w);
}

static void
got_body(struct relays *rs, struct ipc_msg *m)
{
	struct relay *r;
	struct out *o;
	struct wire w;
	uint32_t number;
	bool ok;

	wire_init(&w, m->data, m->len);
	number = wire_u32(&w);
	ok = wire_u8(&w) != 0 && wire_ok(&w);
	TAILQ_FOREACH(r, &rs->all, entry) {
		TAILQ_FOREACH(o, &r->outs, entry) {
			if (o->task == NULL || o->task->t.number != number)
				continue;
			out_got_body(o, ok, w.p, w.left, ipc_take_fd(m));
			return;
		}
	}
}

void
relay_message(struct relays *rs, struct ipc_msg *m)
{
	switch (m->type) {
	case MSG_RELAY:
		take_task(rs, m);
		break;
	case MSG_WAY_FOUND:
		way_found(rs, m);
		break;
	default:
		got_body(rs, m);
		break;
	}
}

void
relay_lost_lookup(struct relays *rs)
{
	const struct relay_way later = { .status = RELAY_LATER,
		.line = (char[]){ "451 4.3.0 The tables can't be read" } };
	struct relay *r;
	struct out *o;

	TAILQ_FOREACH(r, &rs->all, entry) {
		TAILQ_FOREACH(o, &r->outs, entry) {
			if (o->way_request != 0)
				out_way_found(o, &later, -1);
		}
	}
}

void
relay_stop(struct relays *rs)
{
	struct relay *r;
	struct out *o;

	rs->stopping = true;
	TAILQ_FOREACH(r, &rs->all, entry) {
		TAILQ_FOREACH(o, &r->outs, entry)
			out_stop(o);
	}
}

static void
add_relay(const struct relay *r, struct buf *b)
{
	buf_printf(b, "%u. %s %s ntask=%u nconn=%u\n", r->id, r->action,
	    r->domain[0] == '\0' ? "*" : r->domain, r->n_tasks, r->n_outs);
}

static void
add_route(const struct route *r, const char *what, time_t now, struct buf *b)
{
	if (strcmp(what, "show-hosts") == 0)
		buf_printf(b, "%s %s refcount=%u nconn=%u lastconn=%llds\n",
		    r->address, r->name, r->n_conn, r->n_conn,
		    (long long)(now - r->last_at));
	else if (strcmp(what, "show-hoststats") == 0)
		buf_printf(b, "%s|%lld|%s\n", r->address, (long long)r->last_at,
		    r->status);
	else
		buf_printf(b,
		    "%u. %s <-> %s:%u (%s) %s nconn=%u nerror=%u "
		    "penalty=%u timeout=%llds\n",
		    r->id, r->source[0] == '\0' ? "*" : r->source, r->address,
		    r->port, r->name, route_usable(r, now) ? "-" : "D",
		    r->n_conn, r->n_errors, r->n_errors,
		    (long long)(route_usable(r, now) ?
			    0 :
			    r->disabled_until - now));
}

static bool
resume_route(struct relays *rs, const char *number)
{
	struct route *r;
	uint64_t id;

	if (!conv_u64(number, 1, UINT32_MAX, &id))
		return false;
	TAILQ_FOREACH(r, &rs->routes, entry) {
		if (r->id == id) {
			r->n_errors = 0;
			r->disabled_until = 0;
			return true;
		}
	}
	return false;
}

/* CTL: request u32, words. */
bool
relay_control(struct relays *rs, struct proc_peer from, struct ipc_msg *m)
{
	struct buf line = { 0 }, end = { 0 };
	struct relay *r;
	struct route *ro;
	char *text;

	if (m->len < 4)
		return false;
	text = xstrndup((const char *)m->data + 4, m->len - 4);
	buf_add(&line, m->data, 4);
	buf_add(&end, m->data, 4);
	if (strcmp(text, "show-relays") == 0) {
		TAILQ_FOREACH(r, &rs->all, entry)
			add_relay(r, &line);
	} else if (strncmp(text, "resume-route ", 13) == 0) {
		if (!resume_route(rs, text + 13))
			buf_add_str(&end, "no such route: see show routes");
	} else if (strcmp(text, "show-hosts") == 0 ||
	    strcmp(text, "show-hoststats") == 0 ||
	    strcmp(text, "show-routes") == 0) {
		TAILQ_FOREACH(ro, &rs->routes, entry)
			add_route(ro, text, time(NULL), &line);
	} else {
		buf_free(&end);
	}
	if (line.len > 5) {
		line.len--; /* the client ends the line */
		proc_send(rs->dispatcher->proc, from.id, from.instance,
		    MSG_CTL_LINE, &line, -1);
	}
	if (end.len > 0)
		proc_send(rs->dispatcher->proc, from.id, from.instance,
		    MSG_CTL_END, &end, -1);
	buf_free(&line);
	free(text);
	if (end.len == 0)
		return false;
	buf_free(&end);
	return true;
}
