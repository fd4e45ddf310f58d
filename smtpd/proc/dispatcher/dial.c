/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/mem.h"

#include "smtpd/proc/dispatcher/dial.h"

#define STAGGER_US 250000

struct attempt {
	struct dial *dial;
	int fd; /* -1: not open */
	struct event *writable;
};

struct dial {
	struct event_base *base;
	struct dns_address addresses[DNS_ADDRESSES_MAX];
	int errors[DNS_ADDRESSES_MAX];
	struct attempt attempts[DNS_ADDRESSES_MAX];
	size_t n, next, open;
	uint16_t port;
	bool bound;
	struct dns_address source;
	struct event *stagger, *limit;
	dial_cb *cb;
	void *arg;
};

void
dial_interleave(struct dns_address *addresses, size_t n)
{
	struct dns_address sorted[DNS_ADDRESSES_MAX];
	size_t next[2] = { 0, 0 }, want = 16;

	if (n > DNS_ADDRESSES_MAX)
		n = DNS_ADDRESSES_MAX;
	for (size_t i = 0; i < n; i++) {
		size_t *k = &next[want == 16];

		while (*k < n && addresses[*k].len != want)
			(*k)++;
		if (*k == n) {
			/* None of that family is left. */
			want = 20 - want;
			k = &next[want == 16];
			while (addresses[*k].len != want)
				(*k)++;
		}
		sorted[i] = addresses[(*k)++];
		want = 20 - want;
	}
	if (n > 0)
		memcpy(addresses, sorted, n * sizeof(*sorted));
}

static void
close_attempt(struct attempt *a)
{
	if (a->writable != NULL)
		event_free(a->writable);
	a->writable = NULL;
	if (a->fd != -1)
		close(a->fd);
	a->fd = -1;
}

void
dial_cancel(struct dial *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++)
		close_attempt(&d->attempts[i]);
	event_free(d->stagger);
	event_free(d->limit);
	free(d);
}

static void
finish(struct dial *d, int fd, size_t which)
{
	int errors[DNS_ADDRESSES_MAX];
	dial_cb *cb = d->cb;
	void *arg = d->arg;

	memcpy(errors, d->errors, sizeof(errors));
	if (fd != -1)
		d->attempts[which].fd = -1;
	dial_cancel(d);
	cb(arg, fd, which, errors);
}

static void start_next(struct dial *d);

static void
fail_attempt(struct attempt *a, int error)
{
	struct dial *d = a->dial;

	d->errors[a - d->attempts] = error;
	close_attempt(a);
	d->open--;
	if (d->next < d->n)
		start_next(d);
	else if (d->open == 0)
		finish(d, -1, 0);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0)
		fail_attempt(a, error);
	else
		finish(a->dial, a->fd, (size_t)(a - a->dial->attempts));
}

static int
open_attempt(struct dial *d, struct attempt *a, const struct dns_address *to)
{
	struct sockaddr_storage ss;
	socklen_t len;

	a->fd = socket(to->len == 16 ? AF_INET6 : AF_INET,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd == -1)
		return -1;
	if (d->bound) {
		len = dns_sockaddr(&d->source, 0, &ss);
		if (bind(a->fd, (struct sockaddr *)&ss, len) == -1)
			return -1;
	}
	len = dns_sockaddr(to, d->port, &ss);
	if (connect(a->fd, (struct sockaddr *)&ss, len) == -1 &&
	    errno != EINPROGRESS)
		return -1;
	return 0;
}

static void
start_next(struct dial *d)
{
	static const struct timeval stagger = { 0, STAGGER_US };
	struct attempt *a = &d->attempts[d->next];

	d->open++;
	if (open_attempt(d, a, &d->addresses[d->next++]) == -1) {
		fail_attempt(a, errno);
		return;
	}
	a->writable = event_new(d->base, a->fd, EV_WRITE, on_writable, a);
	event_add(a->writable, NULL);
	if (d->next < d->n)
		event_add(d->stagger, &stagger);
}

static void
on_stagger(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;

	(void)fd;
	(void)what;
	if (d->next < d->n)
		start_next(d);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < d->n; i++) {
		if (d->errors[i] == 0)
			d->errors[i] = ETIMEDOUT;
	}
	finish(d, -1, 0);
}

struct dial *
dial_start(struct event_base *base, const struct dns_address *addresses,
    size_t n, uint16_t port, const struct dns_address *source,
    unsigned patience, dial_cb *cb, void *arg)
{
	struct timeval limit = { (time_t)patience, 0 };
	struct dial *d = xcalloc(1, sizeof(*d));

	d->base = base;
	d->n = n > DNS_ADDRESSES_MAX ? DNS_ADDRESSES_MAX : n;
	memcpy(d->addresses, addresses, d->n * sizeof(*addresses));
	for (size_t i = 0; i < d->n; i++)
		d->attempts[i] = (struct attempt){ d, -1, NULL };
	d->port = port;
	d->bound = source != NULL;
	if (source != NULL)
		d->source = *source;
	d->cb = cb;
	d->arg = arg;
	d->stagger = event_new(base, -1, 0, on_stagger, d);
	d->limit = event_new(base, -1, 0, on_limit, d);
	event_add(d->limit, &limit);
	event_active(d->stagger, 0, 0);
	return d;
}
