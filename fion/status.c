/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * status: the status command and the clock of the bar.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"

#include "fion/session_internal.h"

void
session_status_stop(struct session *s)
{
	if (s->status_out != -1) {
		close(s->status_out);
		keeper_detach(s->keeper);
	}
	if (s->status_in != -1)
		close(s->status_in);
	s->status_out = s->status_in = -1;
	status_clear(&s->status);
}

void
session_status_start(struct session *s)
{
	int out[2], in[2];
	struct err e;

	session_status_stop(s);
	if (s->config->status == NULL)
		return;
	if (pipe2(out, O_CLOEXEC) == -1)
		return;
	if (pipe2(in, O_CLOEXEC) == -1) {
		close(out[0]);
		close(out[1]);
		return;
	}
	if (keeper_exec(s->keeper, (const char *const *)s->config->status,
		in[0], out[1], &e) == -1)
		x_say(s->x, e.msg);
	close(in[0]);
	close(out[1]);
	s->status_out = out[0];
	s->status_in = in[1];
	fcntl(s->status_out, F_SETFL, O_NONBLOCK);
	fcntl(s->status_in, F_SETFL, O_NONBLOCK);
}

void
session_status_read(struct session *s)
{
	uint8_t data[8192];
	ssize_t n = read(s->status_out, data, sizeof(data));
	struct err e;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		session_status_stop(s);
		x_say(s->x, "The status command has ended.");
	} else if (status_feed(&s->status, data, (size_t)n, &e) == -1) {
		session_status_stop(s);
		x_say(s->x, e.msg);
	}
	x_set_bar(s->x, &s->bar);
}

/* Does the format show seconds? */
static bool
has_seconds(const char *format)
{
	static const char *const seconds[] = { "%S", "%T", "%r", "%c", "%X",
		"%s" };

	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		if (strstr(format, seconds[i]) != NULL)
			return true;
	return false;
}

/* The format is the person's own: strftime(3) takes any, and keeps to len. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
write_time(char *out, size_t len, const char *format, const struct tm *tm)
{
	if (strftime(out, len, format, tm) == 0)
		out[0] = '\0';
}
#pragma GCC diagnostic pop

void
session_clock(struct session *s)
{
	const char *format = s->config->set.clock;
	struct timespec now;
	struct tm tm;
	time_t t;

	if (format[0] == '\0' || !s->config->set.bar) {
		s->clock[0] = '\0';
		s->clock_at = 0;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	t = now.tv_sec;
	localtime_r(&t, &tm);
	write_time(s->clock, sizeof(s->clock), format, &tm);
	s->clock_at = has_seconds(format) ?
	    (uint64_t)t + 1 :
	    (uint64_t)t + 60 - (uint64_t)(tm.tm_sec % 60);
	x_set_bar(s->x, &s->bar);
}

int
session_clock_wait(const struct session *s)
{
	struct timespec now;
	int64_t ms;

	if (s->clock_at == 0)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	ms = ((int64_t)s->clock_at - now.tv_sec) * 1000 - now.tv_nsec / 1000000;
	/* A clock set back: look again within a minute. */
	if (ms > 60000)
		ms = 60000;
	return ms < 0 ? 0 : (int)ms;
}
