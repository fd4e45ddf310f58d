/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The parent: reads the configuration, binds, starts all others, and starts
 * those again that may die: dispatchers, the lookup and the control process.
 * When the queue or the scheduler ends, so does smtpd, in order.
 *
 * Signals: TERM and INT stop, HUP reads the configuration again: sessions go
 * on with the one they began with.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/sources.h"

#include "smtpd/proc/parent/parent.h"
#include "smtpd/proc/parent/parent_internal.h"

#define DRAIN_LIMIT 10 /* seconds that sessions have to end */
#define BACKOFF_MAX 30
#define SIGNALS     4

/* Tell systemd, when it asked to be told. */
static void
notify(const char *what)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	socklen_t len;
	int fd;

	if (path == NULL || strlen(path) >= sizeof(sun.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(sun.sun_path, path, strlen(path));
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (sendto(fd, what, strlen(what), MSG_NOSIGNAL,
		(struct sockaddr *)&sun, len) == -1)
		log_debug("notify: %s", strerror(errno));
	close(fd);
}

/* With the time, to tell this reload from another. */
static void
notify_reloading(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify(text);
}

static bool
restartable(enum proc_id id)
{
	return id == PROC_DISPATCHER || id == PROC_LOOKUP ||
	    id == PROC_CONTROL || id == PROC_RESOLVER || id == PROC_AUTH ||
	    id == PROC_FILTER;
}

static void
send_all(struct parent *pa, enum proc_message type)
{
	for (unsigned i = 0; i < pa->n_children; i++) {
		if (pa->children[i].ipc != NULL)
			ipc_send(pa->children[i].ipc, type, NULL, 0, -1);
	}
}

/* Dispatchers first, so that what they accept is still taken in. */
void
parent_stop(struct parent *pa, int status)
{
	const struct timeval limit = { DRAIN_LIMIT, 0 };

	if (status != 0)
		pa->status = status;
	if (pa->stopping)
		return;
	pa->stopping = true;
	notify("STOPPING=1");
	for (unsigned i = 0; i < pa->n_children; i++) {
		struct child *c = &pa->children[i];

		if (c->who.id == PROC_DISPATCHER && c->ipc != NULL)
			ipc_send(c->ipc, MSG_DRAIN, NULL, 0, -1);
	}
	event_add(pa->deadline, &limit);
}

static bool
runs(const struct parent *pa, bool dispatchers)
{
	for (unsigned i = 0; i < pa->n_children; i++) {
		if (pa->children[i].pid != 0 &&
		    (pa->children[i].who.id == PROC_DISPATCHER) == dispatchers)
			return true;
	}
	return false;
}

/* The next step of stopping: dispatchers, then workers, then the rest. */
static void
go_on_stopping(struct parent *pa)
{
	if (runs(pa, true))
		return;
	workers_stop(pa);
	if (workers_busy(pa))
		return;
	send_all(pa, MSG_STOP);
	if (runs(pa, false))
		return;
	programs_stop(pa);
	if (!programs_busy(pa))
		event_base_loopbreak(pa->base);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct parent *pa = arg;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < pa->n_children; i++) {
		struct child *c = &pa->children[i];

		if (c->pid != 0 && c->who.id == PROC_DISPATCHER)
			kill(c->pid, SIGKILL);
	}
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	struct err e;

	(void)fd;
	(void)what;
	if (c->parent->stopping)
		return;
	if (parent_start_child(c->parent, c, &e) == -1) {
		log_error("%s: %s", proc_name(c->who.id), e.msg);
		parent_stop(c->parent, 1);
	}
}

static void
child_died(struct parent *pa, struct child *c, int status)
{
	struct timeval wait = { 0, 0 };

	c->pid = 0;
	if (c->ipc != NULL) {
		ipc_free(c->ipc);
		c->ipc = NULL;
	}
	c->reloads = 0;
	programs_orphaned(pa, c->who.id);
	if (pa->stopping)
		return;
	parent_reloaded(pa);
	log_error("the %s process %s %d", proc_name(c->who.id),
	    WIFSIGNALED(status) ? "was ended by signal" : "exited with",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (!restartable(c->who.id) || !pa->announced) {
		parent_stop(pa, 1);
		return;
	}
	c->failures =
	    time(NULL) - c->started_at > BACKOFF_MAX ? 0 : c->failures + 1;
	wait.tv_sec = c->failures > BACKOFF_MAX ? BACKOFF_MAX :
	    c->failures <= 1                    ? 0 :
						  (time_t)c->failures;
	event_add(c->restart, &wait);
}

static void
reap(struct parent *pa)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (workers_reap(pa, pid) || programs_reap(pa, pid, status) ||
		    offline_reap(pa, pid, status))
			continue;
		for (unsigned i = 0; i < pa->n_children; i++) {
			if (pa->children[i].pid == pid)
				child_died(pa, &pa->children[i], status);
		}
	}
	if (pa->stopping)
		go_on_stopping(pa);
}

void
parent_hand_out(struct parent *pa)
{
	if (!pa->reloading)
		return;
	pa->reloading = false;
	for (unsigned i = 0; i < pa->n_children; i++) {
		struct child *c = &pa->children[i];

		if (c->ipc == NULL)
			continue;
		parent_send_setup(pa, c, MSG_RELOAD);
		if (c->who.id == PROC_DISPATCHER)
			parent_send_listeners(pa, c);
		ipc_send(c->ipc, MSG_RELOADED, NULL, 0, -1);
		c->reloads++;
	}
	pa->handed_out = true;
}

void
parent_reloaded(struct parent *pa)
{
	for (unsigned i = 0; i < pa->n_children; i++) {
		if (pa->children[i].reloads > 0)
			return;
	}
	if (!pa->handed_out || pa->stopping)
		return;
	pa->handed_out = false;
	notify("READY=1");
	log_info("configuration read again");
}

/* The queue keeps its key.  One that was asked for is not asked for again. */
static bool
same_queue_key(const struct setup *old, struct setup *new)
{
	if (new->conf->encryption != NULL &&new->queue_key == NULL &&
	    old->queue_key != NULL)
		new->queue_key = xstrdup(old->queue_key);
	if (old->queue_key == NULL || new->queue_key == NULL)
		return old->queue_key == NULL && new->conf->encryption == NULL;
	return strcmp(old->queue_key, new->queue_key) == 0;
}

static void
reload(struct parent *pa)
{
	struct buf problems = { 0 };
	struct setup *old = pa->setup, *s;
	struct err e;

	s = setup_read(old->conf_path, (const char *const *)old->macros,
	    old->n_macros, &problems);
	if (s == NULL) {
		log_error("the configuration is kept as it was: %s",
		    buf_str(&problems));
		buf_free(&problems);
		return;
	}
	if (problems.len > 0)
		log_warn("the configuration: %s", buf_str(&problems));
	if (!same_queue_key(old, s)) {
		log_error("the configuration is kept as it was: queue "
			  "encryption changes with a new start only");
		setup_unref(s);
		buf_free(&problems);
		return;
	}
	s->foreground = old->foreground;
	s->privileged = old->privileged;
	s->verbose = old->verbose;
	s->paused = old->paused;
	s->trace = old->trace;
	s->n_dispatchers = old->n_dispatchers;
	s->uid = old->uid;
	s->gid = old->gid;
	s->queue_uid = old->queue_uid;
	s->queue_gid = old->queue_gid;
	s->filter_time = old->filter_time;
	s->session_time = old->session_time;
	s->table_time = old->table_time;
	s->generation = old->generation + 1;
	notify_reloading();
	pa->setup = s;
	if (programs_check(pa, &e) == -1 || parent_bind(pa, &e) == -1) {
		log_error("the configuration is kept as it was: %s", e.msg);
		pa->setup = old;
		old = s;
		if (parent_bind(pa, &e) == -1)
			log_error("%s", e.msg);
	}
	setup_unref(old);
	buf_free(&problems);
	/* The rest follows when the keys are there to sign with. */
	pa->reloading = true;
	parent_send_keys(pa);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct parent *pa = arg;

	(void)what;
	switch (sig) {
	case SIGCHLD:
		reap(pa);
		break;
	case SIGHUP:
		reload(pa);
		break;
	default:
		parent_stop(pa, 0);
		reap(pa);
		break;
	}
}

/* Every second: idle workers, and whether all are ready. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct parent *pa = arg;

	(void)fd;
	(void)what;
	workers_tick(pa);
	programs_tick(pa);
	offline_tick(pa);
	if (pa->stopping)
		go_on_stopping(pa);
}

static void
on_ready_check(evutil_socket_t fd, short what, void *arg)
{
	struct parent *pa = arg;
	const struct timeval soon = { 0, 2000 };

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < pa->n_children; i++) {
		if (!pa->children[i].ready) {
			if (!pa->stopping)
				event_base_once(pa->base, -1, EV_TIMEOUT,
				    on_ready_check, pa, &soon);
			return;
		}
	}
	pa->announced = true;
	offline_tick(pa);
	notify("READY=1");
	log_info("smtpd %s is ready", MAISON_VERSION);
}

static void
add_child(struct parent *pa, enum proc_id id, unsigned instance)
{
	struct child *c = &pa->children[pa->n_children++];

	c->parent = pa;
	c->who = (struct proc_peer){ id, instance };
	c->restart = event_new(pa->base, -1, 0, on_restart, c);
}

static int
start_all(struct parent *pa, struct err *e)
{
	pa->sources_fd = sources_create(e);
	if (pa->sources_fd == -1)
		return -1;
	add_child(pa, PROC_CONTROL, 0);
	add_child(pa, PROC_SCHEDULER, 0);
	add_child(pa, PROC_LOOKUP, 0);
	add_child(pa, PROC_KEYS, 0);
	add_child(pa, PROC_AUTH, 0);
	add_child(pa, PROC_RESOLVER, 0);
	add_child(pa, PROC_QUEUE, 0);
	add_child(pa, PROC_FILTER, 0);
	for (unsigned i = 0; i < pa->setup->n_dispatchers; i++)
		add_child(pa, PROC_DISPATCHER, i);
	for (unsigned i = 0; i < pa->n_children; i++) {
		if (parent_start_child(pa, &pa->children[i], e) == -1)
			return -1;
	}
	return 0;
}

/* A session is a descriptor: as many as may be. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		log_warn("descriptors: %s", strerror(errno));
}

static void
release(struct parent *pa)
{
	parent_unbind(pa);
	offline_stop(pa);
	for (unsigned i = 0; i < pa->n_children; i++)
		event_free(pa->children[i].restart);
	if (pa->sources_fd != -1)
		close(pa->sources_fd);
	event_free(pa->deadline);
	event_base_free(pa->base);
}

int
parent_main(struct setup *setup, const char *self)
{
	static const int signals[SIGNALS] = { SIGCHLD, SIGHUP, SIGTERM,
		SIGINT };
	struct event *own[SIGNALS + 1];
	const struct timeval second = { 1, 0 }, now = { 0, 0 };
	struct parent pa = {
		.setup = setup, .self = self, .control_fd = -1, .sources_fd = -1
	};
	struct err e;

	TAILQ_INIT(&pa.bound);
	TAILQ_INIT(&pa.workers);
	TAILQ_INIT(&pa.programs);
	TAILQ_INIT(&pa.offline);
	raise_descriptors();
	signal(SIGPIPE, SIG_IGN);
	pa.base = event_base_new();
	if (programs_check(&pa, &e) == -1 || parent_adopt(&pa, &e) == -1 ||
	    parent_bind(&pa, &e) == -1 || offline_prepare(&pa, &e) == -1) {
		log_error("%s", e.msg);
		return 1;
	}
	for (size_t i = 0; i < SIGNALS; i++) {
		own[i] = evsignal_new(pa.base, signals[i], on_signal, &pa);
		event_add(own[i], NULL);
	}
	pa.deadline = event_new(pa.base, -1, 0, on_deadline, &pa);
	own[SIGNALS] = event_new(pa.base, -1, EV_PERSIST, on_tick, &pa);
	event_add(own[SIGNALS], &second);
	if (start_all(&pa, &e) == -1) {
		log_error("%s", e.msg);
		parent_stop(&pa, 1);
	}
	event_base_once(pa.base, -1, EV_TIMEOUT, on_ready_check, &pa, &now);
	event_base_dispatch(pa.base);
	if (pa.control_fd != -1)
		unlink(pa.setup->socket);
	for (size_t i = 0; i <= SIGNALS; i++)
		event_free(own[i]);
	release(&pa);
	setup_unref(pa.setup);
	return pa.status;
}
