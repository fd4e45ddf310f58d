/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Tests of ipc: what is too large is not sent, and costs nobody anything.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "smtpd/proc/ipc.h"

struct end {
	struct ipc *ipc;
	unsigned n, type;
	size_t len;
	bool closed;
};

static struct event_base *base;

static void
on_message(struct ipc *ipc, struct ipc_msg *m, void *arg)
{
	struct end *end = arg;

	(void)ipc;
	event_base_loopbreak(base);
	end->closed |= m == NULL;
	if (m == NULL)
		return;
	end->n++;
	end->type = m->type;
	end->len = m->len;
}

static void
what_is_too_large_is_not_sent(void **state)
{
	struct end a = { 0 }, b = { 0 };
	uint8_t *data = calloc(1, IPC_PAYLOAD_MAX + 1);
	int pair[2], fd;

	(void)state;
	assert_non_null(data);
	base = event_base_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	a.ipc = ipc_new(base, pair[0], on_message, &a);
	b.ipc = ipc_new(base, pair[1], on_message, &b);

	fd = dup(0);
	assert_false(ipc_send(a.ipc, 1, data, IPC_PAYLOAD_MAX + 1, fd));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_false(ipc_send_secret(a.ipc, 1, data, IPC_PAYLOAD_MAX + 1));
	assert_int_equal(ipc_queued(a.ipc), 0);

	/* The other side lives, and takes what is as large as can be. */
	assert_true(ipc_send(a.ipc, 2, data, IPC_PAYLOAD_MAX, -1));
	event_base_dispatch(base);
	assert_int_equal(b.n, 1);
	assert_int_equal(b.type, 2);
	assert_int_equal(b.len, IPC_PAYLOAD_MAX);
	assert_false(a.closed || b.closed);
	ipc_free(a.ipc);
	ipc_free(b.ipc);
	event_base_free(base);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_too_large_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
