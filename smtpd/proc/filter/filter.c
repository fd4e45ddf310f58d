/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The filter process: it speaks with the filter programs, and only that.
 *
 * Peers: the parent starts and ends the programs and hands us their pipes;
 * each dispatcher tells what happens in its sessions, asks, and streams
 * messages through.  A program hears only of sessions whose beginning it has
 * heard, in the order in which things happened.
 *
 * Errors: what a program does wrong ends that program, never us; its sessions
 * are lost, which the dispatcher tells their clients with a 421.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/trace.h"

#include "smtpd/proc/filter/filter.h"
#include "smtpd/proc/filter/filter_internal.h"

#define EVENT_FIELDS 8

static int
link_compare(const struct link *a, const struct link *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(links, link, entry, link_compare)

struct filter_time
filters_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct filter_time){ (uint64_t)ts.tv_sec,
		(unsigned)(ts.tv_nsec / 1000) };
}

struct link *
link_find(struct filters *f, uint64_t id)
{
	struct link key = { .id = id };

	return RB_FIND(links, &f->links, &key);
}

/* FILTER_STATE: epoch u32, flags u8 (1 up, 2 known), phases, events, name. */
static void
put_state(const struct program *p, struct buf *b)
{
	wire_put_u32(b, p->serial);
	buf_add_u8(
	    b, (p->state == PROGRAM_READY ? 1 : 0) | (p->registered ? 2 : 0));
	wire_put_u32(b, p->phases);
	wire_put_u32(b, p->events_in);
	wire_put_u32(b, p->events_out);
	buf_add_str(b, p->name);
}

void
filters_announce(struct filters *f, const struct program *p)
{
	struct buf b = { 0 };

	put_state(p, &b);
	for (unsigned i = 0; i < PROC_INSTANCES; i++)
		proc_send(
		    f->proc, PROC_DISPATCHER, i, MSG_FILTER_STATE, &b, -1);
	buf_free(&b);
}

/* When each program has registered, or failed to, smtpd may be ready. */
void
filters_settled(struct filters *f)
{
	const struct program *p;

	TAILQ_FOREACH(p, &f->programs, entry) {
		if (!p->settled)
			return;
	}
	if (!f->announced)
		proc_send(f->proc, PROC_PARENT, 0, MSG_READY, NULL, -1);
	f->announced = true;
}

/* FILTER_HELLO: a dispatcher that has just started. */
static void
hello(struct filters *f, unsigned instance)
{
	const struct program *p;

	TAILQ_FOREACH(p, &f->programs, entry) {
		struct buf b = { 0 };

		if (!p->settled || p->retired)
			continue;
		put_state(p, &b);
		proc_send(f->proc, PROC_DISPATCHER, instance, MSG_FILTER_STATE,
		    &b, -1);
		buf_free(&b);
	}
}

/* Links */

static void
link_free(struct filters *f, struct link *l)
{
	stream_end(l);
	RB_REMOVE(links, &f->links, l);
	if (l->dirty)
		LIST_REMOVE(l, dirty_entry);
	for (size_t i = 0; i < l->n; i++) {
		struct program *p = l->members[i].program;

		if (p != NULL) {
			p->n_links--;
			program_unlink(p);
		}
	}
	buf_free(&l->out);
	free(l);
}

/* FILTER_LOST: number u32, the filter's name. */
void
link_lose(struct filters *f, struct link *l, const char *who)
{
	struct buf b = { 0 };

	if (l->lost)
		return;
	l->lost = true;
	l->asked = false;
	stream_end(l);
	wire_put_u32(&b, l->number);
	buf_add_str(&b, who);
	proc_send(
	    f->proc, PROC_DISPATCHER, l->instance, MSG_FILTER_LOST, &b, -1);
	buf_free(&b);
}

static struct program *
find_program(struct filters *f, const char *name)
{
	struct program *p;

	TAILQ_FOREACH(p, &f->programs, entry) {
		if (!p->retired && strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

/*
 * FILTER_BEGIN: link u64, number u32, smtp-out u8, then for each member its
 * epoch u32 and name, ended by a NUL.
 */
static void
begin(struct filters *f, unsigned instance, struct wire *w)
{
	struct link *l = xcalloc(1, sizeof(*l));
	const char *gone = NULL;

	l->id = wire_u64(w);
	l->number = wire_u32(w);
	l->smtp_out = wire_u8(w) != 0;
	l->instance = instance;
	if (!wire_ok(w) || RB_INSERT(links, &f->links, l) != NULL) {
		log_warn("filter: a session that can't begin");
		free(l);
		return;
	}
	while (w->left > 4 && l->n < CONF_CHAIN_MAX) {
		uint32_t serial = wire_u32(w);
		const char *name = (const char *)w->p;
		const uint8_t *end = memchr(name, '\0', w->left);
		struct program *p;

		if (end == NULL)
			break;
		wire_bytes(w, (size_t)(end - w->p) + 1);
		p = find_program(f, name);
		if (p == NULL || p->serial != serial ||
		    p->state != PROGRAM_READY) {
			p = NULL;
			gone = name;
		} else {
			p->n_links++;
		}
		l->members[l->n++] =
		    (struct member){ .program = p, .serial = serial };
	}
	if (gone != NULL)
		link_lose(f, l, gone);
}

void
link_report(struct filters *f, struct link *l, enum filter_event event,
    const char *const *fields, size_t n)
{
	struct filter_time now = filters_now();

	(void)f;
	for (size_t i = 0; i < l->n; i++) {
		struct program *p = l->members[i].program;
		uint32_t wants;
		size_t at;

		if (p == NULL)
			continue;
		wants = l->smtp_out ? p->events_out : p->events_in;
		if ((wants & FILTER_BIT(event)) == 0)
			continue;
		at = p->out.len;
		if (filter_put_report(
			&p->out, now, l->smtp_out, event, l->id, fields, n)) {
			trace(TRACE_FILTERS, "filters: %s <- %.*s", p->name,
			    (int)(p->out.len - at - 1), p->out.data + at);
			program_queued(p);
		} else {
			log_warn("filter %s: a %s that is no line of the "
				 "protocol was left out",
			    p->name, filter_event_name(event));
		}
	}
}

/* FILTER_EVENT: link u64, event u8, fields, each ended by a NUL. */
static void
take_event(struct filters *f, struct link *l, struct wire *w)
{
	const char *fields[EVENT_FIELDS];
	size_t n = 0;
	unsigned event = wire_u8(w);

	while (n < EVENT_FIELDS && w->left > 0) {
		const uint8_t *end = memchr(w->p, '\0', w->left);

		if (end == NULL)
			break;
		fields[n++] = (const char *)w->p;
		wire_bytes(w, (size_t)(end - w->p) + 1);
	}
	if (wire_done(w) && event < FILTER_EVENTS)
		link_report(f, l, event, fields, n);
}

/* Requests */

/* FILTER_ANSWER: number u32, serial u32, verdict u8, text. */
void
link_answer(
    struct filters *f, struct link *l, enum filter_verdict v, const char *text)
{
	struct buf b = { 0 };

	l->asked = false;
	wire_put_u32(&b, l->number);
	wire_put_u32(&b, l->serial);
	buf_add_u8(&b, (uint8_t)v);
	buf_add_str(&b, text);
	proc_send(
	    f->proc, PROC_DISPATCHER, l->instance, MSG_FILTER_ANSWER, &b, -1);
	buf_free(&b);
}

/* FILTER_ASK: link u64, member u8, phase u8, serial u32, parameter. */
static void
ask(struct filters *f, struct link *l, struct wire *w)
{
	unsigned member = wire_u8(w), phase = wire_u8(w);
	struct program *p;
	char *param;

	l->serial = wire_u32(w);
	if (!wire_ok(w) || l->lost || member >= l->n || phase >= FILTER_PHASES)
		return;
	p = l->members[member].program;
	if (p == NULL) {
		link_answer(f, l, FILTER_PROCEED, "");
		return;
	}
	param = xstrndup((const char *)w->p, w->left);
	l->asked = true;
	l->asked_member = member;
	l->phase = phase;
	l->asked_at = time(NULL);
	arc4random_buf(&l->token, sizeof(l->token));
	/* What comes with "auth" is secret. */
	trace(TRACE_FILTERS, "filters: %s <- request %s|%016llx|%016llx|%s",
	    p->name, filter_phase_name(phase), (unsigned long long)l->id,
	    (unsigned long long)l->token,
	    phase == FILTER_AUTH ? "********" : param);
	if (filter_put_request(
		&p->out, filters_now(), phase, l->id, l->token, param))
		program_queued(p);
	else
		link_answer(f, l, FILTER_FAILED, "");
	free(param);
}

static void
take_result(struct filters *f, struct link *l, struct program *p,
    const struct filter_said *s)
{
	if (l->late_token == s->token && s->token != 0) {
		l->late_token = 0;
		return;
	}
	if (!l->asked || l->members[l->asked_member].program != p ||
	    l->token != s->token) {
		program_fail(p, "an answer to what was not asked");
		return;
	}
	if (s->verdict == FILTER_JUNK && l->phase == FILTER_COMMIT) {
		log_warn(
		    "filter %s: junk comes too late in phase commit", p->name);
		link_answer(f, l, FILTER_FAILED, "");
		return;
	}
	link_answer(f, l, s->verdict, s->text);
}

static void
take_program_report(
    struct filters *f, struct link *l, struct program *p, const char *text)
{
	const char *fields[] = { "proc", p->name, text };

	link_report(f, l, FILTER_FILTER_REPORT, fields, 3);
}

void
filters_said(struct filters *f, struct program *p, struct filter_said *s)
{
	struct link *l = link_find(f, s->session);
	size_t member = 0;

	/* It may have ended before the answer came. */
	if (l == NULL || l->lost) {
		log_debug("filter %s: an answer for a session that is not "
			  "there",
		    p->name);
		return;
	}
	while (member < l->n && l->members[member].program != p)
		member++;
	if (member == l->n) {
		program_fail(p, "an answer for another filter's session");
		return;
	}
	switch (s->kind) {
	case FILTER_SAID_RESULT:
		take_result(f, l, p, s);
		break;
	case FILTER_SAID_LINE:
		stream_said(f, l, member, s);
		break;
	case FILTER_SAID_REPORT:
		take_program_report(f, l, p, s->text);
		break;
	case FILTER_SAID_EVENTS:
	case FILTER_SAID_PHASE:
	case FILTER_SAID_READY:
		break;
	}
}

/* Time limits */

/* A program that says nothing at all hangs; else it is this answer only. */
static void
time_out(struct filters *f, struct link *l, struct program *p, time_t since)
{
	if (p == NULL)
		return;
	if (p->heard_at <= since) {
		program_fail(p, "it does not answer");
		return;
	}
	log_warn("filter %s: %016llx: no answer in time", p->name,
	    (unsigned long long)l->id);
	l->late_token = l->token;
	link_lose(f, l, p->name);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct filters *f = arg;
	time_t since = time(NULL) - (time_t)f->proc->setup->filter_time;
	struct program *who = NULL;
	struct link *l;

	(void)fd;
	(void)what;
	RB_FOREACH(l, links, &f->links) {
		if (l->lost)
			continue;
		if (l->asked && l->asked_at <= since)
			time_out(f, l, l->members[l->asked_member].program,
			    l->asked_at);
		else if (stream_stuck(l, since, &who))
			time_out(f, l, who, l->moved_at);
	}
}

/* The configuration */

static bool
chain_has(const struct conf_filter *chain, const struct conf_proc *cp)
{
	if (chain == NULL)
		return false;
	for (size_t i = 0; i < chain->n_members; i++) {
		if (chain->members[i]->proc == cp)
			return true;
	}
	return chain->proc == cp;
}

static void
attached(const struct conf *c, const struct conf_proc *cp, bool *in, bool *out)
{
	const struct conf_listen *l;
	const struct conf_action *a;

	*in = *out = false;
	TAILQ_FOREACH(l, &c->listens, entry)
		*in |= chain_has(l->filter, cp);
	TAILQ_FOREACH(a, &c->actions, entry)
		*out |= chain_has(a->filter, cp);
}

/* Those of the configuration run; those that changed are run anew. */
static void
configure(struct proc *proc)
{
	struct filters *f = proc->state;
	struct program *p, *next;
	const struct conf_proc *cp;

	for (p = TAILQ_FIRST(&f->programs); p != NULL; p = next) {
		bool in, out, same;
		char *identity;

		next = TAILQ_NEXT(p, entry);
		cp = conf_find_proc(proc->setup->conf, p->name);
		if (p->retired)
			continue;
		if (cp == NULL) {
			program_retire(p);
			continue;
		}
		attached(proc->setup->conf, cp, &in, &out);
		identity = program_identity(cp, in, out);
		same = strcmp(identity, p->identity) == 0;
		free(identity);
		if (!same)
			program_retire(p);
	}
	TAILQ_FOREACH(cp, &proc->setup->conf->procs, entry) {
		bool in, out;

		if (find_program(f, cp->name) != NULL)
			continue;
		attached(proc->setup->conf, cp, &in, &out);
		program_start(program_new(f, cp, in, out));
	}
}

static void
start(struct proc *proc)
{
	struct filters *f = xcalloc(1, sizeof(*f));
	const struct timeval second = { 1, 0 };

	f->proc = proc;
	TAILQ_INIT(&f->programs);
	RB_INIT(&f->links);
	LIST_INIT(&f->dirty);
	f->last_serial = arc4random();
	proc->state = f;
	f->tick = event_new(proc->base, -1, EV_PERSIST, on_tick, f);
	event_add(f->tick, &second);
	configure(proc);
	filters_settled(f);
}

/* PROGRAM: 'i' its pipe, 'e' its stderr, 'x' its end; serial u32. */
static void
from_parent(struct filters *f, struct ipc_msg *m)
{
	struct program *p;
	struct wire w;
	uint8_t what;
	uint32_t serial;

	wire_init(&w, m->data, m->len);
	what = wire_u8(&w);
	serial = wire_u32(&w);
	if (!wire_ok(&w))
		return;
	TAILQ_FOREACH(p, &f->programs, entry) {
		if (p->serial != serial || p->state == PROGRAM_DOWN)
			continue;
		if (what == 'x')
			program_exited(p);
		else if (m->fd != -1)
			program_got_fd(p, what == 'e', ipc_take_fd(m));
		break;
	}
}

static void
from_dispatcher(struct filters *f, unsigned instance, struct ipc_msg *m)
{
	struct link *l;
	struct wire w;

	wire_init(&w, m->data, m->len);
	if (m->type == MSG_FILTER_HELLO) {
		hello(f, instance);
		return;
	}
	if (m->type == MSG_FILTER_BEGIN) {
		begin(f, instance, &w);
		return;
	}
	l = link_find(f, wire_u64(&w));
	if (!wire_ok(&w) || l == NULL || l->instance != instance)
		return;
	switch (m->type) {
	case MSG_FILTER_EVENT:
		take_event(f, l, &w);
		break;
	case MSG_FILTER_ASK:
		ask(f, l, &w);
		break;
	case MSG_FILTER_LINES:
		stream_lines(f, l, m);
		break;
	case MSG_FILTER_CREDIT:
		stream_acked(l, wire_u32(&w));
		break;
	case MSG_FILTER_END:
		link_free(f, l);
		break;
	default:
		break;
	}
}

static void
message(struct proc *proc, struct proc_peer from, struct ipc_msg *m)
{
	if (from.id == PROC_PARENT && m->type == MSG_PROGRAM)
		from_parent(proc->state, m);
	else if (from.id == PROC_DISPATCHER && proc->state != NULL)
		from_dispatcher(proc->state, from.instance, m);
	else
		log_warn("filter: message %u from the %s", m->type,
		    proc_name(from.id));
}

/* The programs hear of the end of its sessions. */
static void
peer_gone(struct proc *proc, struct proc_peer peer)
{
	struct filters *f = proc->state;
	struct link *l, *next;

	if (f == NULL || peer.id != PROC_DISPATCHER)
		return;
	for (l = RB_MIN(links, &f->links); l != NULL; l = next) {
		next = RB_NEXT(links, &f->links, l);
		if (l->instance != peer.instance)
			continue;
		link_report(f, l, FILTER_LINK_DISCONNECT, NULL, 0);
		link_free(f, l);
	}
}

/* The programs hear of all that has happened, and of every end. */
static void
stop(struct proc *proc)
{
	struct filters *f = proc->state;
	struct program *p;
	struct link *l;

	if (f == NULL)
		return;
	RB_FOREACH(l, links, &f->links)
		link_report(f, l, FILTER_LINK_DISCONNECT, NULL, 0);
	TAILQ_FOREACH(p, &f->programs, entry)
		program_flush(p);
}

const struct proc_ops filter_ops = {
	.id = PROC_FILTER,
	.late_ready = true,
	.start = start,
	.message = message,
	.peer_gone = peer_gone,
	.reload = configure,
	.stop = stop,
};
