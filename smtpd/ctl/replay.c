/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/ctl/replay.h"

#define READ_LEN   65536
#define OUT_HIGH   65536   /* bytes that may wait for the filter */
#define ANSWER_MAX 4194304 /* of an answer */
#define FIELDS_MAX 8

struct replay {
	FILE *recording;
	bool has_requests; /* the recording, as it is */
	pid_t pid;         /* the filter's, or -1 */
	int in, out;       /* what it reads, and what it writes; -1: closed */
	struct buf to, from;
	size_t taken; /* bytes of from that the last line had */
	char **wanted;
	size_t n_wanted;
	uint64_t token; /* of the last request made here */
	uint64_t n_reports, n_requests, n_strange;
};

/* Cut line at its first n - 1 bars; absent fields are "". */
static void
split(char *line, char *field[], size_t n)
{
	static char none[1];

	for (size_t i = 0; i < n; i++) {
		field[i] = line == NULL ? none : line;
		if (line != NULL)
			line = strchr(line, '|');
		if (line != NULL && i + 1 < n)
			*line++ = '\0';
	}
}

static int
start_filter(struct replay *r, char **argv, struct err *e)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1) {
		err_sys(e, "pipe");
		return -1;
	}
	r->pid = fork();
	if (r->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execvp(argv[0], argv);
		fprintf(stderr, "smtpctl: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	r->in = to[1];
	r->out = from[0];
	fcntl(r->in, F_SETFL, O_NONBLOCK);
	fcntl(r->out, F_SETFL, O_NONBLOCK);
	if (r->pid == -1) {
		err_sys(e, "fork");
		return -1;
	}
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* Write and read what goes at once, or wait until something does. */
static int
pump(struct replay *r, struct err *e)
{
	struct pollfd p[2] = { { .fd = r->out, .events = POLLIN },
		{ .fd = r->to.len > 0 ? r->in : -1, .events = POLLOUT } };
	int ready = poll(p, 2, REPLAY_PATIENCE_S * 1000);
	ssize_t n;

	if (ready == -1 && errno == EINTR)
		return 0;
	if (ready <= 0) {
		err_set(e, ERR_CORRUPT, "the filter says nothing for %d s",
		    REPLAY_PATIENCE_S);
		return -1;
	}
	if (p[1].revents != 0) {
		n = write(r->in, r->to.data, r->to.len);
		if (n > 0)
			buf_consume(&r->to, (size_t)n);
		else if (n == -1 && errno != EAGAIN && errno != EINTR)
			close_fd(&r->in); /* it has ended: as its output */
	}
	if (p[0].revents != 0) {
		n = read(r->out, buf_reserve(&r->from, READ_LEN), READ_LEN);
		if (n > 0)
			r->from.len += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			close_fd(&r->out);
	}
	return 0;
}

/* The filter's next line, good until the next call; NULL: it has ended. */
static char *
next_answer(struct replay *r, struct err *e)
{
	size_t seen = 0;

	buf_consume(&r->from, r->taken);
	r->taken = 0;
	for (;;) {
		char *lf = r->from.len == seen ?
		    NULL :
		    memchr(r->from.data + seen, '\n', r->from.len - seen);

		if (lf != NULL) {
			*lf = '\0';
			r->taken = (size_t)(lf - (char *)r->from.data) + 1;
			return (char *)r->from.data;
		}
		seen = r->from.len;
		if (r->out == -1) {
			err_set(e, ERR_CORRUPT, "the filter has ended");
			return NULL;
		}
		if (seen > ANSWER_MAX) {
			err_set(e, ERR_LIMIT, "the filter's line is too long");
			return NULL;
		}
		if (pump(r, e) == -1)
			return NULL;
	}
}

/* What the server says first, and what the filter then asks for. */
static int
shake_hands(struct replay *r, struct err *e)
{
	char host[256] = "localhost", *line;

	gethostname(host, sizeof(host) - 1);
	buf_printf(&r->to,
	    "config|smtpd-version|7.8.0-maison\n"
	    "config|protocol|0.7\n"
	    "config|smtp-session-timeout|300\n"
	    "config|subsystem|smtp-in\n"
	    "config|subsystem|smtp-out\n"
	    "config|admd|%s\n"
	    "config|ready\n",
	    host);
	while ((line = next_answer(r, e)) != NULL) {
		if (strcmp(line, "register|ready") == 0)
			return 0;
		if (strncmp(line, "register|", 9) != 0) {
			err_set(e, ERR_CORRUPT,
			    "the filter says \"%.100s\" before it is ready",
			    line);
			return -1;
		}
		r->wanted = xreallocarray(
		    r->wanted, r->n_wanted + 1, sizeof(*r->wanted));
		r->wanted[r->n_wanted++] = xstrdup(line + 9);
	}
	return -1;
}

/* Whether the filter asked for this; kind is "report" or "filter". */
static bool
is_wanted(const struct replay *r, const char *kind, const char *subsystem,
    const char *what)
{
	size_t head = strlen(kind) + strlen(subsystem) + 2;
	bool wanted = false;
	char *full = xasprintf("%s|%s|%s", kind, subsystem, what);

	for (size_t i = 0; i < r->n_wanted && !wanted; i++)
		wanted = strcmp(r->wanted[i], full) == 0 ||
		    (strncmp(r->wanted[i], full, head) == 0 &&
			strcmp(r->wanted[i] + head, "*") == 0);
	free(full);
	return wanted;
}

/* Print one answer; true if it is the awaited one. */
static bool
take_answer(struct replay *r, char *line, const char *phase,
    const char *session, const char *token)
{
	char *f[4];
	bool same, data;

	split(line, f, 4);
	data = strcmp(f[0], "filter-dataline") == 0;
	/* Until version 0.4 the token came first. */
	same = (strcmp(f[1], session) == 0 && strcmp(f[2], token) == 0) ||
	    (strcmp(f[2], session) == 0 && strcmp(f[1], token) == 0);
	if (data) {
		printf("%s data-line %s\n", f[1], f[3]);
		return same && strcmp(phase, "data-line") == 0 &&
		    strcmp(f[3], ".") == 0;
	}
	if (strcmp(f[0], "filter-result") == 0 && same) {
		printf("%s %s %s\n", session, phase, f[3]);
		return true;
	}
	printf("unexpected: %s|%s|%s|%s\n", f[0], f[1], f[2], f[3]);
	r->n_strange++;
	return false;
}

static int
await(struct replay *r, const char *phase, const char *session,
    const char *token, struct err *e)
{
	char *line;

	while ((line = next_answer(r, e)) != NULL)
		if (take_answer(r, line, phase, session, token))
			return 0;
	err_wrap(e, "session %s, %s", session, phase);
	return -1;
}

/* Ask for a decision, if the filter wants to be asked. */
static int
ask(struct replay *r, char *const f[], const char *phase, const char *param,
    struct err *e)
{
	char token[17];

	if (r->has_requests || !is_wanted(r, "filter", "smtp-in", phase))
		return 0;
	snprintf(token, sizeof(token), "%016" PRIx64, ++r->token);
	buf_printf(&r->to, "filter|%s|%s|smtp-in|%s|%s|%s|%s\n", f[1], f[2],
	    phase, f[5], token, param);
	r->n_requests++;
	return await(r, phase, f[5], token, e);
}

/* "FROM:<a@b> SIZE=1" to "a@b". */
static char *
address_of(const char *text)
{
	const char *start = strchr(text, '<'), *end;

	if (start == NULL)
		start = strchr(text, ':');
	if (start == NULL)
		return xstrdup(text);
	start++;
	end = strchr(start, '>');
	return xstrndup(
	    start, end == NULL ? strcspn(start, " ") : (size_t)(end - start));
}

/* What a client said, as the request that it was. */
static int
ask_command(struct replay *r, char *const f[], struct err *e)
{
	static const struct {
		const char *verb, *phase;
	} verbs[] = {
		{ "HELO", "helo" },
		{ "EHLO", "ehlo" },
		{ "LHLO", "ehlo" },
		{ "STARTTLS", "starttls" },
		{ "AUTH", "auth" },
		{ "MAIL", "mail-from" },
		{ "RCPT", "rcpt-to" },
		{ "DATA", "data" },
		{ ".", "commit" },
		{ "RSET", "rset" },
		{ "NOOP", "noop" },
		{ "QUIT", "quit" },
	};
	size_t len = strcspn(f[6], " ");
	const char *rest = f[6] + len + strspn(f[6] + len, " ");

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		bool mail = strcmp(verbs[i].verb, "MAIL") == 0 ||
		    strcmp(verbs[i].verb, "RCPT") == 0;
		char *param;
		int rc;

		if (strlen(verbs[i].verb) != len ||
		    strncasecmp(verbs[i].verb, f[6], len) != 0)
			continue;
		param = mail ? address_of(rest) : xstrdup(rest);
		rc = ask(r, f, verbs[i].phase, param, e);
		free(param);
		return rc;
	}
	return 0;
}

/* RDNS|FCRDNS|SOURCE|DESTINATION to RDNS|ADDRESS. */
static int
ask_connect(struct replay *r, char *const f[], struct err *e)
{
	char *copy = xstrdup(f[6]), *part[4], *colon, *param;
	int rc;

	split(copy, part, 4);
	colon = strrchr(part[2], ':');
	if (strncmp(part[2], "unix:", 5) == 0)
		param = xasprintf("%s|local", part[0]);
	else
		param = xasprintf("%s|%.*s", part[0],
		    (int)(colon == NULL ? (ptrdiff_t)strlen(part[2]) :
					  colon - part[2]),
		    part[2]);
	rc = ask(r, f, "connect", param, e);
	free(param);
	free(copy);
	return rc;
}

static int
replay_report(
    struct replay *r, const char *line, char *const f[], struct err *e)
{
	if (is_wanted(r, "report", f[3], f[4])) {
		buf_printf(&r->to, "%s\n", line);
		r->n_reports++;
	}
	if (strcmp(f[3], "smtp-in") != 0)
		return 0;
	if (strcmp(f[4], "link-connect") == 0)
		return ask_connect(r, f, e);
	if (strcmp(f[4], "protocol-client") == 0)
		return ask_command(r, f, e);
	return 0;
}

static int
replay_request(
    struct replay *r, const char *line, char *const f[], struct err *e)
{
	bool data = strcmp(f[4], "data-line") == 0;

	if (!is_wanted(r, "filter", f[3], f[4]))
		return 0;
	buf_printf(&r->to, "%s\n", line);
	r->n_requests++;
	if (data && strcmp(f[7], ".") != 0)
		return 0;
	return await(r, f[4], f[5], f[6], e);
}

static int
replay_line(struct replay *r, const char *line, struct err *e)
{
	char *copy = xstrdup(line), *f[FIELDS_MAX];
	bool request = strncmp(line, "filter|", 7) == 0;
	int rc = 0;

	/* A report's own fields are left in one. */
	split(copy, f, request ? FIELDS_MAX : FIELDS_MAX - 1);
	if (request) {
		rc = replay_request(r, line, f, e);
	} else if (strncmp(line, "report|", 7) == 0) {
		rc = replay_report(r, line, f, e);
	} else if (line[0] != '\0' && strncmp(line, "config|", 7) != 0) {
		err_set(
		    e, ERR_CORRUPT, "\"%.60s\" is no line of smtpd's", line);
		rc = -1;
	}
	free(copy);
	while (rc == 0 && r->to.len > OUT_HIGH && r->in != -1)
		rc = pump(r, e);
	return rc;
}

/* Each line of the recording to each, until it says -1. */
static int
each_line(struct replay *r,
    int (*each)(struct replay *r, const char *line, struct err *e),
    struct err *e)
{
	char *line = NULL;
	size_t cap = 0;
	uint64_t number = 0;
	ssize_t n;
	int rc = 0;

	rewind(r->recording);
	while (rc == 0 && (n = getline(&line, &cap, r->recording)) != -1) {
		number++;
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		rc = each(r, line, e);
	}
	if (rc == -1)
		err_wrap(e, "line %" PRIu64, number);
	free(line);
	return rc;
}

static int
note_request(struct replay *r, const char *line, struct err *e)
{
	(void)e;
	if (strncmp(line, "filter|", 7) == 0)
		r->has_requests = true;
	return 0;
}

/* Wait for the filter's end, told by now that it has come. */
static int
reap(struct replay *r, struct err *e)
{
	int status;

	while (waitpid(r->pid, &status, 0) == -1 && errno == EINTR)
		;
	r->pid = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_set(e, ERR_CORRUPT, "the filter ended with %s %d",
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return -1;
}

/* Hang up, hear what is still said, and how the filter ends. */
static int
finish(struct replay *r, struct err *e)
{
	char *line;

	while (r->to.len > 0 && r->in != -1)
		if (pump(r, e) == -1)
			return -1;
	close_fd(&r->in);
	while ((line = next_answer(r, e)) != NULL)
		(void)take_answer(r, line, "", "", "");
	if (r->out != -1 || reap(r, e) == -1)
		return -1;
	if (r->n_strange > 0) {
		err_set(e, ERR_CORRUPT,
		    "%" PRIu64 " answers that nobody asked for", r->n_strange);
		return -1;
	}
	return 0;
}

static int
run(struct replay *r, char **filter, struct err *e)
{
	if (each_line(r, note_request, e) == -1 ||
	    start_filter(r, filter, e) == -1 || shake_hands(r, e) == -1 ||
	    each_line(r, replay_line, e) == -1)
		return -1;
	if (!r->has_requests && is_wanted(r, "filter", "smtp-in", "data-line"))
		fprintf(stderr,
		    "smtpctl: the recording has no messages: "
		    "the filter sees none\n");
	if (finish(r, e) == -1)
		return -1;
	printf("%" PRIu64 " reports, %" PRIu64 " requests\n", r->n_reports,
	    r->n_requests);
	return 0;
}

int
ctl_replay(int argc, char **argv, struct err *e)
{
	struct replay r = { .pid = -1, .in = -1, .out = -1 };
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	int rc;

	if (argc <= first) {
		err_set(e, ERR_USAGE,
		    "usage: smtpctl replay FILE -- FILTER [ARG ...]");
		return -1;
	}
	r.recording = fopen(argv[0], "re");
	if (r.recording == NULL) {
		err_sys(e, "%s", argv[0]);
		return -1;
	}
	signal(SIGPIPE, SIG_IGN);
	rc = run(&r, argv + first, e);
	close_fd(&r.in);
	close_fd(&r.out);
	if (r.pid != -1) {
		struct err ignored;

		kill(r.pid, SIGTERM);
		(void)reap(&r, &ignored);
	}
	fclose(r.recording);
	for (size_t i = 0; i < r.n_wanted; i++)
		free(r.wanted[i]);
	free(r.wanted);
	buf_free(&r.to);
	buf_free(&r.from);
	return rc;
}
