/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/lookup/ruleset.h"
#include "smtpd/lookup/table_proc.h"
#include "smtpd/proc/lookup/programs.h"

#define BACKOFF_FIRST 250   /* ms */
#define BACKOFF_MAX   30000 /* ms */
#define STEADY_TIME   60    /* seconds: then failures are forgotten */
#define ERR_LINE_MAX  1024

struct table_runner {
	TAILQ_ENTRY(table_runner) entry;
	struct proc *proc;
	struct table_proc *program;
	char *name;
	uint32_t serial; /* 0: it does not run */
	bool settled;
	unsigned failures;
	time_t started_at;
	struct event *again, *err_readable;
	int err_fd;
	struct buf err;
};

/* PROGRAM: 's' start, 'k' end; serial u32, name. */
static void
tell_parent(const struct table_runner *r, char what)
{
	struct buf b = { 0 };

	buf_add_u8(&b, (uint8_t)what);
	wire_put_u32(&b, r->serial);
	buf_add_str(&b, r->name);
	proc_send(r->proc, PROC_PARENT, 0, MSG_PROGRAM, &b, -1);
	buf_free(&b);
}

/* Each line to the log. */
static void
log_lines(struct table_runner *r, bool all)
{
	const uint8_t *end;
	size_t n;

	while (r->err.len > 0) {
		end = memchr(r->err.data, '\n', r->err.len);
		if (end == NULL && !all && r->err.len < ERR_LINE_MAX)
			return;
		n = end == NULL ? r->err.len : (size_t)(end - r->err.data);
		if (n > ERR_LINE_MAX)
			n = ERR_LINE_MAX;
		log_info("table %s: %.*s", r->name, (int)n,
		    (const char *)r->err.data);
		n += n < r->err.len && r->err.data[n] == '\n';
		buf_consume(&r->err, n);
	}
}

static void
drop_err(struct table_runner *r)
{
	log_lines(r, true);
	if (r->err_readable != NULL)
		event_free(r->err_readable);
	r->err_readable = NULL;
	if (r->err_fd != -1)
		close(r->err_fd);
	r->err_fd = -1;
	buf_free(&r->err);
}

static void
on_err(evutil_socket_t fd, short what, void *arg)
{
	struct table_runner *r = arg;
	ssize_t n = read(fd, buf_reserve(&r->err, ERR_LINE_MAX), ERR_LINE_MAX);

	(void)what;
	if (n > 0) {
		r->err.len += (size_t)n;
		log_lines(r, false);
	} else if (n == 0) {
		drop_err(r);
	}
}

static void
start(struct table_runner *r)
{
	do
		r->serial = arc4random();
	while (r->serial == 0);
	r->started_at = time(NULL);
	tell_parent(r, 's');
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start(arg);
}

static void
start_later(struct table_runner *r)
{
	unsigned ms = BACKOFF_FIRST;
	struct timeval tv;

	r->serial = 0;
	r->settled = true;
	if (time(NULL) - r->started_at > STEADY_TIME)
		r->failures = 0;
	for (unsigned i = 0; i < r->failures && ms < BACKOFF_MAX; i++)
		ms *= 2;
	r->failures++;
	ms = ms < BACKOFF_MAX ? ms : BACKOFF_MAX;
	tv = (struct timeval){ ms / 1000, (ms % 1000) * 1000L };
	event_add(r->again, &tv);
}

static void
failed(void *arg, const char *why)
{
	struct table_runner *r = arg;

	if (r->serial == 0)
		return;
	log_warn("table %s: the program %s: it is started again", r->name, why);
	tell_parent(r, 'k');
	start_later(r);
}

void
lookup_programs_start(
    struct proc *p, struct table_runners *runners, struct tables *t)
{
	struct table_runner *r;
	const struct conf_table *ct;

	TAILQ_FOREACH(ct, &p->setup->conf->tables, entry) {
		if (ct->kind != CONF_TABLE_PROC)
			continue;
		r = xcalloc(1, sizeof(*r));
		r->proc = p;
		r->program = table_program(tables_get(t, ct));
		r->name = xstrdup(ct->name);
		r->err_fd = -1;
		r->again = event_new(p->base, -1, 0, on_again, r);
		table_proc_watch(r->program, failed, r);
		table_proc_give_time(r->program, p->setup->table_time);
		TAILQ_INSERT_TAIL(runners, r, entry);
		start(r);
	}
}

void
lookup_programs_end(struct table_runners *runners)
{
	struct table_runner *r;

	while ((r = TAILQ_FIRST(runners)) != NULL) {
		TAILQ_REMOVE(runners, r, entry);
		if (r->serial != 0)
			tell_parent(r, 'k');
		table_proc_detach(r->program);
		drop_err(r);
		event_free(r->again);
		free(r->name);
		free(r);
	}
}

static void
take_err(struct table_runner *r, int fd)
{
	drop_err(r);
	r->err_fd = fd;
	evutil_make_socket_nonblocking(fd);
	r->err_readable =
	    event_new(r->proc->base, fd, EV_READ | EV_PERSIST, on_err, r);
	event_add(r->err_readable, NULL);
}

void
lookup_programs_message(struct table_runners *runners, struct ipc_msg *m)
{
	struct table_runner *r;
	struct wire w;
	uint32_t serial;
	uint8_t what;
	int fd;

	wire_init(&w, m->data, m->len);
	what = wire_u8(&w);
	serial = wire_u32(&w);
	TAILQ_FOREACH(r, runners, entry) {
		if (r->serial == serial && serial != 0)
			break;
	}
	if (r == NULL)
		return;
	fd = ipc_take_fd(m);
	if (what == 'e' && fd != -1) {
		take_err(r, fd);
	} else if (what == 'i' && fd != -1) {
		r->settled = true;
		table_proc_attach(r->program, fd);
	} else if (what == 'x') {
		table_proc_detach(r->program);
		start_later(r);
	}
}

bool
lookup_programs_settled(const struct table_runners *runners)
{
	const struct table_runner *r;

	TAILQ_FOREACH(r, runners, entry) {
		if (!r->settled)
			return false;
	}
	return true;
}
