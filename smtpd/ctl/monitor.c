/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/err.h"

#include "smtpd/ctl/client.h"

#include "smtpd/ctl/monitor.h"

#define LINES_PER_HEAD 22

/* What is shown: how much there is, or how much more in a second. */
static const struct column {
	const char *counter; /* of "show stats"; NULL: see fill() */
	const char *name, *key;
	int width;
	bool level;
} columns[] = {
	{ "smtp.session", "curr", "clients", 5, true },
	{ "smtp.session.opened", "conn", "connected", 5, false },
	{ NULL, "disc", "disconnected", 5, false },
	{ "scheduler.envelope", "curr", "envelopes", 7, true },
	{ "scheduler.envelope.incoming", "enq", "enqueued", 5, false },
	{ NULL, "deq", "dequeued", 5, false },
	{ "scheduler.delivery.ok", "ok", "ok", 5, false },
	{ "scheduler.delivery.tempfail", "tmpfail", "tempfail", 8, false },
	{ "scheduler.delivery.permfail", "prmfail", "permfail", 8, false },
	{ "scheduler.delivery.loop", "loop", "loop", 5, false },
	{ "scheduler.envelope.expired", "expire", "expired", 7, false },
	{ "scheduler.envelope.removed", "remove", "removed", 7, false },
	{ "bounce.message", "bounce", "bounces", 7, false },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct sample {
	int64_t values[COLUMNS];
};

static void
take_counter(struct sample *s, const char *line, size_t len)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const char *name = columns[i].counter;
		size_t n = name == NULL ? 0 : strlen(name);

		if (n > 0 && len > n && line[n] == '=' &&
		    strncmp(line, name, n) == 0)
			s->values[i] = strtoll(line + n + 1, NULL, 10);
	}
}

/* A client_cb: one or more lines of "name=value". */
static void
take_stats(const char *text, size_t len, void *arg)
{
	while (len > 0) {
		const char *lf = memchr(text, '\n', len);
		size_t n = lf == NULL ? len : (size_t)(lf - text);
		char line[128];

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		take_counter(arg, line, strlen(line));
		n += lf != NULL;
		text += n;
		len -= n;
	}
}

/* What left is what came and is not there any more. */
static void
fill(const struct sample *was, const struct sample *is, int64_t *out)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		out[i] = is->values[i];
		if (columns[i].counter == NULL && i >= 2)
			out[i] = out[i - 1] -
			    (is->values[i - 2] - was->values[i - 2]);
		else if (!columns[i].level)
			out[i] -= was->values[i];
		/* A process that was started again counts from 0. */
		if (out[i] < 0)
			out[i] = 0;
	}
}

static void
print_head(void)
{
	printf("%15s%17s%26s%21s\n", "------ clients", "---- envelopes",
	    "------------ deliveries", "-------------- other");
	for (size_t i = 0; i < COLUMNS; i++)
		printf("%*s", columns[i].width, columns[i].name);
	putchar('\n');
}

static void
print_line(const int64_t *values, bool json)
{
	if (json)
		printf("{\"time\":%lld", (long long)time(NULL));
	for (size_t i = 0; i < COLUMNS; i++) {
		if (json)
			printf(",\"%s\":%" PRId64, columns[i].key, values[i]);
		else
			printf("%*" PRId64, columns[i].width, values[i]);
	}
	puts(json ? "}" : "");
}

int
monitor_run(int argc, char **argv, struct err *e)
{
	bool json = argc == 1 && strcmp(argv[0], "-j") == 0;
	struct sample was = { 0 }, is = { 0 };
	struct timespec at;

	if (argc > (json ? 1 : 0)) {
		err_set(e, ERR_USAGE, "usage: smtpctl monitor [-j]");
		return -1;
	}
	if (client_say("show-stats", take_stats, &was, e) == -1)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &at);
	for (unsigned n = 0;; n++) {
		int64_t values[COLUMNS];

		at.tv_sec++;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		is = was;
		if (client_say("show-stats", take_stats, &is, e) == -1)
			return -1;
		fill(&was, &is, values);
		if (!json && n % LINES_PER_HEAD == 0)
			print_head();
		print_line(values, json);
		if (fflush(stdout) == EOF)
			return 0;
		was = is;
	}
}
