/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/ipc.h"

#define HEADER_LEN 8
#define FLAG_FD    1
#define FLAG_WIPE  2
#define READ_LEN   (128 * 1024)
#define FDS_MAX    64 /* received and not yet given away */

struct sent_fd {
	size_t at; /* offset in the output of the frame it goes with */
	int fd;
};

struct ipc {
	int fd;
	ipc_cb *cb;
	void *arg;
	struct event *read_event, *write_event;
	struct buf in, out;
	size_t in_at, out_at; /* already used */
	int fds[FDS_MAX];
	size_t n_fds;
	struct sent_fd *sent;
	size_t n_sent;
	bool wipe_out; /* a secret is in out */
	bool in_callback, freed;
};

static void
release(struct ipc *ipc)
{
	event_free(ipc->read_event);
	event_free(ipc->write_event);
	close(ipc->fd);
	for (size_t i = 0; i < ipc->n_fds; i++)
		close(ipc->fds[i]);
	for (size_t i = 0; i < ipc->n_sent; i++)
		close(ipc->sent[i].fd);
	free(ipc->sent);
	buf_free(&ipc->in);
	buf_free(&ipc->out);
	free(ipc);
}

void
ipc_free(struct ipc *ipc)
{
	if (ipc == NULL)
		return;
	ipc->freed = true;
	if (!ipc->in_callback)
		release(ipc);
}

int
ipc_take_fd(struct ipc_msg *m)
{
	int fd = m->fd;

	m->fd = -1;
	return fd;
}

/* Give one frame, or NULL, to the callback.  False when ipc is gone. */
static bool
give(struct ipc *ipc, struct ipc_msg *m)
{
	ipc->in_callback = true;
	ipc->cb(ipc, m, ipc->arg);
	ipc->in_callback = false;
	if (m != NULL && m->fd != -1)
		close(m->fd);
	if (!ipc->freed)
		return true;
	release(ipc);
	return false;
}

/* Likewise; its bytes are wiped, unless ipc is gone and they with it. */
static bool
give_secret(struct ipc *ipc, struct ipc_msg *m)
{
	size_t at = (size_t)(m->data - ipc->in.data);

	if (!give(ipc, m))
		return false;
	explicit_bzero(ipc->in.data + at, m->len);
	return true;
}

static int
next_fd(struct ipc *ipc)
{
	int fd = ipc->fds[0];

	ipc->n_fds--;
	memmove(ipc->fds, ipc->fds + 1, ipc->n_fds * sizeof(ipc->fds[0]));
	return fd;
}

/* Give all whole frames.  False when ipc is gone. */
static bool
give_frames(struct ipc *ipc)
{
	for (;;) {
		const uint8_t *p = ipc->in.data + ipc->in_at;
		size_t left = ipc->in.len - ipc->in_at, len;
		struct ipc_msg m;
		unsigned flags;
		bool alive;

		if (left < HEADER_LEN)
			break;
		len = wire_load32(p);
		m = (struct ipc_msg){ wire_load16(p + 4), p + HEADER_LEN, len,
			-1 };
		if (len > IPC_PAYLOAD_MAX)
			return give(ipc, NULL) && false;
		if (left < HEADER_LEN + len)
			break;
		flags = wire_load16(p + 6);
		if ((flags & FLAG_FD) != 0) {
			if (ipc->n_fds == 0)
				return give(ipc, NULL) && false;
			m.fd = next_fd(ipc);
		}
		ipc->in_at += HEADER_LEN + len;
		if ((flags & FLAG_WIPE) != 0)
			alive = give_secret(ipc, &m);
		else
			alive = give(ipc, &m);
		if (!alive)
			return false;
	}
	buf_consume(&ipc->in, ipc->in_at);
	ipc->in_at = 0;
	return true;
}

static void
keep_fds(struct ipc *ipc, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	     c = CMSG_NXTHDR(mh, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fds[FDS_MAX];

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    n > FDS_MAX)
			continue;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		for (size_t i = 0; i < n; i++) {
			if (ipc->n_fds < FDS_MAX)
				ipc->fds[ipc->n_fds++] = fds[i];
			else
				close(fds[i]);
		}
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ipc *ipc = arg;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control;
	struct iovec iov = { buf_reserve(&ipc->in, READ_LEN), READ_LEN };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		give(ipc, NULL);
		return;
	}
	ipc->in.len += (size_t)n;
	keep_fds(ipc, &mh);
	give_frames(ipc);
}

/* One sendmsg: what is queued up to the next frame with a descriptor. */
static ssize_t
send_some(struct ipc *ipc)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { ipc->out.data + ipc->out_at,
		ipc->out.len - ipc->out_at };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	bool with_fd = ipc->n_sent > 0 && ipc->sent[0].at == ipc->out_at;
	size_t next = with_fd ? 1 : 0;
	ssize_t n;

	if (next < ipc->n_sent)
		iov.iov_len = ipc->sent[next].at - ipc->out_at;
	if (with_fd) {
		struct cmsghdr *c;

		mh.msg_control = control.space;
		mh.msg_controllen = sizeof(control.space);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &ipc->sent[0].fd, sizeof(int));
	}
	n = sendmsg(ipc->fd, &mh, MSG_NOSIGNAL);
	if (n > 0 && with_fd) {
		close(ipc->sent[0].fd);
		ipc->n_sent--;
		memmove(
		    ipc->sent, ipc->sent + 1, ipc->n_sent * sizeof(*ipc->sent));
	}
	return n;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct ipc *ipc = arg;

	(void)fd;
	(void)what;
	while (ipc->out_at < ipc->out.len) {
		ssize_t n = send_some(ipc);

		if (n == -1) {
			/* A peer that is gone is noticed by reading. */
			if (errno == EAGAIN || errno == EINTR)
				event_add(ipc->write_event, NULL);
			return;
		}
		ipc->out_at += (size_t)n;
	}
	if (ipc->wipe_out)
		explicit_bzero(ipc->out.data, ipc->out.len);
	ipc->wipe_out = false;
	buf_reset(&ipc->out);
	ipc->out_at = 0;
}

static bool
too_large(unsigned type, size_t len)
{
	if (len <= IPC_PAYLOAD_MAX)
		return false;
	log_error("message %u of %zu bytes is not sent: too large", type, len);
	return true;
}

bool
ipc_send(struct ipc *ipc, unsigned type, const void *data, size_t len, int fd)
{
	if (too_large(type, len)) {
		if (fd != -1)
			close(fd);
		return false;
	}
	if (fd != -1) {
		ipc->sent = xreallocarray(
		    ipc->sent, ipc->n_sent + 1, sizeof(*ipc->sent));
		ipc->sent[ipc->n_sent++] = (struct sent_fd){ ipc->out.len, fd };
	}
	wire_put_u32(&ipc->out, (uint32_t)len);
	wire_put_u16(&ipc->out, (uint16_t)type);
	wire_put_u16(&ipc->out, fd != -1 ? FLAG_FD : 0);
	buf_add(&ipc->out, data, len);
	/* After what is being done now; no system call is spent on that. */
	event_active(ipc->write_event, EV_WRITE, 0);
	return true;
}

bool
ipc_send_secret(struct ipc *ipc, unsigned type, const void *data, size_t len)
{
	if (too_large(type, len))
		return false;
	wire_put_u32(&ipc->out, (uint32_t)len);
	wire_put_u16(&ipc->out, (uint16_t)type);
	wire_put_u16(&ipc->out, FLAG_WIPE);
	buf_add(&ipc->out, data, len);
	ipc->wipe_out = true;
	on_writable(ipc->fd, 0, ipc);
	return true;
}

size_t
ipc_queued(const struct ipc *ipc)
{
	return ipc->out.len - ipc->out_at;
}

void
ipc_flush(struct ipc *ipc)
{
	struct pollfd p = { ipc->fd, POLLOUT, 0 };

	while (ipc_queued(ipc) > 0) {
		if (poll(&p, 1, 1000) != 1 ||
		    (p.revents & (POLLERR | POLLHUP)) != 0)
			return;
		on_writable(ipc->fd, 0, ipc);
	}
}

int
ipc_ask(struct ipc *ipc, unsigned type, const void *data, size_t len,
    struct buf *answer, int timeout_ms)
{
	struct pollfd p = { ipc->fd, POLLIN, 0 };
	size_t need = HEADER_LEN;

	if (!ipc_send(ipc, type, data, len, -1))
		return -1;
	ipc_flush(ipc);
	while (ipc->in.len < need) {
		ssize_t n;

		if (poll(&p, 1, timeout_ms) != 1)
			return -1;
		n = recv(ipc->fd, buf_reserve(&ipc->in, need - ipc->in.len),
		    need - ipc->in.len, 0);
		if (n <= 0)
			return -1;
		ipc->in.len += (size_t)n;
		if (ipc->in.len == HEADER_LEN)
			need += wire_load32(ipc->in.data);
		if (need > HEADER_LEN + IPC_PAYLOAD_MAX)
			return -1;
	}
	buf_add(answer, ipc->in.data + HEADER_LEN, need - HEADER_LEN);
	buf_reset(&ipc->in);
	return 0;
}

struct ipc *
ipc_new(struct event_base *base, int fd, ipc_cb *cb, void *arg)
{
	struct ipc *ipc = xcalloc(1, sizeof(*ipc));

	ipc->fd = fd;
	ipc->cb = cb;
	ipc->arg = arg;
	evutil_make_socket_nonblocking(fd);
	ipc->read_event =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, ipc);
	ipc->write_event = event_new(base, fd, EV_WRITE, on_writable, ipc);
	event_add(ipc->read_event, NULL);
	return ipc;
}
