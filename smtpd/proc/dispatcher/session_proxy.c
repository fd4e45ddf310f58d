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

#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/session.h"
#include "smtpd/smtp/proxy.h"

#define PROXY_TIME 5 /* seconds */

static void
wait_for_more(struct session *s, int wanted)
{
	const struct timeval tv = { PROXY_TIME, 0 };

	/* What is there already must not wake us again. */
	setsockopt(bufferevent_getfd(s->bev), SOL_SOCKET, SO_RCVLOWAT, &wanted,
	    sizeof(wanted));
	event_add(s->proxy, &tv);
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

static void
on_header(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	const int any = 1;
	uint8_t bytes[PROXY_HEADER_MAX];
	struct proxy_header h;
	ssize_t n = (what & EV_TIMEOUT) != 0 ?
	    0 :
	    recv(fd, bytes, sizeof(bytes), MSG_PEEK);

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
	session_open(s);
}

void
session_await_proxy(struct session *s)
{
	s->proxy = event_new(s->dispatcher->proc->base,
	    bufferevent_getfd(s->bev), EV_READ, on_header, s);
	wait_for_more(s, 1);
}
