/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * program: one filter program, from its start to its end, and again.
 *
 * The parent starts and ends it for us.  Whatever it does wrong ends this run
 * of it: its links are lost, and after a while it is started again.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/trace.h"

#include "smtpd/proc/filter/filter_internal.h"

#define READ_LEN       65536
#define WRITE_LEN      (256u << 10)
#define QUEUE_MAX      (64u << 20) /* bytes of reports and requests, unread */
#define HANDSHAKE_TIME 30          /* seconds, at most */
#define REGISTER_MAX   1000        /* lines */
#define BACKOFF_FIRST  250         /* ms */
#define BACKOFF_MAX    30000       /* ms */
#define STEADY_TIME    60          /* seconds: then failures are forgotten */
#define ERR_LINE_MAX   1024
#define LAST_WRITE     500 /* ms that it may read nothing */
#define LAST_WORDS     16  /* reads */
#define ERR_LINES_MAX  100 /* a second */

static void on_timer(evutil_socket_t fd, short what, void *arg);
static void read_last_words(struct program *p);

/* Equal texts: the same program run the same way. */
char *
program_identity(const struct conf_proc *cp, bool smtp_in, bool smtp_out)
{
	return xasprintf("%s\n%s\n%s\n%s\n%d%d", cp->command,
	    cp->user == NULL ? "" : cp->user,
	    cp->group == NULL ? "" : cp->group,
	    cp->chroot == NULL ? "" : cp->chroot, smtp_in, smtp_out);
}

struct program *
program_new(
    struct filters *f, const struct conf_proc *cp, bool smtp_in, bool smtp_out)
{
	struct program *p = xcalloc(1, sizeof(*p));

	p->filters = f;
	p->name = xstrdup(cp->name);
	p->identity = program_identity(cp, smtp_in, smtp_out);
	p->smtp_in = smtp_in;
	p->smtp_out = smtp_out;
	p->fd = p->err_fd = -1;
	p->timer = event_new(f->proc->base, -1, 0, on_timer, p);
	TAILQ_INIT(&p->marks);
	TAILQ_INSERT_TAIL(&f->programs, p, entry);
	return p;
}

bool
program_filters(const struct program *p)
{
	return p->phases != 0 || !p->registered;
}

/* PROGRAM: 's' start, 'k' end; serial u32, name. */
static void
tell_parent(struct program *p, char what)
{
	struct buf b = { 0 };

	buf_add_u8(&b, (uint8_t)what);
	wire_put_u32(&b, p->serial);
	buf_add_str(&b, p->name);
	proc_send(p->filters->proc, PROC_PARENT, 0, MSG_PROGRAM, &b, -1);
	buf_free(&b);
}

static void
set_timer(struct program *p, unsigned ms)
{
	const struct timeval tv = { ms / 1000, (ms % 1000) * 1000L };

	event_add(p->timer, &tv);
}

static void
put_handshake(struct program *p)
{
	const struct setup *s = p->filters->proc->setup;
	const char *admd = s->conf->admd == NULL ? s->hostname : s->conf->admd;
	char time[16];

	snprintf(time, sizeof(time), "%u", s->session_time);
	filter_put_config(&p->out, "smtpd-version", CONF_SPOKEN_VERSION);
	filter_put_config(&p->out, "protocol", FILTER_VERSION);
	filter_put_config(&p->out, "smtp-session-timeout", time);
	if (p->smtp_in)
		filter_put_config(&p->out, "subsystem", "smtp-in");
	if (p->smtp_out)
		filter_put_config(&p->out, "subsystem", "smtp-out");
	filter_put_config(&p->out, "admd", admd);
	filter_put_config(&p->out, "ready", NULL);
}

void
program_start(struct program *p)
{
	const struct setup *s = p->filters->proc->setup;
	unsigned limit =
	    s->filter_time < HANDSHAKE_TIME ? s->filter_time : HANDSHAKE_TIME;

	p->state = PROGRAM_HANDSHAKE;
	p->serial = ++p->filters->last_serial;
	p->phases = p->events_in = p->events_out = 0;
	p->n_registered = 0;
	tell_parent(p, 's');
	set_timer(p, limit * 1000);
}

static void
drop_event(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

static void
drop_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* Those who wait for p to read wait no more. */
static void
release_waiting(struct program *p)
{
	struct program *o;

	TAILQ_FOREACH(o, &p->filters->programs, entry) {
		if (o->waits_for == p) {
			o->waits_for = NULL;
			program_unhold(o);
		}
	}
}

static void
give_credit(struct filters *f, const struct mark *m)
{
	struct link *l = link_find(f, m->link);
	struct buf b = { 0 };

	if (l == NULL || l->lost)
		return;
	l->moved_at = time(NULL);
	wire_put_u32(&b, l->number);
	wire_put_u32(&b, m->credit);
	proc_send(
	    f->proc, PROC_DISPATCHER, l->instance, MSG_FILTER_CREDIT, &b, -1);
	buf_free(&b);
}

static void
pop_mark(struct program *p, bool give)
{
	struct mark *m = TAILQ_FIRST(&p->marks);

	TAILQ_REMOVE(&p->marks, m, entry);
	p->marked -= m->bytes;
	if (give)
		give_credit(p->filters, m);
	free(m);
}

/* Close our ends, forget what was on its way. */
static void
disconnect(struct program *p)
{
	drop_event(&p->readable);
	drop_event(&p->writable);
	drop_event(&p->err_readable);
	drop_fd(&p->fd);
	drop_fd(&p->err_fd);
	buf_free(&p->in);
	buf_free(&p->out);
	buf_free(&p->err);
	while (!TAILQ_EMPTY(&p->marks))
		pop_mark(p, false);
	p->scanned = p->out_at = 0;
	p->written_total = 0;
	p->waits_for = NULL;
	p->holds = 0;
	release_waiting(p);
}

static void
settle(struct program *p)
{
	p->settled = true;
	filters_announce(p->filters, p);
	filters_settled(p->filters);
}

static void
lose_links(struct program *p)
{
	struct filters *f = p->filters;
	struct link *l;

	RB_FOREACH(l, links, &f->links) {
		for (size_t i = 0; i < l->n; i++) {
			struct member *m = &l->members[i];

			if (m->program != p)
				continue;
			if (l->held == p)
				l->held = NULL;
			if (program_filters(p))
				link_lose(f, l, p->name);
			p->n_links--;
			m->program = NULL;
		}
	}
}

static void
program_free(struct program *p)
{
	disconnect(p);
	event_free(p->timer);
	TAILQ_REMOVE(&p->filters->programs, p, entry);
	free(p->name);
	free(p->identity);
	free(p);
}

/* One that is retired is freed by its timer: its callers still hold it. */
static void
end_run(struct program *p, bool again)
{
	unsigned ms = BACKOFF_FIRST;

	tell_parent(p, 'k');
	read_last_words(p);
	disconnect(p);
	p->state = PROGRAM_DOWN;
	lose_links(p);
	if (p->retired || !again) {
		p->retired = true;
		set_timer(p, 0);
		return;
	}
	if (p->ready_at != 0 && time(NULL) - p->ready_at > STEADY_TIME)
		p->failures = 0;
	for (unsigned i = 0; i < p->failures && ms < BACKOFF_MAX; i++)
		ms *= 2;
	p->failures++;
	p->ready_at = 0;
	set_timer(p, ms < BACKOFF_MAX ? ms : BACKOFF_MAX);
	settle(p);
}

void
program_fail(struct program *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (p->state == PROGRAM_DOWN)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warn("filter %s: %s: %s", p->name, text,
	    p->retired              ? "it is ended" :
		!program_filters(p) ? "it is started again" :
		p->registered       ? "it is started again, its sessions "
				      "get 421" :
				      "it is started again, sessions "
				      "get 421 until then");
	end_run(p, true);
}

void
program_exited(struct program *p)
{
	program_fail(p, "it has ended");
}

void
program_retire(struct program *p)
{
	p->retired = true;
	program_unlink(p);
}

/* After a link let go of it. */
void
program_unlink(struct program *p)
{
	if (!p->retired || p->n_links > 0)
		return;
	if (p->state == PROGRAM_DOWN)
		set_timer(p, 0);
	else
		end_run(p, false);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;

	(void)fd;
	(void)what;
	if (p->retired && p->state == PROGRAM_DOWN)
		program_free(p);
	else if (p->state == PROGRAM_DOWN)
		program_start(p);
	else if (p->state == PROGRAM_HANDSHAKE)
		program_fail(p, "it did not register in time");
}

/* What it writes */

static void
registered(struct program *p)
{
	p->state = PROGRAM_READY;
	p->registered = true;
	p->ready_at = p->heard_at = time(NULL);
	event_del(p->timer);
	log_info("filter %s: ready", p->name);
	settle(p);
}

static void
take_registration(struct program *p, const struct filter_said *s)
{
	if (p->state != PROGRAM_HANDSHAKE) {
		program_fail(p, "it registers after it was ready");
		return;
	}
	if (++p->n_registered > REGISTER_MAX) {
		program_fail(p, "more than %d registrations", REGISTER_MAX);
		return;
	}
	if (s->kind == FILTER_SAID_READY)
		registered(p);
	else if (s->kind == FILTER_SAID_PHASE)
		p->phases |= FILTER_BIT(s->phase);
	else if (s->smtp_out)
		p->events_out |= s->events;
	else
		p->events_in |= s->events;
}

static void
take_line(struct program *p, char *text, size_t len)
{
	struct filter_said s;
	struct err e;

	if (strncmp(text, "filter-dataline|", 16) != 0)
		trace(TRACE_FILTERS, "filters: %s -> %s", p->name, text);
	if (filter_said_parse(text, len, &s, &e) == -1) {
		program_fail(p, "%s", e.msg);
		return;
	}
	p->heard_at = time(NULL);
	if (s.kind == FILTER_SAID_EVENTS || s.kind == FILTER_SAID_PHASE ||
	    s.kind == FILTER_SAID_READY)
		take_registration(p, &s);
	else if (p->state != PROGRAM_READY)
		program_fail(p, "it answers before it is ready");
	else
		filters_said(p->filters, p, &s);
}

/* All whole lines; a run that ends here leaves the rest. */
static void
take_lines(struct program *p)
{
	uint32_t serial = p->serial;
	size_t at = 0;

	while (p->scanned < p->in.len) {
		uint8_t *from = p->in.data + p->scanned;
		uint8_t *lf = memchr(from, '\n', p->in.len - p->scanned);
		char *line = (char *)p->in.data + at;
		size_t len;

		if (lf == NULL) {
			p->scanned = p->in.len;
			break;
		}
		*lf = '\0';
		len = (size_t)((char *)lf - line);
		p->scanned += (size_t)(lf - from) + 1;
		at = p->scanned;
		if (len >= FILTER_IN_MAX)
			program_fail(p, "a line of %zu bytes", len);
		else
			take_line(p, line, len);
		if (p->serial != serial || p->state == PROGRAM_DOWN)
			return;
	}
	buf_consume(&p->in, at);
	p->scanned -= at;
	if (p->in.len >= FILTER_IN_MAX)
		program_fail(p, "a line of more than %d bytes", FILTER_IN_MAX);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;
	ssize_t n = read(fd, buf_reserve(&p->in, READ_LEN), READ_LEN);

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		program_fail(p, "it has closed its output");
	} else {
		p->in.len += (size_t)n;
		take_lines(p);
	}
	stream_flush(p->filters);
}

/* What it logs */

static void
log_err_line(struct program *p, char *line, size_t len)
{
	time_t now = time(NULL);

	if (now != p->err_second) {
		if (p->err_lines > ERR_LINES_MAX)
			log_info("%s: %u lines left out", p->name,
			    p->err_lines - ERR_LINES_MAX);
		p->err_second = now;
		p->err_lines = 0;
	}
	if (++p->err_lines > ERR_LINES_MAX)
		return;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	log_info("%s: %.*s", p->name, (int)len, line);
}

/* True when there may be more. */
static bool
read_err(struct program *p)
{
	ssize_t n = read(p->err_fd, buf_reserve(&p->err, READ_LEN), READ_LEN);
	size_t at = 0;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		drop_event(&p->err_readable);
		drop_fd(&p->err_fd);
		return false;
	}
	p->err.len += (size_t)n;
	while (at < p->err.len) {
		char *line = (char *)p->err.data + at;
		char *lf = memchr(line, '\n', p->err.len - at);
		size_t len = lf == NULL ? p->err.len - at : (size_t)(lf - line);

		if (lf == NULL && len < ERR_LINE_MAX)
			break;
		if (len > ERR_LINE_MAX)
			len = ERR_LINE_MAX;
		log_err_line(p, line, len);
		at += len + (line + len == lf);
	}
	buf_consume(&p->err, at);
	return true;
}

static void
on_err(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_err(arg);
}

/* What it said before its end, if that is not without end. */
static void
read_last_words(struct program *p)
{
	for (unsigned i = 0; i < LAST_WORDS && p->err_fd != -1; i++) {
		if (!read_err(p))
			return;
	}
}

/* What it reads */

static void
written(struct program *p, size_t n)
{
	p->out_at += n;
	p->written_total += n;
	while (!TAILQ_EMPTY(&p->marks) &&
	    TAILQ_FIRST(&p->marks)->at <= p->written_total)
		pop_mark(p, true);
	if (p->out_at == p->out.len) {
		buf_reset(&p->out);
		p->out_at = 0;
	} else if (p->out_at > STREAM_HIGH) {
		buf_consume(&p->out, p->out_at);
		p->out_at = 0;
	}
	if (p->out.len - p->out_at < STREAM_LOW)
		release_waiting(p);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;
	size_t left = p->out.len - p->out_at;
	ssize_t n;

	(void)what;
	if (left == 0)
		return;
	n = write(
	    fd, p->out.data + p->out_at, left < WRITE_LEN ? left : WRITE_LEN);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		program_fail(p, "it has closed its input");
		return;
	}
	if (n > 0)
		written(p, (size_t)n);
	if (p->out.len > p->out_at)
		event_add(p->writable, NULL);
}

void
program_queued(struct program *p)
{
	size_t left = p->out.len - p->out_at;

	if (left > p->marked + QUEUE_MAX)
		program_fail(p, "it does not read what it is told");
	else if (p->writable != NULL && left > 0)
		event_active(p->writable, EV_WRITE, 0);
}

void
program_mark(struct program *p, uint64_t link, uint32_t credit, size_t bytes)
{
	struct mark *m = TAILQ_LAST(&p->marks, marks);

	p->marked += bytes;
	if (m != NULL && link == 0 && m->link == 0) {
		m->at = p->written_total + p->out.len - p->out_at;
		m->bytes += bytes;
		return;
	}
	m = xcalloc(1, sizeof(*m));
	*m = (struct mark){ .at = p->written_total + p->out.len - p->out_at,
		.link = link,
		.credit = credit,
		.bytes = bytes };
	TAILQ_INSERT_TAIL(&p->marks, m, entry);
}

void
program_got_fd(struct program *p, bool err, int fd)
{
	struct event_base *base = p->filters->proc->base;

	evutil_make_socket_nonblocking(fd);
	if (err) {
		drop_event(&p->err_readable);
		drop_fd(&p->err_fd);
		p->err_fd = fd;
		p->err_readable =
		    event_new(base, fd, EV_READ | EV_PERSIST, on_err, p);
		event_add(p->err_readable, NULL);
		return;
	}
	p->fd = fd;
	p->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, p);
	p->writable = event_new(base, fd, EV_WRITE, on_writable, p);
	event_add(p->readable, NULL);
	put_handshake(p);
	program_queued(p);
}

void
program_hold(struct program *p)
{
	if (p->holds++ == 0 && p->readable != NULL)
		event_del(p->readable);
}

void
program_unhold(struct program *p)
{
	if (p->holds > 0 && --p->holds == 0 && p->readable != NULL)
		event_add(p->readable, NULL);
}

void
program_flush(struct program *p)
{
	struct pollfd pfd = { p->fd, POLLOUT, 0 };
	ssize_t n;

	while (p->fd != -1 && p->out_at < p->out.len &&
	    poll(&pfd, 1, LAST_WRITE) == 1) {
		n = write(
		    p->fd, p->out.data + p->out_at, p->out.len - p->out_at);
		if (n <= 0)
			return;
		p->out_at += (size_t)n;
	}
}
