/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/sys/tree.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/filters/libfilter/filter.h"

#define READ_LEN       65536
#define MINOR_SESSION1 5 /* from here on, replies name the session first */

struct session {
	RB_ENTRY(session) entry;
	uint64_t id;
	void *state;
};
RB_HEAD(sessions, session);

static const char *const subsystems[] = { "smtp-in", "smtp-out" };
#define SUBSYSTEMS (sizeof(subsystems) / sizeof(subsystems[0]))

struct filter {
	struct event_base *base;
	const struct filter_ops *ops;
	void *arg;
	struct sessions sessions;
	/* By subsystem: whether anything is told of it, and the end of all. */
	bool heard[SUBSYSTEMS], end_heard[SUBSYSTEMS];
	struct buf in;
	size_t scanned; /* bytes of in that hold no LF */
	struct buf out;
	size_t sent; /* bytes of out that smtpd has */
	struct event *readable, *writable;
	bool paused, failed;
	bool ended;   /* smtpd says no more: what is said is still sent */
	struct err e; /* when failed */
};

static int
session_cmp(const struct session *a, const struct session *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_INTERNAL(
    sessions, session, entry, session_cmp, __attribute__((unused)) static)

static struct session *
session_find(struct filter *f, uint64_t id)
{
	struct session key = { .id = id };

	return RB_FIND(sessions, &f->sessions, &key);
}

/* Reports may come in an odd order: the first one makes the session. */
static struct session *
session_get(struct filter *f, uint64_t id)
{
	struct session *s = session_find(f, id);

	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->id = id;
		RB_INSERT(sessions, &f->sessions, s);
	}
	return s;
}

static void
session_close(struct filter *f, struct session *s)
{
	RB_REMOVE(sessions, &f->sessions, s);
	if (f->ops->close != NULL)
		f->ops->close(f->arg, s->state);
	free(s);
}

void **
filter_state(struct filter *f, uint64_t session)
{
	struct session *s = session_find(f, session);

	return s == NULL ? NULL : &s->state;
}

struct filter *
filter_new(struct event_base *base, const struct filter_ops *ops, void *arg)
{
	struct filter *f = xcalloc(1, sizeof(*f));

	f->base = base;
	f->ops = ops;
	f->arg = arg;
	RB_INIT(&f->sessions);
	f->heard[0] = true; /* requests are made of it */
	return f;
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	while (!RB_EMPTY(&f->sessions))
		session_close(f, RB_ROOT(&f->sessions));
	if (f->readable != NULL)
		event_free(f->readable);
	if (f->writable != NULL)
		event_free(f->writable);
	buf_free(&f->in);
	buf_free(&f->out);
	free(f);
}

static void
stop(struct filter *f)
{
	f->failed = true;
	event_base_loopbreak(f->base);
}

static void
want_write(struct filter *f)
{
	if (f->writable != NULL && f->out.len > f->sent)
		event_add(f->writable, NULL);
}

/* Text without what would end the line. */
static void
add_clean(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++)
		buf_add_u8(
		    b, *text == '\n' || *text == '\r' ? ' ' : (uint8_t)*text);
}

static void
answer(struct filter *f, const struct filter_token *t, const char *kind,
    const char *verdict, const char *text)
{
	if (session_find(f, t->session) == NULL)
		return;
	if (t->minor < MINOR_SESSION1)
		buf_printf(
		    &f->out, "%s|%s|%016" PRIx64, kind, t->text, t->session);
	else
		buf_printf(
		    &f->out, "%s|%016" PRIx64 "|%s", kind, t->session, t->text);
	if (verdict != NULL)
		buf_printf(&f->out, "|%s", verdict);
	if (text != NULL) {
		buf_add_u8(&f->out, '|');
		add_clean(&f->out, text);
	}
	buf_add_u8(&f->out, '\n');
	want_write(f);
}

void
filter_proceed(struct filter *f, const struct filter_token *t)
{
	answer(f, t, "filter-result", "proceed", NULL);
}

void
filter_junk(struct filter *f, const struct filter_token *t)
{
	answer(f, t, "filter-result", "junk", NULL);
}

void
filter_reject(struct filter *f, const struct filter_token *t, const char *text)
{
	answer(f, t, "filter-result", "reject", text);
}

void
filter_disconnect(
    struct filter *f, const struct filter_token *t, const char *text)
{
	answer(f, t, "filter-result", "disconnect", text);
}

void
filter_rewrite(struct filter *f, const struct filter_token *t, const char *text)
{
	answer(f, t, "filter-result", "rewrite", text);
}

void
filter_dataline(
    struct filter *f, const struct filter_token *t, const char *text)
{
	answer(f, t, "filter-dataline", NULL, text);
}

void
filter_want_report(struct filter *f, const char *subsystem, const char *event)
{
	for (size_t i = 0; i < SUBSYSTEMS; i++) {
		if (strcmp(subsystem, subsystems[i]) != 0)
			continue;
		f->heard[i] = true;
		if (strcmp(event, "*") == 0 ||
		    strcmp(event, "link-disconnect") == 0)
			f->end_heard[i] = true;
	}
	buf_printf(&f->out, "register|report|%s|%s\n", subsystem, event);
}

/*
 * Sessions are forgotten at their end.  OpenSMTPD tells an event once for
 * each time that it was asked for: never ask twice.
 */
static void
want_ends(struct filter *f)
{
	for (size_t i = 0; i < SUBSYSTEMS; i++) {
		if (f->heard[i] && !f->end_heard[i])
			filter_want_report(f, subsystems[i], "link-disconnect");
	}
}

void
filter_want_phase(struct filter *f, const char *phase)
{
	buf_printf(&f->out, "register|filter|smtp-in|%s\n", phase);
}

static void
handle_line(struct filter *f, char *text, size_t len)
{
	struct filter_line l;
	struct session *s;
	struct err e = { 0 };

	if (f->ops->line != NULL)
		f->ops->line(f->arg, text, len);
	if (filter_line_parse(text, len, &l, &e) == -1) {
		log_warn("a line from smtpd passed over: %s", e.msg);
		return;
	}
	if (l.kind == FILTER_LINE_REPORT) {
		s = session_get(f, l.token.session);
		if (f->ops->report != NULL)
			f->ops->report(f->arg, &s->state, &l);
		if (strcmp(l.event, "link-disconnect") == 0)
			session_close(f, s);
	} else if (l.kind == FILTER_LINE_REQUEST) {
		s = session_get(f, l.token.session);
		if (f->ops->request != NULL)
			f->ops->request(f->arg, &s->state, &l);
		else
			filter_proceed(f, &l.token);
	}
}

bool
filter_is_full(const struct filter *f)
{
	return f->out.len - f->sent > FILTER_OUTPUT_HIGH;
}

/* Every whole line of the input, until the output is full. */
static void
handle_input(struct filter *f)
{
	size_t done = 0;

	while (!f->failed && !filter_is_full(f)) {
		char *start = (char *)f->in.data + done;
		size_t left = f->in.len - done;
		char *lf;

		if (left <= f->scanned)
			break;
		lf = memchr(start + f->scanned, '\n', left - f->scanned);
		if (lf == NULL) {
			f->scanned = left;
			break;
		}
		*lf = '\0';
		f->scanned = 0;
		done += (size_t)(lf - start) + 1;
		handle_line(f, start, (size_t)(lf - start));
	}
	buf_consume(&f->in, done);
	if (f->scanned > FILTER_LINE_MAX) {
		err_set(&f->e, ERR_LIMIT, "smtpd: a line above %u bytes",
		    FILTER_LINE_MAX);
		stop(f);
	}
	f->paused = filter_is_full(f);
	if (f->paused)
		event_del(f->readable);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct filter *f = arg;
	ssize_t n = read(fd, buf_reserve(&f->in, READ_LEN), READ_LEN);

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1 && errno != ECONNRESET) {
		err_sys(&f->e, "reading from smtpd");
		stop(f);
		return;
	}
	if (n <= 0) {
		/* smtpd hangs up: a cut last line asks for nothing. */
		f->ended = true;
		event_del(f->readable);
		if (f->out.len == f->sent)
			event_base_loopbreak(f->base);
		return;
	}
	f->in.len += (size_t)n;
	handle_input(f);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct filter *f = arg;
	ssize_t n = write(fd, f->out.data + f->sent, f->out.len - f->sent);
	bool was_full;

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		want_write(f);
		return;
	}
	if (n == -1) {
		/* Nobody is left to answer. */
		event_base_loopbreak(f->base);
		return;
	}
	was_full = filter_is_full(f);
	f->sent += (size_t)n;
	if (f->sent == f->out.len || f->sent > FILTER_OUTPUT_HIGH) {
		buf_consume(&f->out, f->sent);
		f->sent = 0;
	}
	if (was_full && !filter_is_full(f) && f->ops->drained != NULL)
		f->ops->drained(f->arg);
	if (f->paused && !filter_is_full(f)) {
		f->paused = false;
		event_add(f->readable, NULL);
		handle_input(f);
	}
	if (f->ended && f->out.len == f->sent)
		event_base_loopbreak(f->base);
	want_write(f);
}

int
filter_run(struct filter *f, int in, int out, struct err *e)
{
	if (fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK) == -1 ||
	    fcntl(out, F_SETFL, fcntl(out, F_GETFL) | O_NONBLOCK) == -1) {
		err_sys(e, "the connection to smtpd");
		return -1;
	}
	want_ends(f);
	buf_add_str(&f->out, "register|ready\n");
	f->readable =
	    event_new(f->base, in, EV_READ | EV_PERSIST, on_readable, f);
	f->writable = event_new(f->base, out, EV_WRITE, on_writable, f);
	if (f->readable == NULL || f->writable == NULL ||
	    event_add(f->readable, NULL) == -1 ||
	    event_add(f->writable, NULL) == -1) {
		err_set(e, ERR_SYSTEM,
		    "no event for stdin or stdout: "
		    "they must be sockets or pipes");
		return -1;
	}
	event_base_dispatch(f->base);
	if (f->failed) {
		*e = f->e;
		return -1;
	}
	return 0;
}
