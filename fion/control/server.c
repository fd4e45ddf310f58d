/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "fion/control/request.h"
#include "fion/control/server.h"

struct peer {
	int fd; /* -1: free */
	bool subscribed;
	bool ending;             /* once all is written */
	struct server_wait wait; /* of the first line of in */
	struct buf in, out;
};

struct server {
	int fd;
	char *path;
	server_line_cb line;
	void *ctx;
	struct peer peers[SERVER_PEERS];
};

/* Who may write there could put a socket of his own in our place. */
static int
check_folder(const char *path, struct err *e)
{
	char *dir = xstrdup(path);
	struct stat st;
	int rc = -1;

	*strrchr(dir, '/') = '\0';
	if (lstat(dir, &st) == -1)
		err_sys(e, "%s", dir);
	else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022) != 0)
		err_set(e, ERR_DENIED,
		    "%s: not a directory that only you may write into", dir);
	else
		rc = 0;
	free(dir);
	return rc;
}

static int
listen_at(const char *path, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (check_folder(path, e) == -1)
		return -1;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(e, ERR_LIMIT, "%s: the path is too long", path);
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		err_sys(e, "socket");
		return -1;
	}
	/* We are the window manager of this display: the path is ours. */
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(path, 0600) == -1 || listen(fd, 64) == -1) {
		err_sys(e, "%s", path);
		close(fd);
		return -1;
	}
	return fd;
}

struct server *
server_open(const char *path, server_line_cb line, void *ctx, struct err *e)
{
	int fd = listen_at(path, e);
	struct server *s;

	if (fd == -1)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->fd = fd;
	s->path = xstrdup(path);
	s->line = line;
	s->ctx = ctx;
	for (size_t i = 0; i < SERVER_PEERS; i++)
		s->peers[i].fd = -1;
	return s;
}

static void
drop(struct peer *p)
{
	close(p->fd);
	buf_free(&p->in);
	buf_free(&p->out);
	memset(p, 0, sizeof(*p));
	p->fd = -1;
}

void
server_close(struct server *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < SERVER_PEERS; i++)
		if (s->peers[i].fd != -1)
			drop(&s->peers[i]);
	close(s->fd);
	unlink(s->path);
	free(s->path);
	free(s);
}

size_t
server_polls(const struct server *s, struct pollfd *p)
{
	size_t n = 0;

	p[n++] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
	for (size_t i = 0; i < SERVER_PEERS; i++) {
		const struct peer *peer = &s->peers[i];

		if (peer->fd == -1)
			continue;
		p[n++] = (struct pollfd){ .fd = peer->fd,
			.events =
			    (short)((peer->ending || peer->wait.tries > 0 ?
					    0 :
					    POLLIN) |
				(peer->out.len > 0 ? POLLOUT : 0)) };
	}
	return n;
}

static void
flush(struct peer *p)
{
	while (p->out.len > 0) {
		ssize_t n = send(p->fd, p->out.data, p->out.len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			buf_consume(&p->out, (size_t)n);
		} else if (errno == EINTR) {
			continue;
		} else if (errno == EAGAIN) {
			if (p->out.len > SERVER_QUEUE)
				drop(p);
			return;
		} else {
			drop(p);
			return;
		}
	}
	if (p->ending)
		drop(p);
}

static void
say(struct peer *p, const char *line)
{
	buf_add_str(&p->out, line);
	buf_add_u8(&p->out, '\n');
	flush(p);
}

static void
admit(struct server *s)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1 ||
	    (who.uid != geteuid() && who.uid != 0)) {
		close(fd);
		return;
	}
	for (size_t i = 0; i < SERVER_PEERS; i++) {
		if (s->peers[i].fd == -1) {
			s->peers[i].fd = fd;
			return;
		}
	}
	close(fd);
}

/* Every whole line that has come, up to one whose answer is to wait. */
static void
take_lines(struct server *s, struct peer *p)
{
	const uint8_t *nl;

	while (p->fd != -1 && p->in.len > 0 &&
	    (nl = memchr(p->in.data, '\n', p->in.len)) != NULL) {
		size_t len = (size_t)(nl - p->in.data);
		bool subscribe = false;
		char *text = xstrndup((const char *)p->in.data, len), *answer;

		answer = s->line(s->ctx, text, len, &p->wait, &subscribe);
		free(text);
		if (answer == NULL) {
			p->wait.tries++;
			return;
		}
		/* What the line made happen was told: it may be gone by now. */
		if (p->fd != -1) {
			buf_consume(&p->in, len + 1);
			memset(&p->wait, 0, sizeof(p->wait));
			p->subscribed = p->subscribed || subscribe;
			say(p, answer);
		}
		free(answer);
	}
	if (p->fd != -1 && p->in.len > REQUEST_BYTES)
		drop(p);
}

static void
hear(struct server *s, struct peer *p)
{
	uint8_t data[16384];
	ssize_t n = recv(p->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n > 0) {
		buf_add(&p->in, data, (size_t)n);
		take_lines(s, p);
	} else if (n == 0 && p->out.len > 0) {
		p->ending = true;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		drop(p);
	}
}

void
server_serve(struct server *s, const struct pollfd *p, size_t n)
{
	for (size_t i = 0; i < SERVER_PEERS; i++)
		if (s->peers[i].wait.tries > 0)
			take_lines(s, &s->peers[i]);
	for (size_t i = 1; i < n; i++) {
		struct peer *peer = NULL;

		for (size_t k = 0; k < SERVER_PEERS; k++)
			if (s->peers[k].fd == p[i].fd)
				peer = &s->peers[k];
		if (peer == NULL || p[i].revents == 0)
			continue;
		if ((p[i].revents & POLLOUT) != 0)
			flush(peer);
		if (peer->fd != -1 && !peer->ending &&
		    (p[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			hear(s, peer);
		else if (peer->fd != -1 &&
		    (p[i].revents & (POLLHUP | POLLERR)) != 0)
			drop(peer);
	}
	if (p[0].revents != 0)
		admit(s);
}

bool
server_has_subscribers(const struct server *s)
{
	for (size_t i = 0; s != NULL && i < SERVER_PEERS; i++)
		if (s->peers[i].fd != -1 && s->peers[i].subscribed)
			return true;
	return false;
}

void
server_publish(struct server *s, const char *line)
{
	for (size_t i = 0; i < SERVER_PEERS; i++)
		if (s->peers[i].fd != -1 && s->peers[i].subscribed)
			say(&s->peers[i], line);
}
