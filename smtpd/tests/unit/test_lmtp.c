/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Tests of lmtp's time.  The clock is ours: each look at it is a hundred
 * seconds later, and by then the server has sent one byte more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "smtpd/deliver/methods.h"

#define STEP 100

static int listener = -1, server = -1;
static unsigned looks;

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	if (server == -1)
		server = accept(listener, NULL, NULL);
	assert_int_equal(write(server, "2", 1), 1);
	*ts = (struct timespec){ .tv_sec = STEP * looks++ };
	return 0;
}

static void
a_reply_byte_by_byte_has_one_reply_s_time(void **state)
{
	char dir[] = "/tmp/test-lmtp.XXXXXX", line[DELIVERY_STATUS_MAX];
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct delivery d = { .body_fd = -1 };
	struct lmtp *kept = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/socket", dir);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 1), 0);
	d.target = sun.sun_path;
	assert_int_equal(lmtp_deliver(&kept, &d, line), DELIVERY_LATER);
	assert_string_equal(line, "451 LMTP: connection lost");
	assert_null(kept);
	/* Once to set the limit of five minutes, and until that is over. */
	assert_int_equal(looks, 1 + 300 / STEP);
	close(server);
	close(listener);
	unlink(sun.sun_path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_byte_by_byte_has_one_reply_s_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
