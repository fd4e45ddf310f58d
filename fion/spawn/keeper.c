/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "fion/spawn/keeper.h"
#include "fion/spawn/message.h"

int
keeper_join(struct keeper *k, struct err *e)
{
	uint8_t said[3];
	int fds[2];
	ssize_t n = message_receive(KEEPER_FD, said, sizeof(said), fds);
	void *turns = MAP_FAILED;

	if (n == (ssize_t)sizeof(said) && said[0] == 'S' && fds[0] != -1)
		turns = mmap(NULL, sizeof(*k->turns), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fds[0], 0);
	for (size_t i = 0; n != -1 && i < 2; i++)
		if (fds[i] != -1)
			close(fds[i]);
	if (turns == MAP_FAILED ||
	    fcntl(KEEPER_FD, F_SETFD, FD_CLOEXEC) == -1) {
		err_set(e, ERR_USAGE, "nobody keeps it: fion(1) starts this");
		return -1;
	}
	*k = (struct keeper){ .fd = KEEPER_FD,
		.turns = turns,
		.again = said[1] != 0,
		.fresh = said[2] != 0 };
	return 0;
}

int
keeper_exec(const struct keeper *k, const char *const *argv, int in, int out,
    struct err *e)
{
	struct buf b = { 0 };
	int fds[2] = { in, out };
	int rc = 0;

	buf_add_u8(&b, 'E');
	for (; *argv != NULL; argv++)
		buf_add(&b, *argv, strlen(*argv) + 1);
	if (b.len > KEEPER_BYTES) {
		err_set(e, ERR_LIMIT, "a command of %zu bytes", b.len);
		rc = -1;
	} else if (message_send(k->fd, b.data, b.len, fds, in == -1 ? 0 : 2) ==
	    -1) {
		err_sys(e, "cannot start a program");
		rc = -1;
	}
	buf_free(&b);
	return rc;
}

void
keeper_detach(const struct keeper *k)
{
	message_send(k->fd, "E", 1, NULL, 0);
}

int
keeper_watch(const struct keeper *k, int x_fd, struct err *e)
{
	if (message_send(k->fd, "X", 1, &x_fd, 1) == -1) {
		err_sys(e, "the keeper");
		return -1;
	}
	return 0;
}

bool
keeper_failure(const struct keeper *k, char *buf, size_t len, bool *gone)
{
	int fds[2];
	ssize_t n = message_receive(k->fd, buf, len - 1, fds);

	*gone = n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
	if (n <= 1 || buf[0] != 'F')
		return false;
	memmove(buf, buf + 1, (size_t)n - 1);
	buf[n - 1] = '\0';
	return true;
}
