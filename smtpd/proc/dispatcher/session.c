/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/certs.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/trace.h"

#include "smtpd/proc/dispatcher/session.h"

#define OUTPUT_HIGH    32768 /* replies not read yet: no more commands then */
#define INPUT_HIGH     65536
#define REPLY_LINE_MAX 1024
#define DATA_PACE      1000 /* bytes of a message that win it more time */

const char *
session_hostname(const struct session *s)
{
	if (s->name != NULL)
		return s->name;
	return s->listen != NULL && s->listen->hostname != NULL ?
	    s->listen->hostname :
	    s->setup->hostname;
}

void
session_say(struct session *s, const char *fmt, ...)
{
	char line[REPLY_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	trace(TRACE_SMTP, "%016llx smtp reply %s", (unsigned long long)s->id,
	    line);
	evbuffer_add_printf(bufferevent_get_output(s->bev), "%s\r\n", line);
	reporter_say(&s->filter.reporter, FILTER_PROTOCOL_SERVER, line, NULL);
}

void
session_reply(struct session *s, const char *line)
{
	session_say(s, "%s", line);
	if (line[0] == '4' || line[0] == '5')
		log_info("%016llx smtp failed-command result=\"%s\"",
		    (unsigned long long)s->id, line);
}

void
session_free(struct session *s)
{
	struct dispatcher *d = s->dispatcher;

	session_end_transaction(s, true);
	session_filter_free(s);
	free(s->mail_arg);
	ask_cancel(s->ask);
	RB_REMOVE(sessions, &d->sessions, s);
	sources_leave(d->sources, &s->seat);
	d->n_sessions--;
	proc_count(d->proc, "smtp.session", -1);
	if (s->proxy != NULL)
		event_free(s->proxy);
	event_free(s->clock);
	if (s->tls[0] != '\0')
		session_end_tls(s);
	bufferevent_free(s->bev);
	buf_free(&s->submitted);
	buf_free(&s->decoded);
	buf_free(&s->message);
	session_auth_free(s);
	certs_unref(s->certs);
	setup_unref(s->setup);
	free(s);
	dispatcher_session_gone(d);
}

void
session_fail(struct session *s, const char *reason)
{
	log_info("%016llx smtp disconnected reason=%s",
	    (unsigned long long)s->id, reason);
	session_free(s);
}

void
session_end_transaction(struct session *s, bool rollback)
{
	struct buf b = { 0 };

	if (rollback && s->in_mail && s->n_envelopes > 0) {
		wire_put_u32(&b, s->msgid);
		proc_send(
		    s->dispatcher->proc, PROC_QUEUE, 0, MSG_ROLLBACK, &b, -1);
		buf_free(&b);
	}
	session_report_end(s);
	s->in_mail = s->in_chunks = s->committed = false;
	s->filter.junk_mail = s->filter.streaming = false;
	s->msgid = 0;
	s->n_rcpts = s->n_envelopes = 0;
	s->header_done = s->loop = s->bad_header = s->no_room = false;
	s->file_len = 0;
	if (s->file != -1)
		close(s->file);
	s->file = -1;
	buf_free(&s->submitted);
	buf_free(&s->decoded);
	buf_free(&s->message);
}

void
session_say_last(struct session *s, const char *line)
{
	session_reply(s, line);
	s->ending = true;
	session_clock(s, UINT_MAX);
	bufferevent_disable(s->bev, EV_READ);
}

void
session_shutdown(struct session *s)
{
	if (!s->ending)
		session_say_last(s, "421 4.3.2 Service shutting down");
}

/*
 * One command line out of the input; false when there is none yet.  Only
 * CR LF ends a line: a bare LF, a stray CR or a NUL ends the session.
 */
static bool
read_command(struct session *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	struct evbuffer_ptr lf = evbuffer_search(in, "\n", 1, NULL);
	char line[SMTP_COMMAND_MAX + 3];
	size_t len;

	if ((lf.pos == -1 && evbuffer_get_length(in) > SMTP_COMMAND_MAX + 2) ||
	    lf.pos > SMTP_COMMAND_MAX + 1) {
		session_say_last(s, "500 5.5.2 Line too long");
		return false;
	}
	if (lf.pos == -1)
		return false;
	len = (size_t)lf.pos + 1;
	/* It may be a password's: no copy is left behind. */
	memcpy(line, evbuffer_pullup(in, (ev_ssize_t)len), len);
	explicit_bzero(evbuffer_pullup(in, (ev_ssize_t)len), len);
	evbuffer_drain(in, len);
	line[len] = '\0';
	if (len < 2 || line[len - 2] != '\r' || strlen(line) != len ||
	    strchr(line, '\r') != line + len - 2) {
		session_say_last(
		    s, "500 5.5.2 Bare CR, LF or NUL in a command");
		return false;
	}
	line[len - 2] = '\0';
	trace(TRACE_SMTP, "%016llx smtp command %s", (unsigned long long)s->id,
	    s->state == SESSION_AUTH              ? "********" :
		strncasecmp(line, "AUTH", 4) == 0 ? "AUTH ********" :
						    line);
	if (s->state == SESSION_AUTH)
		session_auth_line(s, line);
	else
		session_command(s, line);
	explicit_bzero(line, len);
	return true;
}

const char *
session_host(const struct session *s)
{
	return s->fcrdns == DNS_OK ? s->rdns : "<unknown>";
}

static void
connect_filtered(struct session *s, const char *param)
{
	char banner[SETUP_HOSTNAME_MAX + 64];

	(void)param;
	snprintf(
	    banner, sizeof(banner), "220 %s ESMTP maison", session_hostname(s));
	session_reply(s, banner);
	reporter_say(&s->filter.reporter, FILTER_LINK_GREETING,
	    session_hostname(s), NULL);
}

static void
greet(struct session *s)
{
	char param[DNS_NAME_MAX + sizeof(s->source) + 8];
	bool v6 = strchr(s->source, ':') != NULL;

	log_info("%016llx smtp connected address=%s host=%s",
	    (unsigned long long)s->id, s->source, s->rdns);
	if (!session_filter_begin(s))
		return;
	reporter_say(&s->filter.reporter, FILTER_LINK_CONNECT, s->rdns,
	    s->fcrdns == DNS_OK        ? "pass" :
		s->fcrdns == DNS_LATER ? "error" :
					 "fail",
	    s->source_text, s->dest_text, NULL);
	snprintf(param, sizeof(param), "%s|%s%s%s", s->rdns, v6 ? "[" : "",
	    s->source, v6 ? "]" : "");
	if (s->tls[0] != '\0')
		reporter_say(
		    &s->filter.reporter, FILTER_LINK_TLS, s->tls, NULL);
	session_filter(s, FILTER_CONNECT, param, connect_filtered);
}

static void
on_rdns(void *arg, const struct dns_answer *a)
{
	struct session *s = arg;

	s->ask = NULL;
	s->fcrdns = a->status;
	snprintf(s->rdns, sizeof(s->rdns), "%s",
	    a->n > 0 ? a->hosts[0].name : "<unknown>");
	if (s->wait != SESSION_WAIT_RDNS || s->ending)
		return;
	s->wait = SESSION_GO;
	greet(s);
	session_run(s);
}

void
session_clock(struct session *s, unsigned most)
{
	unsigned own = s->setup->session_time;
	const struct timeval tv = { (time_t)(own < most ? own : most), 0 };

	s->paced = 0;
	event_add(s->clock, &tv);
}

/* The banner waits for our name, if tables have it, and the client's. */
static void
identify(struct session *s)
{
	s->state = SESSION_COMMAND;
	session_clock(s, UINT_MAX);
	if (!session_ask_name(s))
		session_identify(s);
}

void
session_identify(struct session *s)
{
	if (s->local) {
		snprintf(s->rdns, sizeof(s->rdns), "%s", s->setup->hostname);
		s->fcrdns = DNS_OK;
		greet(s);
		return;
	}
	s->wait = SESSION_WAIT_RDNS;
	s->ask = ask_dns(s->dispatcher, DNS_PTR, s->source, "", on_rdns, s);
}

void
session_set_source(struct session *s, const struct sockaddr *sa)
{
	if (sa->sa_family == AF_UNIX)
		snprintf(s->source, sizeof(s->source), "local");
	else if (getnameinfo(sa,
		     sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) :
						sizeof(struct sockaddr_in6),
		     s->source, sizeof(s->source), NULL, 0,
		     NI_NUMERICHOST) != 0)
		snprintf(s->source, sizeof(s->source), "0.0.0.0");
	/* A link-local address is matched, looked up and written without the
	 * name of its interface (RFC 5321, 4.1.3). */
	s->source[strcspn(s->source, "%")] = '\0';
}

/* Whether lines come next, and not a message. */
static bool
in_lines(enum session_state state)
{
	return state == SESSION_COMMAND || state == SESSION_AUTH;
}

/* Use input once; false when more is needed. */
static bool
use_input(struct session *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	enum session_state state = s->state;
	size_t had = evbuffer_get_length(in);
	bool more = false;

	switch (state) {
	case SESSION_COMMAND:
	case SESSION_AUTH:
		more = read_command(s);
		break;
	case SESSION_DATA:
		more = session_read_data(s);
		break;
	case SESSION_CHUNK:
		more = session_read_chunk(s);
		break;
	}
	s->paced += had - evbuffer_get_length(in);
	if (in_lines(state) || in_lines(s->state) ? more :
						    s->paced >= DATA_PACE)
		session_clock(s, UINT_MAX);
	return more;
}

void
session_run(struct session *s)
{
	struct evbuffer *out = bufferevent_get_output(s->bev);
	bool more = true;

	if (s->waited && s->wait == SESSION_GO)
		session_clock(s, UINT_MAX);
	while (more && s->wait == SESSION_GO && !s->ending &&
	    evbuffer_get_length(out) < OUTPUT_HIGH) {
		if (s->state == SESSION_COMMAND && s->dispatcher->draining &&
		    !s->in_mail) {
			session_shutdown(s);
			return;
		}
		more = use_input(s);
	}
	s->waited = s->wait != SESSION_GO;
}

/*
 * The library reads 4 KiB at a time, with three calls of the system for each:
 * of a message, take what else is there, as it would.  An end or an error is
 * left to its next read.
 */
static void
read_more(struct session *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	size_t len = evbuffer_get_length(in);
	struct evbuffer_iovec v;
	ssize_t n;

	if (len >= INPUT_HIGH || bufferevent_openssl_get_ssl(s->bev) != NULL)
		return;
	evbuffer_unfreeze(in, 0);
	if (evbuffer_reserve_space(in, (ev_ssize_t)(INPUT_HIGH - len), &v, 1) ==
	    1) {
		n = read(
		    bufferevent_getfd(s->bev), v.iov_base, INPUT_HIGH - len);
		v.iov_len = n > 0 ? (size_t)n : 0;
		evbuffer_commit_space(in, &v, 1);
	}
	evbuffer_freeze(in, 0);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct session *s = arg;

	(void)bev;
	if (s->wait == SESSION_GO &&
	    (s->state == SESSION_DATA || s->state == SESSION_CHUNK))
		read_more(s);
	session_run(s);
}

/* All replies have been taken by the system. */
static void
on_written(struct bufferevent *bev, void *arg)
{
	struct session *s = arg;

	(void)bev;
	if (s->ending)
		session_fail(s, s->reason == NULL ? "quit" : s->reason);
	else if (s->wait == SESSION_WAIT_TLS && !s->shaking)
		session_begin_tls(s);
	else
		session_run(s);
}

/* After STARTTLS: the client speaks first. */
static void
go_on(struct session *s)
{
	session_clock(s, UINT_MAX);
	session_run(s);
}

/* A last word to one that says nothing, but not to one that hears nothing. */
static void
time_out(struct session *s)
{
	if (s->ending) {
		session_fail(s, s->reason == NULL ? "quit" : s->reason);
		return;
	}
	reporter_say(&s->filter.reporter, FILTER_TIMEOUT, NULL);
	if (evbuffer_get_length(bufferevent_get_output(s->bev)) > 0) {
		session_fail(s, "timeout");
		return;
	}
	s->reason = "timeout";
	session_say_last(s, "421 4.4.2 Timeout");
}

static void
on_clock(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (s->wait == SESSION_WAIT_PROXY)
		session_fail(s, "no-proxy-header");
	else if (s->shaking)
		session_fail(s, "tls-timeout");
	else if (s->wait == SESSION_GO || s->wait == SESSION_WAIT_TLS ||
	    s->ending)
		time_out(s);
	else
		session_clock(s, UINT_MAX);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct session *s = arg;

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		session_tls_done(s);
		if (s->listen->tls == CONF_TLS_IMPLICIT)
			identify(s);
		else
			go_on(s);
	} else if (s->shaking) {
		session_tls_failed(s);
	} else {
		session_fail(s, "disconnect");
	}
}

void
session_attach(struct session *s, struct bufferevent *bev)
{
	s->bev = bev;
	bufferevent_setcb(bev, on_read, on_written, on_event, s);
	bufferevent_setwatermark(bev, EV_READ, 0, INPUT_HIGH);
}

void
session_open(struct session *s)
{
	if (s->listen != NULL && s->listen->tls == CONF_TLS_IMPLICIT) {
		session_begin_tls(s);
		return;
	}
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	identify(s);
}

void
session_new(
    struct dispatcher *d, evutil_socket_t fd, const struct session_origin *from)
{
	const struct conf_listen *listen = from->listen;
	const struct sockaddr *sa = from->sa;
	struct session *s = xcalloc(1, sizeof(*s));
	const int on = 1;

	s->dispatcher = d;
	s->number = ++d->last_number;
	s->id = (uint64_t)arc4random() << 32 | arc4random();
	s->setup = setup_ref(d->proc->setup);
	s->listen = listen;
	s->local = sa == NULL;
	s->file = -1;
	s->seat = from->seat;
	if (from->offline != NULL)
		snprintf(s->offline, sizeof(s->offline), "%s", from->offline);
	evutil_make_socket_nonblocking(fd);
	if (sa == NULL) {
		snprintf(s->source, sizeof(s->source), "local");
	} else {
		session_set_source(s, sa);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	s->certs = certs_ref(d->certs);
	s->clock = evtimer_new(d->proc->base, on_clock, s);
	session_attach(s,
	    bufferevent_socket_new(d->proc->base, fd, BEV_OPT_CLOSE_ON_FREE));
	session_set_ends(s, sa, NULL);
	RB_INSERT(sessions, &d->sessions, s);
	d->n_sessions++;
	proc_count(d->proc, "smtp.session", 1);
	proc_count(d->proc, "smtp.session.opened", 1);
	if (listen != NULL && listen->proxy)
		session_await_proxy(s);
	else
		session_open(s);
}

void
session_lost_peer(struct session *s, bool lookup)
{
	bool waits_lookup = s->wait == SESSION_WAIT_RCPT ||
	    s->wait == SESSION_WAIT_AUTH || s->wait == SESSION_WAIT_TABLE ||
	    (s->wait == SESSION_WAIT_FILTER && s->filter.testing);
	bool waits_queue = s->wait == SESSION_WAIT_FILE ||
	    s->wait == SESSION_WAIT_COMMIT || s->wait == SESSION_WAIT_MSGID;

	/* The lookup's envelopes may have been lost with it. */
	if ((lookup && s->n_envelopes > 0 && !waits_queue) ||
	    (lookup && waits_lookup) || (!lookup && waits_queue))
		session_say_last(s, "421 4.3.0 Temporary failure");
}
