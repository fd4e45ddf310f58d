/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/ctl/client.h"

#define FRAME_HEADER 8
#define FRAME_FD     1 /* proc/ipc.h: a descriptor comes with it */

/* A person without a spool of their own means the system's smtpd. */
static char *
socket_path(void)
{
	char *spool, *path;

	setup_paths(&spool, &path);
	free(spool);
	if (getenv("SMTPD_SPOOL") == NULL && access(path, F_OK) == -1) {
		free(path);
		path = xstrdup("/run/smtpd.sock");
	}
	return path;
}

/* Why there was no connection, and what helps. */
static void
explain_errno(struct err *e, const char *path)
{
	switch (errno) {
	case ENOENT:
		err_set(e, ERR_SYSTEM,
		    "smtpd is not running: there is no %s; start it, or set "
		    "SMTPD_SPOOL to the spool of the one that is meant",
		    path);
		break;
	case ECONNREFUSED:
		err_set(e, ERR_SYSTEM,
		    "smtpd is not running: nobody answers at %s, which is "
		    "left over; start it",
		    path);
		break;
	case EACCES:
	case EPERM:
		err_set(e, ERR_DENIED,
		    "no right to connect to %s: be root, or the user that "
		    "started smtpd",
		    path);
		break;
	default:
		err_sys(e, "connect to smtpd at %s", path);
		break;
	}
}

int
client_connect(struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *path = socket_path();
	int fd = -1;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(e, ERR_LIMIT,
		    "%s is too long for a socket: set SMTPD_SPOOL to a "
		    "shorter one",
		    path);
		goto out;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		err_sys(e, "a socket");
	} else if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		explain_errno(e, path);
		close(fd);
		fd = -1;
	}
out:
	free(path);
	return fd;
}

static int
lost(struct err *e)
{
	err_set(e, ERR_SYSTEM,
	    "smtpd closed the connection without an answer: it is stopping, "
	    "or this user has asked too much at once; try again");
	return -1;
}

static int
send_frame(
    int s, unsigned type, const void *data, size_t len, int fd, struct err *e)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct buf b = { 0 };
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int rc = 0;

	wire_put_u32(&b, (uint32_t)len);
	wire_put_u16(&b, (uint16_t)type);
	wire_put_u16(&b, fd == -1 ? 0 : FRAME_FD);
	buf_add(&b, data, len);
	iov = (struct iovec){ b.data, b.len };
	if (fd != -1) {
		struct cmsghdr *c;

		mh.msg_control = control.space;
		mh.msg_controllen = sizeof(control.space);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	while (rc == 0 && iov.iov_len > 0) {
		ssize_t n = sendmsg(s, &mh, MSG_NOSIGNAL);

		if (n > 0) {
			iov.iov_base = (uint8_t *)iov.iov_base + n;
			iov.iov_len -= (size_t)n;
			mh.msg_control = NULL;
			mh.msg_controllen = 0;
		} else if (errno != EINTR) {
			rc = lost(e);
		}
	}
	buf_free(&b);
	return rc;
}

static int
read_all(int s, uint8_t *p, size_t len, struct err *e)
{
	while (len > 0) {
		ssize_t n = read(s, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return lost(e);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
read_frame(int s, unsigned *type, struct buf *out, struct err *e)
{
	uint8_t header[FRAME_HEADER];
	size_t len;

	if (read_all(s, header, sizeof(header), e) == -1)
		return -1;
	len = wire_load32(header);
	*type = wire_load16(header + 4);
	buf_reset(out);
	if (len > IPC_PAYLOAD_MAX) {
		err_set(e, ERR_CORRUPT,
		    "what answers is no smtpd of this version: an answer of "
		    "%zu bytes",
		    len);
		return -1;
	}
	if (read_all(s, buf_reserve(out, len + 1), len, e) == -1)
		return -1;
	out->len = len;
	return 0;
}

int
client_ask(unsigned type, const void *data, size_t len, int fd, client_cb *cb,
    void *arg, struct err *e)
{
	struct buf frame = { 0 };
	unsigned got;
	int s, rc;

	if (len > IPC_PAYLOAD_MAX) {
		err_set(
		    e, ERR_LIMIT, "a question of %zu bytes is too long", len);
		return -1;
	}
	s = client_connect(e);
	if (s == -1)
		return -1;
	rc = send_frame(s, type, data, len, fd, e);
	while (rc == 0) {
		rc = read_frame(s, &got, &frame, e);
		if (rc == -1 || got != MSG_CTL_LINE)
			break;
		cb((const char *)frame.data, frame.len, arg);
	}
	if (rc == 0 && got != MSG_CTL_END) {
		err_set(e, ERR_CORRUPT,
		    "what answers is no smtpd of this version: it said %u",
		    got);
		rc = -1;
	} else if (rc == 0 && frame.len > 0) {
		err_set(e, ERR_NOT_FOUND, "%s", buf_str(&frame));
		rc = -1;
	}
	buf_free(&frame);
	close(s);
	return rc;
}

int
client_say(const char *words, client_cb *cb, void *arg, struct err *e)
{
	return client_ask(MSG_CTL, words, strlen(words), -1, cb, arg, e);
}

void
client_print(const char *text, size_t len, void *arg)
{
	client_print_raw(text, len, arg);
	if (len > 0 && text[len - 1] != '\n')
		putchar('\n');
}

void
client_print_raw(const char *text, size_t len, void *arg)
{
	(void)arg;
	fwrite(text, 1, len, stdout);
}
