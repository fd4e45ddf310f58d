/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The control process: smtpctl's socket, and the counters.
 *
 * A client sends one frame (proc/ipc.h) and gets CTL_LINE frames and a
 * CTL_END with a problem or nothing.  Anyone may ask for a session, to send
 * mail: that connection goes to a dispatcher.  All else is for root and for
 * the user that smtpd was started by; the system says who a client is.
 *
 * A client that sends nonsense loses its connection, and nothing else
 * happens.
 */
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/proc.h"
#include "smtpd/proc/trace.h"

#include "smtpd/proc/control/control.h"

#define CLIENTS_PER_USER 32
#define COMMAND_MAX      4096
#define COUNTERS_MAX     64
#define CONFIG_PIECE     65536 /* bytes of a frame */

struct client {
	TAILQ_ENTRY(client) entry;
	struct proc *proc;
	struct ipc *ipc;
	int fd; /* a copy, to pass on */
	uid_t uid;
	uint32_t request;
	unsigned ends; /* answers that are still to come */
};

struct counter {
	char name[64];
	int64_t value;
};

struct state {
	TAILQ_HEAD(, client) clients;
	struct evconnlistener *evl;
	struct counter counters[COUNTERS_MAX];
	size_t n_counters;
	uint32_t last_request;
	unsigned next_dispatcher;
	time_t since; /* the counters count */
};

static struct state *
state_of(struct proc *p)
{
	struct state *st = p->state;

	if (st == NULL) {
		st = xcalloc(1, sizeof(*st));
		TAILQ_INIT(&st->clients);
		st->since = time(NULL);
		p->state = st;
	}
	return st;
}

static void
free_client(struct client *c)
{
	struct state *st = c->proc->state;

	TAILQ_REMOVE(&st->clients, c, entry);
	ipc_free(c->ipc);
	close(c->fd);
	free(c);
}

static void
end(struct client *c, const char *problem)
{
	ipc_send(c->ipc, MSG_CTL_END, problem, strlen(problem), -1);
}

static void
show_counters(struct client *c)
{
	const struct state *st = c->proc->state;
	struct buf b = { 0 };

	buf_printf(&b, "uptime=%lld", (long long)(time(NULL) - st->since));
	ipc_send(c->ipc, MSG_CTL_LINE, b.data, b.len, -1);
	for (size_t i = 0; i < st->n_counters; i++) {
		buf_reset(&b);
		buf_printf(&b, "%s=%lld", st->counters[i].name,
		    (long long)st->counters[i].value);
		ipc_send(c->ipc, MSG_CTL_LINE, b.data, b.len, -1);
	}
	buf_free(&b);
}

/* Pass the request on; the answers come back with its number. */
static void
ask(struct client *c, enum proc_id to, unsigned instance,
    enum proc_message type, const void *data, size_t len, int fd)
{
	struct state *st = c->proc->state;
	struct buf b = { 0 };

	if (c->ends == 0)
		c->request = ++st->last_request;
	wire_put_u32(&b, c->request);
	buf_add(&b, data, len);
	if (proc_send(c->proc, to, instance, type, &b, fd))
		c->ends++;
	else
		end(c, "smtpd is not ready to answer that just now");
	buf_free(&b);
}

static void
verbose(struct client *c, bool on)
{
	struct buf b = { 0 };

	buf_add_u8(&b, on);
	proc_send(c->proc, PROC_PARENT, 0, MSG_VERBOSE, &b, -1);
	buf_free(&b);
	end(c, "");
}

/* The parent keeps it for a process that has to be started again. */
static void
set_paused(struct client *c, const char *text)
{
	static const struct {
		const char *pause, *resume;
		unsigned what;
	} all[] = {
		{ "pause mda", "resume mda", SETUP_PAUSE_MDA },
		{ "pause mta", "resume mta", SETUP_PAUSE_MTA },
		{ "pause smtp", "resume smtp", SETUP_PAUSE_SMTP },
	};
	struct setup *s = c->proc->setup;
	struct buf b = { 0 };

	for (size_t i = 0; i < 3; i++) {
		if (strcmp(text, all[i].pause) == 0)
			s->paused |= all[i].what;
		else if (strcmp(text, all[i].resume) == 0)
			s->paused &= ~all[i].what;
		else
			continue;
		buf_add_u8(&b, (uint8_t)s->paused);
		proc_send(c->proc, PROC_PARENT, 0, MSG_PAUSED, &b, -1);
		buf_free(&b);
	}
}

/* "trace SUBJECT", "unprofile SUBJECT" and so on; false: it is neither. */
static bool
set_trace(struct client *c, const char *text)
{
	bool off = strncmp(text, "un", 2) == 0;
	bool profile = strncmp(text + (off ? 2 : 0), "profile ", 8) == 0;
	const char *word = text + (off ? 2 : 0) + (profile ? 8 : 6);
	struct setup *s = c->proc->setup;
	struct buf b = { 0 };
	unsigned subjects;

	if (!profile && strncmp(text + (off ? 2 : 0), "trace ", 6) != 0)
		return false;
	subjects = profile ? trace_parse_profile(word) : trace_parse(word);
	if (subjects == 0) {
		end(c,
		    profile ?
			"profile knows imsg and queue" :
			"trace knows all, bounce, expand, filters, imsg, "
			"lookup, mproc, mta, rules, scheduler, smtp and stat");
		return true;
	}
	s->trace = off ? s->trace & ~subjects : s->trace | subjects;
	wire_put_u32(&b, s->trace);
	proc_send(c->proc, PROC_PARENT, 0, MSG_TRACE, &b, -1);
	buf_free(&b);
	end(c, "");
	return true;
}

static void
show_status(struct client *c)
{
	static const struct {
		const char *name;
		unsigned what;
	} all[] = {
		{ "MDA", SETUP_PAUSE_MDA },
		{ "MTA", SETUP_PAUSE_MTA },
		{ "SMTP", SETUP_PAUSE_SMTP },
	};
	struct buf b = { 0 };

	for (size_t i = 0; i < 3; i++) {
		buf_reset(&b);
		buf_printf(&b, "%s %s", all[i].name,
		    (c->proc->setup->paused & all[i].what) != 0 ? "paused" :
								  "running");
		ipc_send(c->ipc, MSG_CTL_LINE, b.data, b.len, -1);
	}
	buf_free(&b);
	end(c, "");
}

/* As the children read it: includes and macros are gone. */
static void
show_config(struct client *c)
{
	struct buf b = { 0 };

	conf_print(c->proc->setup->conf, &b);
	for (size_t at = 0; at < b.len; at += CONFIG_PIECE)
		ipc_send(c->ipc, MSG_CTL_LINE, b.data + at,
		    b.len - at < CONFIG_PIECE ? b.len - at : CONFIG_PIECE, -1);
	buf_free(&b);
	end(c, "");
}

static void
show_rules(struct client *c)
{
	const struct conf_match *m;
	struct buf b = { 0 };

	TAILQ_FOREACH(m, &c->proc->setup->conf->matches, entry) {
		buf_reset(&b);
		buf_printf(&b, "%s:%d: ", m->pos.file, m->pos.line);
		conf_print_match(m, &b);
		ipc_send(c->ipc, MSG_CTL_LINE, b.data, b.len, -1);
	}
	buf_free(&b);
	end(c, "");
}

static void
command(struct client *c, const char *text)
{
	size_t len = strlen(text);

	if (set_trace(c, text))
		return;
	set_paused(c, text);
	if (strcmp(text, "pause smtp") == 0 ||
	    strcmp(text, "resume smtp") == 0) {
		for (unsigned i = 0; i < c->proc->setup->n_dispatchers; i++)
			ask(c, PROC_DISPATCHER, i, MSG_CTL, text, len, -1);
	} else if (strcmp(text, "show-hosts") == 0 ||
	    strcmp(text, "show-hoststats") == 0 ||
	    strcmp(text, "show-relays") == 0 ||
	    strcmp(text, "show-routes") == 0 ||
	    strncmp(text, "resume-route ", 13) == 0) {
		ask(c, PROC_DISPATCHER, c->proc->setup->n_dispatchers - 1,
		    MSG_CTL, text, len, -1);
	} else if (strncmp(text, "update-table ", 13) == 0) {
		ask(c, PROC_LOOKUP, 0, MSG_TABLE_UPDATE, text + 13, len - 13,
		    -1);
	} else if (strcmp(text, "log verbose") == 0) {
		verbose(c, true);
	} else if (strcmp(text, "log brief") == 0) {
		verbose(c, false);
	} else if (strcmp(text, "show-config") == 0) {
		show_config(c);
	} else if (strcmp(text, "show-status") == 0) {
		show_status(c);
	} else if (strcmp(text, "show-rules") == 0) {
		show_rules(c);
	} else {
		if (strcmp(text, "show-stats") == 0)
			show_counters(c);
		ask(c, PROC_QUEUE, 0, MSG_CTL, text, len, -1);
	}
}

/* A client that wants to send mail becomes a session. */
static void
give_to_dispatcher(struct client *c)
{
	struct state *st = c->proc->state;
	unsigned n = c->proc->setup->n_dispatchers;

	proc_send(c->proc, PROC_DISPATCHER, st->next_dispatcher++ % n,
	    MSG_LISTEN, NULL, fcntl(c->fd, F_DUPFD_CLOEXEC, 3));
	free_client(c);
}

static bool
may_command(const struct client *c)
{
	return c->uid == 0 ||
	    (!c->proc->setup->privileged && c->uid == geteuid());
}

static void
from_client(struct ipc *ipc, struct ipc_msg *m, void *arg)
{
	struct client *c = arg;
	char *text;

	(void)ipc;
	if (m == NULL || c->ends > 0 ||
	    (m->len > COMMAND_MAX &&
		(m->type != MSG_IMPORT || !may_command(c)))) {
		free_client(c);
		return;
	}
	if (m->type == MSG_LISTEN) {
		give_to_dispatcher(c);
	} else if (!may_command(c)) {
		end(c,
		    c->proc->setup->privileged ?
			"only root may do that: try with sudo or doas" :
			"only root, and the user that started smtpd, may do "
			"that");
	} else if (m->type == MSG_EXPLAIN) {
		ask(c, PROC_LOOKUP, 0, MSG_EXPLAIN, m->data, m->len, -1);
	} else if (m->type == MSG_IMPORT) {
		ask(c, PROC_QUEUE, 0, MSG_IMPORT, m->data, m->len,
		    ipc_take_fd(m));
	} else if (m->type == MSG_CTL) {
		text = xstrndup((const char *)m->data, m->len);
		command(c, text);
		free(text);
	} else {
		free_client(c);
	}
}

static void
on_accept(struct evconnlistener *evl, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	struct proc *p = arg;
	struct state *st = p->state;
	struct ucred cred;
	socklen_t cred_len = sizeof(cred);
	struct client *c;
	unsigned n = 0;

	(void)evl;
	(void)sa;
	(void)len;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) == -1) {
		close(fd);
		return;
	}
	TAILQ_FOREACH(c, &st->clients, entry)
		n += c->uid == cred.uid;
	if (n >= CLIENTS_PER_USER) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->proc = p;
	c->uid = cred.uid;
	c->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	c->ipc = ipc_new(p->base, fd, from_client, c);
	TAILQ_INSERT_TAIL(&st->clients, c, entry);
}

static void
count(struct state *st, struct ipc_msg *m)
{
	struct wire w;
	int64_t delta;
	size_t i;

	wire_init(&w, m->data, m->len);
	delta = wire_svarint(&w);
	if (!wire_ok(&w) || w.left == 0 ||
	    w.left >= sizeof(st->counters[0].name))
		return;
	for (i = 0; i < st->n_counters; i++) {
		if (strlen(st->counters[i].name) == w.left &&
		    memcmp(st->counters[i].name, w.p, w.left) == 0)
			break;
	}
	if (i == COUNTERS_MAX)
		return;
	if (i == st->n_counters) {
		memcpy(st->counters[i].name, w.p, w.left);
		st->n_counters++;
	}
	st->counters[i].value += delta;
	trace(TRACE_STAT, "stat: %s %+lld = %lld", st->counters[i].name,
	    (long long)delta, (long long)st->counters[i].value);
}

static struct client *
find_client(struct state *st, uint32_t request)
{
	struct client *c;

	TAILQ_FOREACH(c, &st->clients, entry) {
		if (c->ends > 0 && c->request == request)
			return c;
	}
	return NULL;
}

/* An answer for a client: request u32 and a text. */
static void
answer(struct state *st, struct ipc_msg *m)
{
	struct client *c;
	struct wire w;

	wire_init(&w, m->data, m->len);
	c = find_client(st, wire_u32(&w));
	if (!wire_ok(&w) || c == NULL)
		return;
	switch (m->type) {
	case MSG_CTL_LINE:
		ipc_send(c->ipc, MSG_CTL_LINE, w.p, w.left, -1);
		break;
	case MSG_EXPLAINED:
		wire_u32(&w);
		ipc_send(c->ipc, MSG_CTL_LINE, w.p, w.left, -1);
		c->ends--;
		end(c, "");
		break;
	default:
		if (--c->ends == 0)
			ipc_send(c->ipc, MSG_CTL_END, w.p, w.left, -1);
		break;
	}
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = state_of(p);

	switch (m->type) {
	case MSG_LISTEN:
		if (from.id == PROC_PARENT && m->fd != -1)
			st->evl = evconnlistener_new(p->base, on_accept, p,
			    LEV_OPT_CLOSE_ON_EXEC, 0, ipc_take_fd(m));
		break;
	case MSG_COUNT:
		count(st, m);
		break;
	case MSG_CTL_LINE:
	case MSG_CTL_END:
	case MSG_EXPLAINED:
	case MSG_TABLE_UPDATED:
		answer(st, m);
		break;
	default:
		log_warn("control: message %u from the %s", m->type,
		    proc_name(from.id));
		break;
	}
}

const struct proc_ops control_ops = {
	.id = PROC_CONTROL,
	.message = message,
};
