/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The control socket: lines, subscribers, and those who do not read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "fion/control/server.h"

static char dir[] = "/tmp/fion-test.XXXXXX";
static char path[64];
static struct server *server;
static size_t publish; /* bytes to publish at each line */

static char *
on_line(void *ctx, const char *line, size_t len, struct server_wait *w,
    bool *subscribe)
{
	(void)ctx;
	assert_int_equal(strlen(line), len);
	if (strcmp(line, "later") == 0 && w->tries < 3)
		return NULL;
	*subscribe = strcmp(line, "subscribe") == 0;
	if (publish > 0) {
		char *event = xcalloc(1, publish + 1);

		memset(event, 'e', publish);
		server_publish(server, event);
		free(event);
	}
	return xasprintf("(%s)", line);
}

static int
begin(void **state)
{
	struct err e;

	(void)state;
	publish = 0;
	snprintf(path, sizeof(path), "%s/sock", dir);
	server = server_open(path, on_line, NULL, &e);
	return server == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	server_close(server);
	assert_int_equal(access(path, F_OK), -1);
	return 0;
}

static int
dial(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* All that is there to be done. */
static void
serve(void)
{
	struct pollfd p[SERVER_PEERS + 1];
	size_t n = server_polls(server, p);

	while (poll(p, n, 0) > 0) {
		bool only_full = true;

		for (size_t i = 0; i < n; i++)
			if ((p[i].revents & ~POLLOUT) != 0)
				only_full = false;
		server_serve(server, p, n);
		n = server_polls(server, p);
		if (only_full)
			break;
	}
}

static void
hears(int fd, const char *text)
{
	char got[256] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	assert_int_equal(n, strlen(text));
	assert_string_equal(got, text);
}

static void
test_lines_are_answered_in_order(void **state)
{
	int fd;

	(void)state;
	fd = dial();
	say(fd, "a\n\nbc\nha");
	serve();
	hears(fd, "(a)\n()\n(bc)\n");
	say(fd, "lf\n");
	serve();
	hears(fd, "(half)\n");
	close(fd);
	serve();
}

/* Those of others are answered meanwhile; one's own, in order. */
static void
test_an_answer_may_wait(void **state)
{
	struct pollfd p[SERVER_PEERS + 1];
	int one, other;

	(void)state;
	one = dial();
	other = dial();
	say(one, "a\nlater\nb\n");
	serve();
	hears(one, "(a)\n");
	say(other, "c\n");
	serve();
	hears(other, "(c)\n");
	for (int i = 0; i < 4; i++)
		server_serve(server, p, server_polls(server, p));
	hears(one, "(later)\n(b)\n");
	say(one, "later\n");
	serve();
	close(one); /* it waits no longer */
	for (int i = 0; i < 4; i++)
		serve();
	say(other, "d\n");
	serve();
	hears(other, "(d)\n");
	close(other);
}

static void
test_only_subscribers_hear(void **state)
{
	int one, other;

	(void)state;
	one = dial();
	other = dial();
	serve();
	assert_false(server_has_subscribers(server));
	say(one, "subscribe\n");
	serve();
	hears(one, "(subscribe)\n");
	assert_true(server_has_subscribers(server));
	server_publish(server, "event");
	hears(one, "event\n");
	assert_int_equal(recv(other, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	close(one);
	serve();
	assert_false(server_has_subscribers(server));
	close(other);
}

/* What a line makes happen is told to who sent it, and may be too much. */
static void
test_one_that_does_not_read_may_go_at_any_line(void **state)
{
	int fd;

	(void)state;
	fd = dial();
	say(fd, "subscribe\n");
	serve();
	publish = 1U << 20;
	for (int i = 0; i < 10 && server_has_subscribers(server); i++) {
		say(fd, "x\ny\nz\n");
		serve();
	}
	assert_false(server_has_subscribers(server));
	close(fd);
	fd = dial();
	say(fd, "still\n");
	serve();
	hears(fd, "(still)\n");
	close(fd);
}

static void
test_a_line_without_end_is_not_waited_for(void **state)
{
	static char much[70000];
	int fd;

	(void)state;
	fd = dial();
	memset(much, 'a', sizeof(much) - 1);
	say(fd, much);
	serve();
	assert_int_equal(recv(fd, much, 1, MSG_DONTWAIT), 0);
	close(fd);
}

static void
test_more_than_there_is_room_for_are_sent_away(void **state)
{
	int fds[SERVER_PEERS + 1], last;

	(void)state;
	for (size_t i = 0; i <= SERVER_PEERS; i++) {
		fds[i] = dial();
		serve();
	}
	last = fds[SERVER_PEERS];
	assert_int_equal(recv(last, &(char){ 0 }, 1, MSG_DONTWAIT), 0);
	close(fds[0]);
	serve();
	close(last);
	last = dial();
	say(last, "room\n");
	serve();
	hears(last, "(room)\n");
	close(last);
	for (size_t i = 1; i < SERVER_PEERS; i++)
		close(fds[i]);
}

static void
test_a_folder_of_others_is_refused(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(chmod(dir, 0777), 0);
	assert_null(server_open(path, on_line, NULL, &e));
	assert_non_null(strstr(e.msg, "only you may write"));
	assert_int_equal(chmod(dir, 0700), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines_are_answered_in_order),
		TEST(test_an_answer_may_wait),
		TEST(test_only_subscribers_hear),
		TEST(test_one_that_does_not_read_may_go_at_any_line),
		TEST(test_a_line_without_end_is_not_waited_for),
		TEST(test_more_than_there_is_room_for_are_sent_away),
		TEST(test_a_folder_of_others_is_refused),
	};
	int rc;

	if (mkdtemp(dir) == NULL)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return rc;
}
