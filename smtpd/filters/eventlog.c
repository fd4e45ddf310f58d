/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * filter-eventlog: every report that smtpd sends, kept a day a file.
 *
 * A file holds the report lines as they came, so that any filter can be
 * given a day of mail again on its stdin.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/opt.h"
#include "lib/sys/sandbox.h"

#include "smtpd/filters/args.h"
#include "smtpd/filters/libfilter/filter.h"

#define DAY_LEN 11 /* YYYY-MM-DD and a NUL */

struct eventlog {
	const char *dir;
	int dir_fd;
	int fd; /* today's, or -1 */
	char day[DAY_LEN];
	struct buf line;
};

static const struct opt options[] = {
	{ 'd', "directory", "DIR", "where the files go (must exist)" },
	{ 'h', "help", NULL, "print this and exit" },
	{ 0 },
};

static void
keep_line(void *arg, const char *text, size_t len)
{
	struct eventlog *g = arg;

	buf_reset(&g->line);
	buf_add(&g->line, text, len);
	buf_add_u8(&g->line, '\n');
}

/* Have fd be the file of the day of seconds. */
static int
open_day(struct eventlog *g, uint64_t seconds)
{
	char day[DAY_LEN], name[32];
	time_t at = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(day, sizeof(day), "%Y-%m-%d", &tm) == 0)
		return -1;
	if (g->fd != -1 && strcmp(day, g->day) == 0)
		return 0;
	if (g->fd != -1)
		close(g->fd);
	snprintf(name, sizeof(name), "%s.events", day);
	g->fd = openat(g->dir_fd, name,
	    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	memcpy(g->day, day, sizeof(day));
	return g->fd == -1 ? -1 : 0;
}

/* One write a line: a line is whole in the file, or, on a full disk, cut. */
static void
on_report(void *arg, void **state, const struct filter_line *l)
{
	struct eventlog *g = arg;
	ssize_t n;

	(void)state;
	if (open_day(g, l->seconds) == -1) {
		log_error("%s: a report is lost: %s", g->dir, strerror(errno));
		return;
	}
	n = write(g->fd, g->line.data, g->line.len);
	if (n == -1)
		log_error("%s/%s.events: a report is lost: %s", g->dir, g->day,
		    strerror(errno));
	else if ((size_t)n < g->line.len)
		log_error(
		    "%s/%s.events: a report is cut: disk full", g->dir, g->day);
}

static int
enter_sandbox(const char *dir, struct err *e)
{
	const char *write_paths[] = { dir, NULL };
	struct sandbox sb = { .write = write_paths };
	unsigned layers;

	return sandbox_enter(&sb, &layers, e);
}

static int
run(struct eventlog *g, struct err *e)
{
	static const struct filter_ops ops = { .line = keep_line,
		.report = on_report };
	struct event_base *base;
	struct filter *f;
	int rc;

	g->dir_fd = open(g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->dir_fd == -1) {
		err_sys(e, "%s", g->dir);
		return -1;
	}
	if (faccessat(g->dir_fd, ".", W_OK | X_OK, AT_EACCESS) == -1) {
		err_sys(e, "%s: cannot create files", g->dir);
		return -1;
	}
	base = event_base_new();
	if (base == NULL) {
		err_set(e, ERR_SYSTEM, "no event loop");
		return -1;
	}
	f = filter_new(base, &ops, g);
	filter_want_report(f, "smtp-in", "*");
	filter_want_report(f, "smtp-out", "*");
	rc = enter_sandbox(g->dir, e);
	if (rc == 0)
		rc = filter_run(f, STDIN_FILENO, STDOUT_FILENO, e);
	filter_free(f);
	event_base_free(base);
	return rc;
}

static int
read_options(struct eventlog *g, int argc, char **argv, struct err *e)
{
	struct opt_parser p;
	int id;

	opt_init(&p, options, argc, argv, false);
	while ((id = opt_next(&p, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		if (id == 'h') {
			printf("usage: filter-eventlog -d DIR\n\n"
			       "Keep every report of smtpd, a file a day.\n\n");
			opt_print(options, stdout);
			exit(0);
		}
		g->dir = p.value;
	}
	if (g->dir == NULL || p.next != argc) {
		err_set(e, ERR_USAGE, "one directory is wanted: -d DIR");
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct eventlog g = { .dir_fd = -1, .fd = -1 };
	struct err e = { 0 };
	int rc;

	if (args_tables(options, argc, argv))
		return 0;
	log_init("filter-eventlog", LOG_MAIL, true);
	signal(SIGPIPE, SIG_IGN);
	rc = read_options(&g, argc, argv, &e);
	if (rc == 0)
		rc = run(&g, &e);
	if (rc == -1)
		log_error("%s", e.msg);
	if (g.fd != -1)
		close(g.fd);
	if (g.dir_fd != -1)
		close(g.dir_fd);
	buf_free(&g.line);
	if (rc == 0)
		return 0;
	return e.kind == ERR_USAGE ? 2 : 1;
}
