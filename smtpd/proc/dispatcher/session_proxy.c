/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session, behind a proxy: its header, before anything else is read.
 *
 * The header is looked at where it lies and then taken to its last byte: what
 * follows may be TLS, which is for other eyes.
 */
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "lib/log.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/session.h"
#include "smtpd/smtp/proxy.h"

#define PROXY_TIME 5 /* seconds */

static void
wait_for_more(struct session *s, int wanted)
{
	/* What is there already must not wake us again. */
	setsockopt(bufferevent_getfd(s->bev), SOL_SOCKET, SO_RCVLOWAT, &wanted,
	    sizeof(wanted));
	event_add(s->proxy, NULL);
}

static void
refuse(struct session *s, const char *reason)
{
	evutil_socket_t fd = bufferevent_getfd(s->bev);
	uint8_t bytes[PROXY_HEADER_MAX];

	/* Closed with bytes unread, it would be a reset. */
	while (recv(fd, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes))
		continue;
	session_fail(s, reason);
}

/* The session counts as its client's from now on.  False: that has enough. */
static bool
take_seat(struct session *s, const struct proxy_header *h)
{
	struct dispatcher *d = s->dispatcher;
	bool source;

	sources_leave(d->sources, &s->seat);
	if (sources_enter(d->sources,
		h->local ? NULL : (const struct sockaddr *)&h->src,
		&s->setup->conf->limits, &s->seat, &source))
		return true;
	log_info("%016llx smtp refused address=%s reason=too-many%s",
	    (unsigned long long)s->id, s->source, source ? "-of-source" : "");
	if (s->listen->tls == CONF_TLS_IMPLICIT) {
		session_fail(s, "too-many");
		return false;
	}
	bufferevent_enable(s->bev, EV_WRITE);
	session_say_last(
	    s, source ? SESSION_TOO_MANY_OF_SOURCE : SESSION_TOO_MANY);
	return false;
}

static void
on_header(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	const int any = 1;
	uint8_t bytes[PROXY_HEADER_MAX];
	struct proxy_header h;
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK);

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		wait_for_more(s, 1);
		return;
	}
	if (n <= 0) {
		session_fail(s, "no-proxy-header");
		return;
	}
	switch (proxy_parse(bytes, (size_t)n, &h)) {
	case PROXY_MORE:
		wait_for_more(s, (int)n + 1);
		return;
	case PROXY_BAD:
		refuse(s, "bad-proxy-header");
		return;
	case PROXY_OK:
		break;
	}
	if (recv(fd, bytes, h.len, 0) != (ssize_t)h.len) {
		session_fail(s, "bad-proxy-header");
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &any, sizeof(any));
	if (!h.local) {
		session_set_source(s, (const struct sockaddr *)&h.src);
		session_set_ends(s, (const struct sockaddr *)&h.src,
		    (const struct sockaddr *)&h.dst);
	}
	s->wait = SESSION_GO;
	if (!take_seat(s, &h))
		return;
	session_open(s);
}

void
session_await_proxy(struct session *s)
{
	s->proxy = event_new(s->dispatcher->proc->base,
	    bufferevent_getfd(s->bev), EV_READ, on_header, s);
	s->wait = SESSION_WAIT_PROXY;
	session_clock(s, PROXY_TIME);
	wait_for_more(s, 1);
}
