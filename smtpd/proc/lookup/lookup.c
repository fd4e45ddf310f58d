/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The lookup process: tables, rules and the expansion of recipients.
 *
 * Peers: dispatcher and queue ask EXPAND; the envelopes go to the queue by
 * ENVELOPE, so that a dispatcher, which reads what strangers send, can't make
 * any.  The parent reads .forward files for us.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/lookup/expand.h"
#include "smtpd/lookup/ruleset.h"
#include "smtpd/lookup/table.h"
#include "smtpd/proc/proc.h"
#include "smtpd/proc/trace.h"

#include "smtpd/proc/lookup/lookup.h"
#include "smtpd/proc/lookup/lookup_auth.h"
#include "smtpd/proc/lookup/programs.h"
#include "smtpd/proc/lookup/task.h"
#include "smtpd/proc/lookup/way.h"

struct request {
	TAILQ_ENTRY(request) entry;
	struct proc *proc;
	struct proc_peer from;
	struct setup *setup; /* the configuration it began with */
	struct generation *generation;
	uint32_t id, number; /* theirs and ours */
	bool explain;
	bool busy; /* a task is in it */
	struct envelope base;
	struct buf trace;
	struct expansion x;
};

/* The tables of one configuration, for as long as a request uses them. */
struct generation {
	struct tables *tables;
	struct table_runners runners;
	unsigned refs;
	TAILQ_ENTRY(generation) entry;
};

struct state {
	struct generation *generation; /* the one in force, of all */
	TAILQ_HEAD(, generation) generations;
	TAILQ_HEAD(, request) requests;
	struct auth_questions questions;
	uint32_t last_number;
	bool said_ready;
};

static void
drop_generation(struct state *st, struct generation *g)
{
	if (--g->refs > 0)
		return;
	TAILQ_REMOVE(&st->generations, g, entry);
	lookup_programs_end(&g->runners);
	tables_free(g->tables);
	free(g);
}

/* Tables that programs keep are asked only when these run. */
static void
tell_ready(struct proc *p)
{
	struct state *st = p->state;

	if (st->said_ready ||
	    !lookup_programs_settled(&st->generation->runners))
		return;
	st->said_ready = true;
	proc_send(p, PROC_PARENT, 0, MSG_READY, NULL, -1);
}

static void
load(struct proc *p)
{
	struct state *st = p->state;
	struct generation *g;
	struct tables *t;
	struct err e;

	t = tables_load(p->setup->conf, p->setup->hostname, &e);
	if (t == NULL) {
		/* The parent has checked it: it was changed since.  Started
		 * again, we read it anew. */
		log_error("lookup: %s", e.msg);
		exit(1);
	}
	g = xcalloc(1, sizeof(*g));
	g->tables = t;
	g->refs = 1;
	TAILQ_INIT(&g->runners);
	TAILQ_INSERT_TAIL(&st->generations, g, entry);
	lookup_programs_start(p, &g->runners, t);
	if (st->generation != NULL)
		drop_generation(st, st->generation);
	st->generation = g;
	tell_ready(p);
}

static void
start(struct proc *p)
{
	struct state *st = xcalloc(1, sizeof(*st));

	TAILQ_INIT(&st->generations);
	TAILQ_INIT(&st->requests);
	TAILQ_INIT(&st->questions);
	st->last_number = arc4random();
	p->state = st;
	task_init(p);
	load(p);
}

static void
end_request(struct request *r)
{
	struct state *st = r->proc->state;

	TAILQ_REMOVE(&st->requests, r, entry);
	expand_end(&r->x);
	envelope_clear(&r->base);
	buf_free(&r->trace);
	drop_generation(st, r->generation);
	setup_unref(r->setup);
	free(r);
}

static void
ask_forward(struct expansion *x, unsigned token, const struct expand_user *user)
{
	struct request *r = x->arg;
	struct buf b = { 0 };

	wire_put_u32(&b, r->number);
	wire_put_u32(&b, token);
	wire_put_u32(&b, user->uid);
	buf_add_str(&b, user->home);
	proc_send(r->proc, PROC_PARENT, 0, MSG_FORWARD, &b, -1);
	buf_free(&b);
}

/* What explain would say of it. */
static void
trace_expansion(struct request *r, const char *reply)
{
	const char *line = buf_str(&r->trace);

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		trace(TRACE_EXPAND, "expand: %08x %.*s",
		    envelope_msgid(r->base.id), (int)len, line);
		line += len;
		line += *line == '\n';
	}
	if (reply[0] != '\0')
		trace(TRACE_EXPAND, "expand: %08x refused: %s",
		    envelope_msgid(r->base.id), reply);
}

/* EXPANDED: request u32, envelopes u32, the first one's number u32, the reply ("" when all is well). */
static void
expanded(struct expansion *x, const char *reply, const struct envelope *evs,
    size_t n)
{
	struct request *r = x->arg;
	struct buf b = { 0 };

	if (!r->explain)
		trace_expansion(r, reply);
	if (reply[0] != '\0' || r->explain)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		struct envelope ev = evs[i];

		ev.id = (uint64_t)envelope_msgid(r->base.id) << 32 |
		    (uint32_t)(r->number * EXPAND_ENVELOPES + i + 1);
		buf_reset(&b);
		envelope_encode(&ev, &b);
		proc_send(r->proc, PROC_QUEUE, 0, MSG_ENVELOPE, &b, -1);
	}
	buf_reset(&b);
	wire_put_u32(&b, r->id);
	wire_put_u32(&b, (uint32_t)n);
	if (!r->explain)
		wire_put_u32(&b, r->number * EXPAND_ENVELOPES + 1);
	if (r->explain)
		buf_add(&b, r->trace.data, r->trace.len);
	if (r->explain && reply[0] != '\0')
		buf_printf(&b, "refused: %s\n", reply);
	else
		buf_add_str(&b, reply);
	proc_send(r->proc, r->from.id, r->from.instance,
	    r->explain ? MSG_EXPLAINED : MSG_EXPANDED, &b, -1);
	buf_free(&b);
	end_request(r);
}

static const struct expand_ops expand_ops = { ask_forward, expanded };

static struct request *
find_request(struct state *st, uint32_t number)
{
	struct request *r;

	TAILQ_FOREACH(r, &st->requests, entry) {
		if (r->number == number)
			return r;
	}
	return NULL;
}

/* Others may go on with it, if it has not ended. */
static void
leave_request(struct state *st, uint32_t number)
{
	struct request *r = find_request(st, number);

	if (r != NULL)
		r->busy = false;
}

/* EXPAND: request u32, tls u8, an envelope of what the session knows. */
static void
begin(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = p->state;
	struct request *r = xcalloc(1, sizeof(*r));
	struct wire w;
	struct err e;
	uint32_t number;

	wire_init(&w, m->data, m->len);
	r->id = wire_u32(&w);
	r->x.tls = wire_u8(&w) != 0;
	if (!wire_ok(&w) ||
	    envelope_decode(m->data + 5, m->len - 5, &r->base, &e) == -1) {
		log_warn("lookup: a request of the %s that does not decode",
		    proc_name(from.id));
		free(r);
		return;
	}
	r->proc = p;
	r->from = from;
	r->number = ++st->last_number;
	r->explain = m->type == MSG_EXPLAIN;
	r->setup = setup_ref(p->setup);
	r->generation = st->generation;
	r->generation->refs++;
	r->x.ops = &expand_ops;
	r->x.conf = p->setup->conf;
	r->x.tables = r->generation->tables;
	r->x.base = &r->base;
	r->x.arg = r;
	r->x.trace = r->explain || trace_wants(TRACE_EXPAND) ? &r->trace : NULL;
	r->busy = true;
	number = r->number;
	TAILQ_INSERT_TAIL(&st->requests, r, entry);
	expand_start(&r->x);
	leave_request(st, number);
}

/* FORWARDED: number u32, token u32, kind u8, the text. */
static void
forwarded(struct proc *p, struct ipc_msg *m)
{
	struct state *st = p->state;
	struct request *r;
	struct wire w;
	uint32_t number, token;
	uint8_t kind;

	wire_init(&w, m->data, m->len);
	number = wire_u32(&w);
	token = wire_u32(&w);
	kind = wire_u8(&w);
	if (!wire_ok(&w) || kind > EXPAND_FORWARD_LATER)
		return;
	while ((r = find_request(st, number)) != NULL && r->busy)
		task_turn();
	if (r == NULL)
		return;
	r->busy = true;
	expand_forward(
	    &r->x, token, kind, (const char *)m->data + 9, m->len - 9);
	leave_request(st, number);
}

/*
 * USER: request u64, action text, user text.  USER_FOUND: request u64, status
 * u8 (1 found, 0 not, 2 later), uid u32, gid u32, home.
 */
static void
find_user(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = p->state;
	const struct conf_action *a;
	struct expand_user user = { 0 };
	struct buf b = { 0 };
	struct wire w;
	struct err e;
	uint64_t id;
	char *action, *name;
	int rc;

	wire_init(&w, m->data, m->len);
	id = wire_u64(&w);
	if (!wire_ok(&w) || memchr(m->data + 8, '\0', m->len - 8) == NULL)
		return;
	action = xstrndup((const char *)m->data + 8, m->len - 8);
	name = xstrndup((const char *)m->data + 9 + strlen(action),
	    m->len - 9 - strlen(action));
	a = conf_find_action(p->setup->conf, action);
	rc = a == NULL ?
	    -1 :
	    expand_find_user(st->generation->tables, a, name, &user, &e);
	trace(TRACE_LOOKUP, "lookup: user \"%s\" of action %s %s", name, action,
	    rc == -1    ? "failed" :
		rc == 1 ? "found" :
			  "not-found");
	wire_put_u64(&b, id);
	buf_add_u8(&b, rc == -1 ? 2 : (uint8_t)rc);
	wire_put_u32(&b, user.uid);
	wire_put_u32(&b, user.gid);
	buf_add_str(&b, user.home);
	proc_send(p, from.id, from.instance, MSG_USER_FOUND, &b, -1);
	buf_free(&b);
	free(action);
	free(name);
}

/* TABLE_UPDATE: request u32, name.  TABLE_UPDATED: request u32, problem. */
static void
update_table(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = p->state;
	struct buf b = { 0 };
	struct err e;
	char *name;

	if (m->len < 4)
		return;
	name = xstrndup((const char *)m->data + 4, m->len - 4);
	buf_add(&b, m->data, 4);
	if (tables_update(st->generation->tables, p->setup->conf, name, &e) ==
	    -1)
		buf_add_str(&b, e.msg);
	proc_send(p, from.id, from.instance, MSG_TABLE_UPDATED, &b, -1);
	buf_free(&b);
	free(name);
}

/* Whether a key is in a table: 1 or 0, or 2 for what can't be told. */
static uint8_t
find_in_table(
    struct proc *p, unsigned service, const char *key, const char *name)
{
	struct state *st = p->state;
	const struct conf_table *ct = conf_find_table(p->setup->conf, name);
	struct table *t =
	    ct == NULL ? NULL : tables_get(st->generation->tables, ct);
	struct err e;
	int rc;

	if (t == NULL || service > TABLE_REGEX)
		return 2;
	rc = table_lookup(t, service, key, NULL, &e);
	if (rc == -1)
		log_warn("table %s: %s", name, e.msg);
	trace(TRACE_LOOKUP, "lookup: table %s key \"%s\" %s", name, key,
	    rc == -1    ? "failed" :
		rc == 1 ? "found" :
			  "not-found");
	return rc == -1 ? 2 : (uint8_t)rc;
}

/*
 * FILTER_TEST: number u32, serial u32, generation u32, service u8, key, NUL,
 * table.  FILTER_TESTED: number u32, serial u32, result u8.  A session of an
 * older configuration means other tables: it is told so.
 */
static void
test_table(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	uint32_t number, serial, generation;
	struct buf b = { 0 };
	uint8_t service, result = 2;
	const uint8_t *end;
	struct wire w;
	char *name;

	wire_init(&w, m->data, m->len);
	number = wire_u32(&w);
	serial = wire_u32(&w);
	generation = wire_u32(&w);
	service = wire_u8(&w);
	end = w.left == 0 ? NULL : memchr(w.p, '\0', w.left);
	if (!wire_ok(&w) || end == NULL)
		return;
	name =
	    xstrndup((const char *)end + 1, w.left - (size_t)(end - w.p) - 1);
	if (generation == p->setup->generation)
		result = find_in_table(p, service, (const char *)w.p, name);
	wire_put_u32(&b, number);
	wire_put_u32(&b, serial);
	buf_add_u8(&b, result);
	proc_send(p, from.id, from.instance, MSG_FILTER_TESTED, &b, -1);
	buf_free(&b);
	free(name);
}

/* What may have to ask a table. */
static void
answer(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = p->state;

	switch (m->type) {
	case MSG_EXPAND:
	case MSG_EXPLAIN:
		begin(p, from, m);
		break;
	case MSG_FORWARDED:
		forwarded(p, m);
		break;
	case MSG_USER:
		find_user(p, from, m);
		break;
	case MSG_WAY:
		way_find(p, st->generation->tables, from, m);
		break;
	case MSG_AUTH:
		lookup_auth(p, &st->questions, st->generation->tables, from, m);
		break;
	case MSG_TABLE_ASK:
		lookup_table_ask(p, st->generation->tables, from, m);
		break;
	case MSG_FILTER_TEST:
		test_table(p, from, m);
		break;
	case MSG_TABLE_UPDATE:
		update_table(p, from, m);
		break;
	default:
		log_warn("lookup: message %u from the %s", m->type,
		    proc_name(from.id));
		break;
	}
}

/* A message that is answered in a task. */
struct job {
	struct proc *proc;
	struct proc_peer from;
	struct ipc_msg m;
	struct buf data;
};

static void
run_job(void *arg)
{
	struct job *j = arg;
	struct state *st = j->proc->state;
	struct generation *g = st->generation;

	g->refs++;
	answer(j->proc, j->from, &j->m);
	drop_generation(st, g);
	if (j->data.len > 0) /* there may be a password in it */
		explicit_bzero(j->data.data, j->data.len);
	buf_free(&j->data);
	free(j);
}

static void
start_job(struct proc *p, struct proc_peer from, const struct ipc_msg *m)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->proc = p;
	j->from = from;
	j->m.type = m->type;
	j->m.fd = -1;
	buf_add(&j->data, m->data, m->len);
	j->m.data = j->data.data;
	j->m.len = j->data.len;
	task_start(run_job, j);
}

/* Whether anybody may have to wait for a program. */
static bool
has_programs(const struct state *st)
{
	const struct generation *g;

	TAILQ_FOREACH(g, &st->generations, entry) {
		if (!TAILQ_EMPTY(&g->runners))
			return true;
	}
	return false;
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = p->state;
	struct generation *g;

	if (m->type == MSG_PROGRAM) {
		TAILQ_FOREACH(g, &st->generations, entry)
			lookup_programs_message(&g->runners, m);
		tell_ready(p);
	} else if (m->type == MSG_VERIFIED) {
		lookup_verified(p, &st->questions, m);
	} else if (has_programs(st)) {
		start_job(p, from, m);
	} else {
		answer(p, from, m);
	}
}

static void
peer_gone(struct proc *p, struct proc_peer peer)
{
	struct state *st = p->state;

	if (st != NULL && peer.id == PROC_AUTH)
		lookup_auth_gone(p, &st->questions);
	if (st != NULL && peer.id == PROC_DISPATCHER)
		lookup_auth_forget(&st->questions, peer.instance);
}

const struct proc_ops lookup_ops = {
	.id = PROC_LOOKUP,
	.late_ready = true,
	.start = start,
	.message = message,
	.peer_gone = peer_gone,
	.reload = load,
};
