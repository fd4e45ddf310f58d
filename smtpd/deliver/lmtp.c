/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * LMTP, as a client (RFC 2033).  A connection is kept for the next message.
 * Once the reply to the final dot has come, the message is delivered,
 * whatever happens to the connection after.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "smtpd/deliver/methods.h"

#define TIMEOUT   300 /* seconds, for each step */
#define REPLY_MAX 4096

struct lmtp {
	int fd;
	char *target;
	struct buf in;
};

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

void
lmtp_close(struct lmtp *l)
{
	if (l == NULL)
		return;
	close(l->fd);
	free(l->target);
	buf_free(&l->in);
	free(l);
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* "host:port", with the host in brackets when it is an IPv6 address. */
static int
connect_tcp(const char *target)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *ai;
	struct timeval tv = { TIMEOUT, 0 };
	const char *colon = strrchr(target, ':');
	char *host;
	size_t len;
	int fd = -1;

	if (colon == NULL) {
		errno = EINVAL;
		return -1;
	}
	len = (size_t)(colon - target);
	host = len >= 2 && target[0] == '[' && target[len - 1] == ']' ?
	    xstrndup(target + 1, len - 2) :
	    xstrndup(target, len);
	if (getaddrinfo(host, colon + 1, &hints, &all) != 0) {
		free(host);
		errno = EADDRNOTAVAIL;
		return -1;
	}
	for (ai = all; ai != NULL && fd == -1; ai = ai->ai_next) {
		fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		if (connect(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	free(host);
	return fd;
}

/* Whether there is something to read before the deadline. */
static bool
await(const struct lmtp *l, time_t deadline)
{
	struct pollfd p = { l->fd, POLLIN, 0 };
	time_t left = deadline - now();
	int rc;

	do
		rc = left <= 0 ? 0 : poll(&p, 1, (int)left * 1000);
	while (rc == -1 && errno == EINTR);
	return rc == 1;
}

/* One line of a reply into line, without its end. */
static bool
read_line(struct lmtp *l, time_t deadline, char *line)
{
	for (;;) {
		uint8_t *lf =
		    l->in.len == 0 ? NULL : memchr(l->in.data, '\n', l->in.len);
		ssize_t n;

		if (lf != NULL) {
			size_t len = (size_t)(lf - l->in.data), kept = len;

			if (kept > 0 && l->in.data[kept - 1] == '\r')
				kept--;
			if (kept >= DELIVERY_STATUS_MAX)
				kept = DELIVERY_STATUS_MAX - 1;
			memcpy(line, l->in.data, kept);
			line[kept] = '\0';
			buf_consume(&l->in, len + 1);
			return true;
		}
		if (l->in.len > REPLY_MAX || !await(l, deadline))
			return false;
		n = read(l->fd, buf_reserve(&l->in, 1024), 1024);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		l->in.len += (size_t)n;
	}
}

/*
 * The last line of a reply, all of it in one step's time; its first digit, or
 * 0 for a lost connection.
 */
static int
read_reply(struct lmtp *l, char *line)
{
	time_t deadline = now() + TIMEOUT;

	do {
		if (!read_line(l, deadline, line)) {
			snprintf(line, DELIVERY_STATUS_MAX,
			    "451 LMTP: connection lost");
			return 0;
		}
	} while (strlen(line) >= 4 && line[3] == '-');
	if (strlen(line) < 3 || line[0] < '2' || line[0] > '5') {
		snprintf(
		    line, DELIVERY_STATUS_MAX, "451 LMTP: a strange reply");
		return 0;
	}
	return line[0] - '0';
}

static int
command(struct lmtp *l, const struct buf *b, char *line)
{
	struct err e;

	if (fs_write_all(l->fd, b->data, b->len, &e) == -1) {
		snprintf(
		    line, DELIVERY_STATUS_MAX, "451 LMTP: connection lost");
		return 0;
	}
	return read_reply(l, line);
}

static struct lmtp *
open_lmtp(const char *target, char *line)
{
	struct timeval tv = { TIMEOUT, 0 };
	struct buf b = { 0 };
	struct lmtp *l;
	int fd = target[0] == '/' ? connect_unix(target) : connect_tcp(target);

	if (fd == -1) {
		snprintf(line, DELIVERY_STATUS_MAX, "451 LMTP %.300s: %s",
		    target, strerror(errno));
		return NULL;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	l = xcalloc(1, sizeof(*l));
	l->fd = fd;
	l->target = xstrdup(target);
	buf_add_str(&b, "LHLO localhost\r\n");
	if (read_reply(l, line) != 2 || command(l, &b, line) != 2) {
		lmtp_close(l);
		l = NULL;
	}
	buf_free(&b);
	return l;
}

/* The message with CR LF, dots stuffed, and the end. */
static bool
add_data(const struct delivery *d, struct buf *out)
{
	struct buf text = { 0 }, keep = { 0 };
	const uint8_t *body;
	size_t len;
	bool ok = delivery_body(d, &keep, &body, &len), start = true;

	delivery_trace(d, &text);
	if (ok)
		buf_add(&text, body, len);
	for (size_t i = 0; i < text.len; i++) {
		if (start && text.data[i] == '.')
			buf_add_u8(out, '.');
		start = text.data[i] == '\n';
		if (start)
			buf_add_u8(out, '\r');
		buf_add_u8(out, text.data[i]);
	}
	buf_add_str(out, start ? ".\r\n" : "\r\n.\r\n");
	buf_free(&text);
	buf_free(&keep);
	return ok;
}

/* The first digit of the reply that decided. */
static int
transact(struct lmtp *l, const struct delivery *d, char *line)
{
	char text[ADDRESS_TEXT_LEN];
	struct buf b = { 0 };
	int rc;

	buf_printf(&b, "MAIL FROM:<%s>\r\n", address_text(&d->sender, text));
	rc = command(l, &b, line);
	buf_reset(&b);
	buf_printf(&b, "RCPT TO:<%s>\r\n",
	    d->lmtp_rcpt_to ? address_text(&d->dest, text) : d->user);
	if (rc == 2)
		rc = command(l, &b, line);
	buf_reset(&b);
	buf_add_str(&b, "DATA\r\n");
	if (rc == 2)
		rc = command(l, &b, line);
	if (rc == 3) {
		buf_reset(&b);
		rc = add_data(d, &b) ? command(l, &b, line) : 0;
	} else if (rc == 2) {
		rc = 0;
	}
	buf_free(&b);
	return rc;
}

enum delivery_status
lmtp_deliver(struct lmtp **kept, const struct delivery *d, char *line)
{
	struct lmtp *l = *kept;
	struct buf rset = { 0 };
	int rc;

	*kept = NULL;
	buf_add_str(&rset, "RSET\r\n");
	/* A kept connection may have ended since. */
	if (l != NULL &&
	    (strcmp(l->target, d->target) != 0 ||
		command(l, &rset, line) != 2)) {
		lmtp_close(l);
		l = NULL;
	}
	buf_free(&rset);
	if (l == NULL)
		l = open_lmtp(d->target, line);
	if (l == NULL)
		return line[0] == '5' ? DELIVERY_FAILED : DELIVERY_LATER;
	rc = transact(l, d, line);
	if (rc == 0)
		lmtp_close(l);
	else
		*kept = l;
	return rc == 2 ? DELIVERY_OK :
	    rc == 5    ? DELIVERY_FAILED :
			 DELIVERY_LATER;
}
