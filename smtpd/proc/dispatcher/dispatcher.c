/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A dispatcher: SMTP sessions.  It reads what strangers send, so it has
 * neither files nor keys nor policy, and can't make envelopes.
 *
 * Peers: keys signs for it; the parent gives it listening sockets; the lookup EXPANDs each
 * recipient; the queue gives message ids and takes COMMITs; control passes
 * connections of the local socket.
 */
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"

#include "smtpd/proc/certs.h"
#include "smtpd/proc/dispatcher/dispatcher.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/sources.h"

#define MSGIDS_LOW 64
#define KEYS_LIMIT 5000 /* milliseconds to wait for the keys process */

struct listener {
	TAILQ_ENTRY(listener) entry;
	struct dispatcher *dispatcher;
	uint32_t id;
	struct evconnlistener *evl;
};

static int
session_compare(const struct session *a, const struct session *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}

RB_GENERATE(sessions, session, entry, session_compare)

static void
want_msgids(struct dispatcher *d)
{
	if (d->asked_msgids)
		return;
	d->asked_msgids =
	    proc_send(d->proc, PROC_QUEUE, 0, MSG_WANT_MSGIDS, NULL, -1);
}

uint32_t
dispatcher_msgid(struct dispatcher *d)
{
	if (d->n_msgids <= MSGIDS_LOW)
		want_msgids(d);
	return d->n_msgids == 0 ? 0 : d->msgids[--d->n_msgids];
}

static const struct conf_listen *
find_listen(const struct conf *c, uint32_t id)
{
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &c->listens, entry) {
		if (l->id == id)
			return l;
	}
	return NULL;
}

/* One session too many: said, unless it is TLS that would be spoken. */
static void
refuse(evutil_socket_t fd, const struct conf_listen *l,
    const struct sockaddr *sa, bool source)
{
	const char *text = source ? SESSION_TOO_MANY_OF_SOURCE "\r\n" :
				    SESSION_TOO_MANY "\r\n";
	char host[NI_MAXHOST] = "";

	if (getnameinfo(sa,
		sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) :
					   sizeof(struct sockaddr_in6),
		host, sizeof(host), NULL, 0, NI_NUMERICHOST) == 0)
		log_info("smtp refused address=%s reason=too-many%s", host,
		    source ? "-of-source" : "");
	if ((l == NULL || l->tls != CONF_TLS_IMPLICIT) &&
	    write(fd, text, strlen(text)) == -1)
		log_debug("a connection went before its refusal");
	close(fd);
}

static void
on_accept(struct evconnlistener *evl, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct listener *li = arg;
	struct dispatcher *d = li->dispatcher;
	const struct conf_listen *l = find_listen(d->proc->setup->conf, li->id);
	struct session_origin from = { .listen = l, .sa = sa };
	bool source = false;

	(void)evl;
	(void)len;
	if (l == NULL || d->n_sessions >= d->max_sessions ||
	    !sources_enter(d->sources, l->proxy ? NULL : sa,
		&d->proc->setup->conf->limits, &from.seat, &source)) {
		refuse(fd, l, sa, source);
		return;
	}
	session_new(d, fd, &from);
}

static void
unlisten(struct dispatcher *d)
{
	struct listener *li;

	while ((li = TAILQ_FIRST(&d->listeners)) != NULL) {
		TAILQ_REMOVE(&d->listeners, li, entry);
		evconnlistener_free(li->evl);
		free(li);
	}
}

/* A connection of the local socket: LISTEN with no listener, from control;
 * or OFFLINE with a name, from the parent. */
static void
take_local(struct dispatcher *d, struct ipc_msg *m)
{
	struct session_origin from = { 0 };
	const struct conf_listen *l;
	char *name = NULL;

	TAILQ_FOREACH(l, &d->proc->setup->conf->listens, entry) {
		if (l->socket)
			from.listen = l;
	}
	if (m->type == MSG_OFFLINE)
		name = xstrndup((const char *)m->data, m->len);
	from.offline = name;
	if (m->fd != -1)
		session_new(d, ipc_take_fd(m), &from);
	free(name);
}

/* Not before the filters are there, or are known not to be. */
static bool
may_accept(const struct dispatcher *d)
{
	return !d->paused && d->filters_settled;
}

static void
add_listener(struct dispatcher *d, struct ipc_msg *m)
{
	struct listener *li;
	struct wire w;

	wire_init(&w, m->data, m->len);
	if (m->fd == -1 || m->len != 4)
		return;
	li = xcalloc(1, sizeof(*li));
	li->dispatcher = d;
	li->id = wire_u32(&w);
	li->evl = evconnlistener_new(d->proc->base, on_accept, li,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, ipc_take_fd(m));
	TAILQ_INSERT_TAIL(&d->listeners, li, entry);
	if (!may_accept(d))
		evconnlistener_disable(li->evl);
}

/* Let in, or not, after something changed. */
static void
set_accepting(struct dispatcher *d)
{
	struct listener *li;

	TAILQ_FOREACH(li, &d->listeners, entry) {
		if (may_accept(d))
			evconnlistener_enable(li->evl);
		else
			evconnlistener_disable(li->evl);
	}
}

static void
check_filters(struct dispatcher *d)
{
	bool settled = report_settled(d, d->proc->setup->conf);

	if (settled != d->filters_settled) {
		d->filters_settled = settled;
		set_accepting(d);
	}
}

/* Listeners come before START. */
static struct dispatcher *
state_of(struct proc *p)
{
	struct dispatcher *d = p->state;

	if (d == NULL) {
		d = xcalloc(1, sizeof(*d));
		d->proc = p;
		d->room = UINT64_MAX;
		TAILQ_INIT(&d->listeners);
		RB_INIT(&d->sessions);
		/* No answer to the process before is taken for ours. */
		d->last_number = arc4random();
		RB_INIT(&d->asks);
		relay_init(&d->relays, d);
		p->state = d;
	}
	return d;
}

/* The keys process signs; without it no handshake is finished. */
static bool
sign(void *arg, const struct tls_signing *s, struct buf *out)
{
	struct dispatcher *d = arg;
	struct ipc *keys = d->proc->peers[PROC_KEYS][0];
	struct buf b = { 0 };
	int rc;

	tls_signing_encode(s, &b);
	rc = keys == NULL ?
	    -1 :
	    ipc_ask(keys, MSG_SIGN, b.data, b.len, out, KEYS_LIMIT);
	buf_free(&b);
	if (rc == -1) {
		/* A late answer would be taken for the next one's. */
		log_error("the keys process does not answer");
		exit(1);
	}
	return out->len > 0;
}

static void
renew_ticket_key(struct dispatcher *d)
{
	struct ipc *keys = d->proc->peers[PROC_KEYS][0];
	struct buf b = { 0 };

	if (keys != NULL &&
	    ipc_ask(keys, MSG_TICKET, NULL, 0, &b, KEYS_LIMIT) == 0 &&
	    b.len == TLS_TICKET)
		certs_set_ticket_key(d->certs, b.data);
	if (b.data != NULL)
		OPENSSL_cleanse(b.data, b.cap);
	buf_free(&b);
}

static void
on_ticket_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	renew_ticket_key(arg);
}

/* The certificates of the configuration that is in force from now on. */
static void
load_certs(struct proc *p)
{
	struct dispatcher *d = p->state;
	struct err e;
	struct certs *c =
	    certs_load(p->setup->conf, p->setup->source, sign, d, &e);

	if (c == NULL) {
		/* The parent has checked these very bytes. */
		log_error("dispatcher: %s", e.msg);
		exit(1);
	}
	certs_unref(d->certs);
	d->certs = c;
	renew_ticket_key(d);
}

static void
start(struct proc *p)
{
	const struct timeval hour = { 3600, 0 };
	struct dispatcher *d = state_of(p);
	struct rlimit limit;

	d->max_sessions = DISPATCHER_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < DISPATCHER_MAX + DISPATCHER_SPARE)
		d->max_sessions = limit.rlim_cur > DISPATCHER_SPARE ?
		    (unsigned)(limit.rlim_cur - DISPATCHER_SPARE) :
		    1;
	d->paused = (p->setup->paused & SETUP_PAUSE_SMTP) != 0;
	d->filters_settled = report_settled(d, p->setup->conf);
	set_accepting(d);
	load_certs(p);
	d->ticket_timer =
	    event_new(p->base, -1, EV_PERSIST, on_ticket_timer, d);
	event_add(d->ticket_timer, &hour);
	want_msgids(d);
	proc_send(p, PROC_FILTER, 0, MSG_FILTER_HELLO, NULL, -1);
	relay_start(&d->relays);
}

static void
drain(struct dispatcher *d)
{
	struct session *s, *next;

	d->draining = true;
	unlisten(d);
	relay_stop(&d->relays);
	for (s = RB_MIN(sessions, &d->sessions); s != NULL; s = next) {
		next = RB_NEXT(sessions, &d->sessions, s);
		if (!s->in_mail)
			session_shutdown(s);
	}
	dispatcher_session_gone(d);
}

void
dispatcher_session_gone(struct dispatcher *d)
{
	if (!d->draining || d->n_sessions > 0 || d->relays.n_outs > 0)
		return;
	/* Results are on their way to the queue. */
	if (d->proc->peers[PROC_QUEUE][0] != NULL)
		ipc_flush(d->proc->peers[PROC_QUEUE][0]);
	if (d->proc->peers[PROC_FILTER][0] != NULL)
		ipc_flush(d->proc->peers[PROC_FILTER][0]);
	event_base_loopbreak(d->proc->base);
}

static struct session *
find_session(struct dispatcher *d, struct wire *w)
{
	struct session key = { .number = wire_u32(w) };

	return RB_FIND(sessions, &d->sessions, &key);
}

static void
take_msgids(struct dispatcher *d, struct ipc_msg *m)
{
	struct session *s, *next;
	struct wire w;

	wire_init(&w, m->data, m->len);
	d->asked_msgids = false;
	d->msgids = xreallocarray(
	    d->msgids, d->n_msgids + m->len / 4, sizeof(*d->msgids));
	while (w.left >= 4)
		d->msgids[d->n_msgids++] = wire_u32(&w);
	for (s = RB_MIN(sessions, &d->sessions); s != NULL; s = next) {
		next = RB_NEXT(sessions, &d->sessions, s);
		if (s->wait == SESSION_WAIT_MSGID)
			session_got_msgids(s);
	}
}

static void
take_room(struct dispatcher *d, struct ipc_msg *m)
{
	struct wire w;
	uint64_t room;

	wire_init(&w, m->data, m->len);
	room = wire_u64(&w);
	if (wire_done(&w))
		d->room = room;
}

static void
for_session(struct dispatcher *d, struct ipc_msg *m)
{
	struct session *s;
	struct wire w;
	unsigned kind, status;
	uint32_t first, n;
	char *reply;

	wire_init(&w, m->data, m->len);
	s = find_session(d, &w);
	if (s == NULL || !wire_ok(&w))
		return;
	switch (m->type) {
	case MSG_EXPANDED:
		n = wire_u32(&w);
		first = wire_u32(&w);
		reply = xstrndup((const char *)w.p, w.left);
		session_expanded(s, first, n, reply);
		free(reply);
		break;
	case MSG_FILE:
		session_got_file(s, ipc_take_fd(m));
		break;
	case MSG_AUTHED:
		session_authed(s, wire_u8(&w));
		break;
	case MSG_TABLE_TOLD:
		kind = wire_u8(&w);
		status = wire_u8(&w);
		reply = xstrndup((const char *)w.p, w.left);
		session_told(s, kind, status, reply);
		free(reply);
		break;
	case MSG_COMMITTED:
		session_committed(s, wire_u8(&w) != 0);
		break;
	default:
		session_filter_message(s, m->type, &w);
		break;
	}
}

/* pause smtp, resume smtp */
static void
control(struct dispatcher *d, struct proc_peer from, struct ipc_msg *m)
{
	struct buf b = { 0 };

	if (m->len < 4 || relay_control(&d->relays, from, m))
		return;
	d->paused = m->len >= 5 && m->data[4] == 'p';
	set_accepting(d);
	buf_add(&b, m->data, 4);
	proc_send(d->proc, from.id, from.instance, MSG_CTL_END, &b, -1);
	buf_free(&b);
}

static void
open_sources(struct dispatcher *d, struct ipc_msg *m)
{
	struct err e;

	if (m->fd == -1 || d->sources != NULL)
		return;
	d->sources = sources_open(ipc_take_fd(m), d->proc->instance, &e);
	if (d->sources == NULL)
		log_warn("dispatcher: sessions are not counted: %s", e.msg);
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct dispatcher *d = state_of(p);

	switch (m->type) {
	case MSG_LISTEN:
		if (from.id == PROC_CONTROL)
			take_local(d, m);
		else
			add_listener(d, m);
		break;
	case MSG_OFFLINE:
		take_local(d, m);
		break;
	case MSG_SOURCES:
		open_sources(d, m);
		break;
	case MSG_UNLISTEN:
		unlisten(d);
		break;
	case MSG_DRAIN:
		drain(d);
		break;
	case MSG_MSGIDS:
		take_msgids(d, m);
		break;
	case MSG_ROOM:
		take_room(d, m);
		break;
	case MSG_EXPANDED:
	case MSG_AUTHED:
	case MSG_TABLE_TOLD:
	case MSG_FILE:
	case MSG_COMMITTED:
	case MSG_FILTER_ANSWER:
	case MSG_FILTER_OUTPUT:
	case MSG_FILTER_CREDIT:
	case MSG_FILTER_LOST:
	case MSG_FILTER_TESTED:
		for_session(d, m);
		break;
	case MSG_FILTER_STATE:
		report_state(d, m);
		check_filters(d);
		break;
	case MSG_RELAY:
	case MSG_WAY_FOUND:
	case MSG_BODY:
		relay_message(&d->relays, m);
		break;
	case MSG_RESOLVED:
		ask_answered(d, m);
		break;
	case MSG_CTL:
		control(d, from, m);
		break;
	default:
		log_warn("dispatcher: message %u from the %s", m->type,
		    proc_name(from.id));
		break;
	}
}

/* The filter process died: what was filtered can't be any more. */
static void
lose_filters(struct dispatcher *d)
{
	struct session *s, *next;

	report_lost_states(d);
	for (s = RB_MIN(sessions, &d->sessions); s != NULL; s = next) {
		next = RB_NEXT(sessions, &d->sessions, s);
		if (s->filter.reporter.begun)
			session_filter_lost(s, "process");
	}
}

static void
peer_gone(struct proc *p, struct proc_peer peer)
{
	struct dispatcher *d = p->state;
	struct session *s, *next;

	if (d != NULL && peer.id == PROC_LOOKUP)
		relay_lost_lookup(&d->relays);
	if (d != NULL && peer.id == PROC_RESOLVER)
		ask_lost(d);
	if (d != NULL && peer.id == PROC_FILTER)
		lose_filters(d);
	if (d == NULL || (peer.id != PROC_LOOKUP && peer.id != PROC_QUEUE))
		return;
	for (s = RB_MIN(sessions, &d->sessions); s != NULL; s = next) {
		next = RB_NEXT(sessions, &d->sessions, s);
		session_lost_peer(s, peer.id == PROC_LOOKUP);
	}
}

static void
reload(struct proc *p)
{
	load_certs(p);
	check_filters(state_of(p));
}

const struct proc_ops dispatcher_ops = {
	.id = PROC_DISPATCHER,
	.start = start,
	.message = message,
	.peer_gone = peer_gone,
	.reload = reload,
};
