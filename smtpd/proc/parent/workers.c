/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent: the delivery workers, one for each user with mail just now and each
 * kind of delivery: files, LMTP, programs.
 *
 * Root never delivers: a user with uid 0 is refused.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/deliver/delivery.h"

#include "smtpd/proc/parent/parent_internal.h"

#define IDLE 5 /* seconds that a worker stays without work */

struct worker {
	TAILQ_ENTRY(worker) entry;
	struct parent *parent;
	pid_t pid;
	uid_t uid;
	gid_t gid;
	char *user;
	unsigned kind; /* enum proc_deliver */
	struct ipc *ipc;
	uint64_t *jobs; /* handed over, not answered */
	size_t n_jobs, cap_jobs;
	time_t idle_since;
};

static void
answer(struct parent *pa, uint64_t id, enum delivery_status status,
    const char *line)
{
	struct buf b = { 0 };

	wire_put_u64(&b, id);
	buf_add_u8(&b, (uint8_t)status);
	buf_add_str(&b, line);
	parent_send(pa, PROC_QUEUE, 0, MSG_DELIVERED, &b, -1);
	buf_free(&b);
}

static void
free_worker(struct worker *w)
{
	for (size_t i = 0; i < w->n_jobs; i++)
		answer(w->parent, w->jobs[i], DELIVERY_LATER,
		    "451 4.3.0 The delivery process died");
	TAILQ_REMOVE(&w->parent->workers, w, entry);
	ipc_free(w->ipc);
	free(w->jobs);
	free(w->user);
	free(w);
}

static void
finish_job(struct worker *w, uint64_t id)
{
	for (size_t i = 0; i < w->n_jobs; i++) {
		if (w->jobs[i] == id) {
			w->jobs[i] = w->jobs[--w->n_jobs];
			break;
		}
	}
	w->idle_since = time(NULL);
}

static void
from_worker(struct ipc *ipc, struct ipc_msg *m, void *arg)
{
	struct worker *w = arg;
	struct wire wire;
	uint64_t id;

	(void)ipc;
	if (m == NULL) {
		free_worker(w);
		return;
	}
	if (m->type != MSG_DELIVERED)
		return;
	wire_init(&wire, m->data, m->len);
	id = wire_u64(&wire);
	for (size_t i = 0; i < w->n_jobs; i++) {
		if (w->jobs[i] == id) {
			struct buf b = { 0 };

			finish_job(w, id);
			buf_add(&b, m->data, m->len);
			parent_send(
			    w->parent, PROC_QUEUE, 0, MSG_DELIVERED, &b, -1);
			buf_free(&b);
			return;
		}
	}
}

/* What a delivery needs of its worker, which is shut in accordingly. */
static enum proc_deliver
kind_of(const struct delivery *d)
{
	if (d->exec != NULL)
		return d->exec[0] == '/' ? PROC_DELIVER_FILES :
					   PROC_DELIVER_PROGRAM;
	if (d->method == CONF_MDA)
		return PROC_DELIVER_PROGRAM;
	return d->method == CONF_LMTP ? PROC_DELIVER_LMTP : PROC_DELIVER_FILES;
}

static struct worker *
new_worker(struct parent *pa, const struct delivery *d, struct err *e)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	int fd;

	w->parent = pa;
	w->uid = d->uid;
	w->gid = d->gid;
	w->user = xstrdup(d->user);
	w->kind = kind_of(d);
	w->pid = parent_exec(pa, (struct proc_peer){ PROC_DELIVER, w->kind },
	    d->uid, d->gid, true, &fd, e);
	if (w->pid == -1) {
		free(w->user);
		free(w);
		return NULL;
	}
	w->ipc = ipc_new(pa->base, fd, from_worker, w);
	ipc_send(w->ipc, MSG_START, NULL, 0, -1);
	TAILQ_INSERT_TAIL(&pa->workers, w, entry);
	return w;
}

static struct worker *
find_worker(struct parent *pa, const struct delivery *d, size_t *n)
{
	struct worker *w;

	*n = 0;
	TAILQ_FOREACH(w, &pa->workers, entry) {
		if (w->kind == kind_of(d) && w->uid == d->uid &&
		    w->gid == d->gid && strcmp(w->user, d->user) == 0)
			return w;
		++*n;
	}
	return NULL;
}

/*
 * Only root can make a file in /var/mail: made here, owned by the user and
 * empty, when it is missing.  Never followed, never opened again.
 */
static void
make_mbox(const struct delivery *d)
{
	char *path;
	int fd;

	if (strchr(d->user, '/') != NULL || d->user[0] == '.')
		return;
	path = xasprintf("/var/mail/%s", d->user);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	free(path);
	if (fd == -1)
		return;
	if (fchown(fd, d->uid, d->gid) == -1)
		log_warn("/var/mail/%s: %s", d->user, strerror(errno));
	close(fd);
}

/* What stands against a delivery, or NULL. */
static const char *
refuse(const struct parent *pa, const struct delivery *d)
{
	if (pa->setup->privileged && d->uid == 0)
		return "root gets no mail: use an alias for root";
	if (!pa->setup->privileged && d->uid != geteuid())
		return "not started by root: can deliver only as the user who "
		       "started smtpd";
	return NULL;
}

void
workers_deliver(struct parent *pa, struct ipc_msg *m)
{
	struct delivery d;
	struct worker *w;
	const char *problem;
	struct err e;
	size_t n;

	if (!delivery_decode(m->data, m->len, &d)) {
		log_warn("parent: a delivery that does not decode");
		return;
	}
	problem = refuse(pa, &d);
	w = problem == NULL ? find_worker(pa, &d, &n) : NULL;
	if (problem == NULL && w == NULL) {
		if (n >= pa->setup->conf->limits.mda_max_session)
			problem = "421 4.3.0 Too many deliveries at once";
		else if ((w = new_worker(pa, &d, &e)) == NULL)
			problem = e.msg;
	}
	if (problem != NULL) {
		answer(pa, d.id, DELIVERY_LATER, problem);
		delivery_clear(&d);
		return;
	}
	if (pa->setup->privileged && d.method == CONF_MBOX && d.exec == NULL)
		make_mbox(&d);
	if (w->n_jobs == w->cap_jobs) {
		w->cap_jobs = w->cap_jobs == 0 ? 16 : w->cap_jobs * 2;
		w->jobs = xreallocarray(w->jobs, w->cap_jobs, sizeof(*w->jobs));
	}
	w->jobs[w->n_jobs++] = d.id;
	ipc_send(w->ipc, MSG_DELIVER, m->data, m->len, ipc_take_fd(m));
	delivery_clear(&d);
}

bool
workers_reap(struct parent *pa, pid_t pid)
{
	struct worker *w;

	TAILQ_FOREACH(w, &pa->workers, entry) {
		if (w->pid == pid) {
			/* Its last answers may still be in the pair: the end
			 * of that frees it. */
			w->pid = 0;
			return true;
		}
	}
	return false;
}

void
workers_tick(struct parent *pa)
{
	time_t now = time(NULL);
	struct worker *w;

	TAILQ_FOREACH(w, &pa->workers, entry) {
		if (w->n_jobs == 0 && now - w->idle_since > IDLE)
			ipc_send(w->ipc, MSG_STOP, NULL, 0, -1);
	}
}

void
workers_stop(struct parent *pa)
{
	struct worker *w;

	TAILQ_FOREACH(w, &pa->workers, entry)
		ipc_send(w->ipc, MSG_STOP, NULL, 0, -1);
}

bool
workers_busy(const struct parent *pa)
{
	return !TAILQ_EMPTY(&pa->workers);
}
