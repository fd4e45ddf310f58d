/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The auth process: whether a password is a user's, and how often a stranger
 * may be wrong.
 *
 * Each question is answered by a child that ends with it, since PAM's modules
 * and good hashes take their time: the process itself only counts.  What
 * needs no root has none: a child that compares a hash becomes smtpd's user.
 * It is the one process beside the parent that stays root, for the modules'
 * sake; it reads nothing but a name and a password whose bytes the dispatcher
 * has checked, and checks them again.
 *
 * Peers:  the lookup sends VERIFY and gets VERIFIED.
 * Limits: AUTH_CHILDREN at once, AUTH_WAITING more; CHILD_SECONDS each.
 */
#include <event2/event.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <bsd/sys/queue.h>
#include <bsd/unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/auth/auth_internal.h"
#include "smtpd/proc/auth/verify.h"
#include "smtpd/proc/confine.h"
#include "smtpd/proc/proc.h"

#include "smtpd/proc/auth/auth.h"

#define AUTH_CHILDREN 8
#define AUTH_WAITING  256
#define CHILD_SECONDS 30
/* A child's exit code is the answer above this: 0 is what anything ends with. */
#define EXIT_ANSWER   64
#define WRONG_SECONDS 1 /* that a wrong password waits for its answer */

struct job {
	TAILQ_ENTRY(job) entry;
	struct proc *proc;
	pid_t pid; /* 0: waits for its turn */
	struct event *penalty;
	struct auth_request request;
};

struct state {
	TAILQ_HEAD(, job) jobs;
	unsigned n_running, n_waiting;
	struct event *sigchld;
	struct limit limit;
};

static time_t
monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* VERIFIED: id u32, status u8. */
static void
tell(struct proc *p, const struct auth_request *r, enum auth_status status)
{
	struct buf b = { 0 };

	wire_put_u32(&b, r->id);
	buf_add_u8(&b, (uint8_t)status);
	proc_send(p, PROC_LOOKUP, 0, MSG_VERIFIED, &b, -1);
	buf_free(&b);
}

static void
end_job(struct state *st, struct job *j)
{
	TAILQ_REMOVE(&st->jobs, j, entry);
	if (j->penalty != NULL)
		event_free(j->penalty);
	explicit_bzero(j, sizeof(*j));
	free(j);
}

static void
on_penalty(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;

	(void)fd;
	(void)what;
	tell(j->proc, &j->request, AUTH_WRONG);
	end_job(j->proc->state, j);
}

static void ATTR_NORETURN
run(struct proc *p, const struct auth_request *r)
{
	const struct setup *s = p->setup;
	struct err e;

	signal(SIGCHLD, SIG_DFL);
	alarm(CHILD_SECONDS);
	/* Modules start programs: they get none of our descriptors. */
	closelog();
	closefrom(PROC_PARENT_FD);
	if (r->kind == AUTH_GRANTED)
		_exit(EXIT_ANSWER + AUTH_OK);
	if (r->kind == AUTH_SYSTEM)
		_exit(EXIT_ANSWER + (int)verify_system(r));
	if (s->privileged &&
	    (setgroups(1, &s->gid) == -1 ||
		setresgid(s->gid, s->gid, s->gid) == -1 ||
		setresuid(s->uid, s->uid, s->uid) == -1))
		_exit(EXIT_ANSWER + AUTH_LATER);
	if (confine_to_nothing(&e) == -1) {
		log_warn("auth: %s", e.msg);
		_exit(EXIT_ANSWER + AUTH_LATER);
	}
	_exit(EXIT_ANSWER + (int)verify_hash(r));
}

/* Children for those who wait, as many as may be. */
static void
start_waiting(struct proc *p)
{
	struct state *st = p->state;
	struct job *j, *next;

	for (j = TAILQ_FIRST(&st->jobs);
	     j != NULL && st->n_running < AUTH_CHILDREN; j = next) {
		next = TAILQ_NEXT(j, entry);
		if (j->pid != 0 || j->penalty != NULL)
			continue;
		st->n_waiting--;
		/* Those before it may have used up the chances. */
		if (limit_reached(&st->limit, j->request.source, monotonic())) {
			tell(p, &j->request, AUTH_TOO_MANY);
			end_job(st, j);
			continue;
		}
		j->pid = fork();
		if (j->pid == 0)
			run(p, &j->request);
		if (j->pid != -1) {
			explicit_bzero(
			    j->request.password, sizeof(j->request.password));
			st->n_running++;
			continue;
		}
		tell(p, &j->request, AUTH_LATER);
		end_job(st, j);
	}
}

static void
answered(struct proc *p, struct job *j, enum auth_status status)
{
	const struct timeval wait = { WRONG_SECONDS, 0 };
	struct state *st = p->state;

	j->pid = 0;
	st->n_running--;
	if (status == AUTH_OK)
		limit_forget(&st->limit, j->request.source);
	if (status == AUTH_WRONG) {
		limit_failed(&st->limit, j->request.source, monotonic());
		j->penalty = event_new(p->base, -1, 0, on_penalty, j);
		event_add(j->penalty, &wait);
		return;
	}
	tell(p, &j->request, status);
	end_job(st, j);
}

static void
on_sigchld(evutil_socket_t sig, short what, void *arg)
{
	struct proc *p = arg;
	struct state *st = p->state;
	struct job *j;
	int status, answer;
	pid_t pid;

	(void)sig;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		TAILQ_FOREACH(j, &st->jobs, entry) {
			if (j->pid == pid)
				break;
		}
		if (j == NULL)
			continue;
		answer = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		if (answer >= EXIT_ANSWER &&
		    answer <= EXIT_ANSWER + AUTH_LATER) {
			answered(
			    p, j, (enum auth_status)(answer - EXIT_ANSWER));
			continue;
		}
		log_warn("auth: no answer about %s in %d seconds, or a crash",
		    j->request.user, CHILD_SECONDS);
		answered(p, j, AUTH_LATER);
	}
	start_waiting(p);
}

/* A text with its NUL. */
static bool
take(struct wire *w, char *out, size_t size)
{
	const void *nul = w->left == 0 ? NULL : memchr(w->p, '\0', w->left);
	size_t len =
	    nul == NULL ? size : (size_t)((const uint8_t *)nul - w->p) + 1;

	if (len > size)
		return false;
	wire_copy(w, out, len);
	return true;
}

/*
 * VERIFY: id u32, kind u8, then user, password, hash and source, each with a
 * NUL.
 */
static void
verify(struct proc *p, struct ipc_msg *m)
{
	struct state *st = p->state;
	struct job *j = xcalloc(1, sizeof(*j));
	struct auth_request *r = &j->request;
	struct wire w;

	wire_init(&w, m->data, m->len);
	j->proc = p;
	r->id = wire_u32(&w);
	r->kind = wire_u8(&w);
	TAILQ_INSERT_TAIL(&st->jobs, j, entry);
	if (!take(&w, r->user, sizeof(r->user)) ||
	    !take(&w, r->password, sizeof(r->password)) ||
	    !take(&w, r->hash, sizeof(r->hash)) ||
	    !take(&w, r->source, sizeof(r->source)) || !wire_done(&w) ||
	    r->kind > AUTH_GRANTED || r->user[0] == '\0') {
		log_warn("auth: a request that does not decode");
		tell(p, r, AUTH_LATER);
		end_job(st, j);
	} else if (limit_reached(&st->limit, r->source, monotonic())) {
		tell(p, r, AUTH_TOO_MANY);
		end_job(st, j);
	} else if (st->n_waiting == AUTH_WAITING) {
		tell(p, r, AUTH_LATER);
		end_job(st, j);
	} else {
		st->n_waiting++;
		start_waiting(p);
	}
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	if (m->type == MSG_VERIFY)
		verify(p, m);
	else
		log_warn("auth: message %u from the %s", m->type,
		    proc_name(from.id));
}

/* Who wonders why a right password is refused finds it here. */
static void
warn(struct proc *p)
{
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &p->setup->conf->listens, entry) {
		if (p->setup->privileged || l->auth == CONF_AUTH_NONE ||
		    l->auth_table != NULL)
			continue;
		log_warn("auth without a table: smtpd was not started by root, "
			 "so only PAM modules that need no privileges work");
		return;
	}
}

static void
start(struct proc *p)
{
	const struct rlimit no_core = { 0, 0 };
	struct state *st = xcalloc(1, sizeof(*st));

	TAILQ_INIT(&st->jobs);
	if (setrlimit(RLIMIT_CORE, &no_core) == -1)
		log_warn("auth: core dumps can't be forbidden");
	p->state = st;
	st->sigchld = evsignal_new(p->base, SIGCHLD, on_sigchld, p);
	event_add(st->sigchld, NULL);
	warn(p);
}

const struct proc_ops auth_ops = {
	.id = PROC_AUTH,
	.start = start,
	.message = message,
	.reload = warn,
};
