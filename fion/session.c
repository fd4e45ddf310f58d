/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/sys/sandbox.h"

#include "fion/control/paths.h"
#include "fion/model/model.h"
#include "fion/session_internal.h"
#include "fion/spawn/small.h"

#define HISTORY_BYTES ((size_t)PROMPT_HISTORY * 2 * PROMPT_BYTES)
#define FIXED_POLLS   3   /* X, the keeper, the status command */
#define PAINT_MS      4   /* from a change to its drawing, all being quiet */
#define LATE_MS       100 /* and when it is not */

static volatile sig_atomic_t got_term, got_hup;

static void
on_signal(int sig)
{
	if (sig == SIGHUP)
		got_hup = 1;
	else
		got_term = 1;
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set;

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* A folder and those above it. */
static void
make_folders(const char *path)
{
	char *copy = xstrdup(path);

	for (char *p = copy + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(copy, 0700);
		*p = '/';
	}
	mkdir(copy, 0700); /* what could not be made, saving will name */
	free(copy);
}

static char *
history_path(void)
{
	char *state = path_state();
	char *path = xasprintf("%s/history", state);

	free(state);
	return path;
}

static void
load_history(struct session *s)
{
	char *path = history_path();
	FILE *f = fopen(path, "re");
	char *text = xmalloc(HISTORY_BYTES);

	if (f != NULL) {
		history_load(
		    &s->history, text, fread(text, 1, HISTORY_BYTES, f));
		fclose(f);
	}
	free(text);
	free(path);
}

static void
save_history(struct session *s)
{
	char *path = history_path(), *temp = xasprintf("%s.new", path);
	struct buf b = { 0 };
	FILE *f = fopen(temp, "we");

	history_dump(&s->history, &b);
	if (f != NULL) {
		bool good = b.len == 0 || fwrite(b.data, 1, b.len, f) == b.len;

		if (fclose(f) == 0 && good && rename(temp, path) == -1)
			log_warn("%s: %s", path, strerror(errno));
	}
	buf_free(&b);
	free(path);
	free(temp);
}

/* The window manager reads files and draws; it starts nothing. */
static void
confine(void)
{
	char *state = path_state();
	char *socket = path_socket(NULL, false);
	const char *read[] = { "/", NULL };
	const char *write[] = { state, NULL, NULL };
	struct sandbox sb = { .read = read,
		.write = write,
		.threads = true,
		.net = SANDBOX_NET_NONE };
	unsigned layers = 0;
	struct err e = { 0 };
	char *slash = strrchr(socket, '/');

	if (slash != NULL)
		*slash = '\0';
	write[1] = socket;
	make_folders(state);
	if (sandbox_enter(&sb, &layers, &e) == -1)
		log_warn("going on without a sandbox: %s", e.msg);
	free(state);
	free(socket);
}

static int
start(struct session *s, struct err *e)
{
	const struct session_options *o = s->options;
	char *path = o->config != NULL ? xstrdup(o->config) : path_config();
	char *socket;
	struct err complaint = { 0 };

	s->config = config_load(path, o->config != NULL, &complaint);
	free(path);
	if (s->config == NULL) {
		log_error("%s", complaint.msg);
		s->config = config_new();
	}
	s->m = model_new();
	s->host = (struct cmd_host){ .m = s->m, .ops = &session_ops, .ctx = s };
	s->x = x_open(getenv("DISPLAY"), s->m, s->config, &session_hooks, s,
	    o->replace, s->keeper->again, e);
	if (s->x == NULL)
		return -1;
	if (complaint.msg[0] != '\0')
		x_say(s->x, complaint.msg);
	socket = path_socket(NULL, true);
	s->server = server_open(socket, session_line, s, e);
	free(socket);
	if (s->server == NULL || keeper_watch(s->keeper, x_fd(s->x), e) == -1)
		return -1;
	s->bar = (struct x_bar){ .clock = s->clock, .status = &s->status };
	x_adopt(s->x, s->keeper->fresh);
	x_reconcile(s->x);
	return 0;
}

static void
run_startup(struct session *s)
{
	struct err e;

	for (size_t i = 0; i < s->config->n_execs && !s->keeper->again; i++)
		if (keeper_exec(s->keeper,
			(const char *const *)s->config->execs[i], -1, -1,
			&e) == -1)
			x_say(s->x, e.msg);
}

static int
sooner(int a, int b)
{
	if (a == -1 || b == -1)
		return a == -1 ? b : a;
	return a < b ? a : b;
}

static int
next_wake(struct session *s)
{
	uint64_t deadline = x_deadline(s->x), now = x_clock();
	int ms = session_clock_wait(s);

	if (x_waiting(s->x))
		return 0;
	/* Not at once: who has the focus now shall hear of it first. */
	if (x_unpainted(s->x))
		ms = sooner(ms, PAINT_MS);
	if (deadline != 0)
		ms = sooner(ms, deadline <= now ? 0 : (int)(deadline - now));
	return ms;
}

static void
hear_keeper(struct session *s)
{
	char why[512];
	bool gone = false;

	if (keeper_failure(s->keeper, why, sizeof(why), &gone))
		x_say(s->x, why);
	if (gone)
		s->exit_code = 1;
}

static void
handle_signals(struct session *s)
{
	const char *words[] = { "reload" };
	struct err e = { 0 };

	if (got_term)
		s->exit_code = 0;
	if (got_hup && cmd_run(&s->host, 1, words, 1, &e) == -1)
		log_error("%s", e.msg);
	got_hup = 0;
}

/* Draw what has changed, unless more comes.  True: nothing does. */
static bool
paint(struct session *s, bool quiet)
{
	uint64_t now = x_clock();

	if (s->paint_by == 0)
		s->paint_by = now + LATE_MS;
	if (quiet || now >= s->paint_by) {
		x_paint(s->x);
		s->paint_by = 0;
	}
	return quiet;
}

/* Wait, and act on what came.  1: only drew; -1: X is gone, or lost. */
static int
turn(struct session *s, struct err *e)
{
	static struct pollfd p[FIXED_POLLS + SERVER_PEERS + 1];
	int ms = next_wake(s), n;
	size_t peers;
	struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	sigset_t none;

	p[0] = (struct pollfd){ .fd = x_fd(s->x), .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->keeper->fd, .events = POLLIN };
	/* What it said before is drawn first, so that a flood waits. */
	p[2] = (struct pollfd){ .fd = x_unpainted(s->x) ? -1 : s->status_out,
		.events = POLLIN };
	peers = server_polls(s->server, p + FIXED_POLLS);
	sigemptyset(&none);
	n = ppoll(p, FIXED_POLLS + peers, ms == -1 ? NULL : &ts, &none);
	++*s->keeper->turns;
	handle_signals(s);
	if (n == -1)
		return 0;
	if (session_clock_wait(s) == 0)
		session_clock(s);
	if (!x_unpainted(s->x))
		s->paint_by = 0;
	else if (paint(s, n == 0 && !x_waiting(s->x) && !x_due(s->x)))
		return 1;
	if (x_read(s->x, e) == -1)
		return -1;
	x_tick(s->x);
	if (p[1].revents != 0)
		hear_keeper(s);
	if (p[2].revents != 0 && s->status_out != -1)
		session_status_read(s);
	server_serve(s->server, p + FIXED_POLLS, peers);
	return 0;
}

static void
stop(struct session *s, bool x_lives)
{
	save_history(s);
	session_status_stop(s);
	if (s->x != NULL && x_lives)
		x_close(s->x, s->exit_code != 0); /* whoever comes next */
	server_close(s->server);
	session_forget(s);
	history_clear(&s->history);
	config_free(s->config);
	model_free(s->m);
}

int
session_run(const struct keeper *k, const struct session_options *o)
{
	struct session s = { .keeper = k,
		.options = o,
		.status_out = -1,
		.status_in = -1,
		.exit_code = -1 };
	struct err e = { 0 };
	bool lost = false;
	int rc;

	catch_signals();
	status_init(&s.status);
	if (start(&s, &e) == -1) {
		log_error("%s", e.msg);
		stop(&s, true);
		return 1;
	}
	confine();
	small_become(); /* fonts and key maps took more than they keep */
	load_history(&s);
	session_status_start(&s);
	session_clock(&s);
	run_startup(&s);
	while (s.exit_code == -1 && !lost) {
		rc = turn(&s, &e);
		lost = rc == -1;
		/* Drawing changes nothing that would be drawn again. */
		if (rc == 0) {
			x_reconcile(s.x);
			session_changes(&s);
		}
	}
	if (lost && e.kind != ERR_CANCELLED)
		log_error("%s", e.msg);
	stop(&s, !lost || e.kind == ERR_CANCELLED);
	if (lost)
		return e.kind == ERR_CANCELLED ? 0 : 1;
	return s.exit_code;
}
