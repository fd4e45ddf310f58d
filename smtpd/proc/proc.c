/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <bsd/unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/confine.h"
#include "smtpd/proc/trace.h"

#include "smtpd/proc/proc.h"

/* What an ipc callback is told: whose end it is. */
struct link {
	struct proc *proc;
	struct proc_peer peer;
};

static const char *const names[] = {
	[PROC_PARENT] = "parent",
	[PROC_CONTROL] = "control",
	[PROC_LOOKUP] = "lookup",
	[PROC_QUEUE] = "queue",
	[PROC_SCHEDULER] = "scheduler",
	[PROC_DISPATCHER] = "dispatcher",
	[PROC_DELIVER] = "deliver",
	[PROC_RESOLVER] = "resolver",
	[PROC_KEYS] = "keys",
	[PROC_AUTH] = "auth",
	[PROC_FILTER] = "filter",
	[PROC_OFFLINE] = "offline",
};

const char *
proc_name(enum proc_id id)
{
	return names[id];
}

bool
proc_linked(enum proc_id a, enum proc_id b)
{
	static const enum proc_id links[][2] = {
		{ PROC_CONTROL, PROC_LOOKUP },
		{ PROC_CONTROL, PROC_QUEUE },
		{ PROC_CONTROL, PROC_SCHEDULER },
		{ PROC_CONTROL, PROC_DISPATCHER },
		{ PROC_LOOKUP, PROC_QUEUE },
		{ PROC_LOOKUP, PROC_AUTH },
		{ PROC_LOOKUP, PROC_DISPATCHER },
		{ PROC_QUEUE, PROC_SCHEDULER },
		{ PROC_QUEUE, PROC_DISPATCHER },
		{ PROC_RESOLVER, PROC_DISPATCHER },
		{ PROC_KEYS, PROC_DISPATCHER },
		{ PROC_FILTER, PROC_DISPATCHER },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if ((links[i][0] == a && links[i][1] == b) ||
		    (links[i][0] == b && links[i][1] == a))
			return true;
	}
	return false;
}

bool
proc_send(struct proc *p, enum proc_id to, unsigned instance,
    enum proc_message type, const struct buf *payload, int fd)
{
	struct ipc *ipc = p->peers[to][instance];

	if (ipc == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	return ipc_send(ipc, type, payload == NULL ? NULL : payload->data,
	    payload == NULL ? 0 : payload->len, fd);
}

bool
proc_send_secret(struct proc *p, enum proc_id to, unsigned instance,
    enum proc_message type, const struct buf *payload)
{
	struct ipc *ipc = p->peers[to][instance];

	return ipc != NULL &&
	    ipc_send_secret(ipc, type, payload->data, payload->len);
}

void
proc_count(struct proc *p, const char *name, int64_t delta)
{
	struct buf b = { 0 };

	wire_put_svarint(&b, delta);
	buf_add_str(&b, name);
	proc_send(p, PROC_CONTROL, 0, MSG_COUNT, &b, -1);
	buf_free(&b);
}

static void on_peer(struct ipc *ipc, struct ipc_msg *m, void *arg);

static void
open_peer(struct proc *p, struct proc_peer peer, int fd)
{
	struct link *l = xcalloc(1, sizeof(*l));

	*l = (struct link){ p, peer };
	p->peers[peer.id][peer.instance] = ipc_new(p->base, fd, on_peer, l);
}

static void
open_waiting(struct proc *p)
{
	for (unsigned id = 0; id < PROC_COUNT; id++) {
		for (unsigned i = 0; i < PROC_INSTANCES; i++) {
			if (p->waiting[id][i] != 0)
				open_peer(p, (struct proc_peer){ id, i },
				    p->waiting[id][i] - 1);
		}
	}
}

static void
add_peer(struct proc *p, struct ipc_msg *m)
{
	struct wire w;
	unsigned id, instance;

	wire_init(&w, m->data, m->len);
	id = wire_u8(&w);
	instance = wire_u8(&w);
	if (!wire_done(&w) || id >= PROC_COUNT || instance >= PROC_INSTANCES ||
	    m->fd == -1)
		return;
	if (!p->started) {
		if (p->waiting[id][instance] != 0)
			close(p->waiting[id][instance] - 1);
		p->waiting[id][instance] = ipc_take_fd(m) + 1;
		return;
	}
	/* Started again, and we hear of that before the old one's end. */
	if (p->peers[id][instance] != NULL) {
		ipc_free(p->peers[id][instance]);
		p->peers[id][instance] = NULL;
		if (p->ops->peer_gone != NULL)
			p->ops->peer_gone(
			    p, (struct proc_peer){ id, instance });
	}
	open_peer(p, (struct proc_peer){ id, instance }, ipc_take_fd(m));
}

static void
take_setup(struct proc *p, struct ipc_msg *m)
{
	struct err e;
	struct setup *s = setup_decode(m->data, m->len, &e);

	if (s == NULL) {
		log_error("%s: %s", proc_name(p->ops->id), e.msg);
		if (p->setup == NULL)
			exit(1);
		return;
	}
	setup_unref(p->setup);
	p->setup = s;
	log_set_level(s->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	trace_set(s->trace);
	if (m->type == MSG_SETUP)
		log_init("smtpd", LOG_MAIL, s->foreground);
	else if (p->ops->reload != NULL)
		p->ops->reload(p);
}

static void
start(struct proc *p)
{
	struct err e;

	tzset(); /* dates are written where no file can be read */
	if ((p->ops->prepare != NULL && p->ops->prepare(p, &e) == -1) ||
	    confine_process(p->ops->id, p->instance, p->setup, &e) == -1) {
		log_error("%s: %s", proc_name(p->ops->id), e.msg);
		exit(1);
	}
	p->started = true;
	open_waiting(p);
	if (p->ops->start != NULL)
		p->ops->start(p);
	if (!p->ops->late_ready)
		proc_send(p, PROC_PARENT, 0, MSG_READY, NULL, -1);
}

static void
stop(struct proc *p)
{
	if (p->ops->stop != NULL)
		p->ops->stop(p);
	for (unsigned id = 0; id < PROC_COUNT; id++) {
		for (unsigned i = 0; i < PROC_INSTANCES; i++) {
			if (p->peers[id][i] != NULL)
				ipc_flush(p->peers[id][i]);
		}
	}
	event_base_loopbreak(p->base);
}

static void
from_parent(struct proc *p, struct ipc_msg *m)
{
	switch (m->type) {
	case MSG_SETUP:
	case MSG_RELOAD:
		take_setup(p, m);
		break;
	case MSG_RELOADED:
		proc_send(p, PROC_PARENT, 0, MSG_RELOADED, NULL, -1);
		break;
	case MSG_PEER:
		add_peer(p, m);
		break;
	case MSG_START:
		start(p);
		break;
	case MSG_STOP:
		stop(p);
		break;
	case MSG_VERBOSE:
		if (m->len == 1)
			log_set_level(
			    m->data[0] != 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
		break;
	case MSG_TRACE:
		if (m->len == 4)
			trace_set(wire_load32(m->data));
		break;
	default:
		p->ops->message(p, (struct proc_peer){ PROC_PARENT, 0 }, m);
		break;
	}
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
take_message(struct proc *p, struct proc_peer peer, struct ipc_msg *m)
{
	bool profile = trace_wants(TRACE_PROFILE_IMSG);
	int64_t since = profile ? now_us() : 0;
	unsigned type = m->type;

	trace(TRACE_IMSG, "imsg: %s.%u <- %s.%u type=%u len=%zu%s",
	    proc_name(p->ops->id), p->instance, proc_name(peer.id),
	    peer.instance, type, m->len, m->fd == -1 ? "" : " fd");
	if (peer.id == PROC_PARENT)
		from_parent(p, m);
	else
		p->ops->message(p, peer, m);
	if (profile)
		trace(TRACE_PROFILE_IMSG,
		    "profile-imsg: %s.%u <- %s.%u type=%u us=%lld",
		    proc_name(p->ops->id), p->instance, proc_name(peer.id),
		    peer.instance, type, (long long)(now_us() - since));
}

static void
on_peer(struct ipc *ipc, struct ipc_msg *m, void *arg)
{
	struct link *l = arg;
	struct proc *p = l->proc;
	struct proc_peer peer = l->peer;

	if (m != NULL) {
		take_message(p, peer, m);
		return;
	}
	/* Without its parent, a process has no purpose. */
	if (peer.id == PROC_PARENT) {
		stop(p);
		return;
	}
	if (p->peers[peer.id][peer.instance] == ipc)
		p->peers[peer.id][peer.instance] = NULL;
	ipc_free(ipc);
	free(l);
	if (p->ops->peer_gone != NULL)
		p->ops->peer_gone(p, peer);
}

int
proc_main(const struct proc_ops *ops, unsigned instance)
{
	struct proc p = { .ops = ops, .instance = instance };
	struct link parent = { &p, { PROC_PARENT, 0 } };

	/* The parent decides when we stop; a terminal's ^C is for it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_init("smtpd", LOG_MAIL, true);
	setproctitle("%s", proc_name(ops->id));
	p.base = event_base_new();
	if (p.base == NULL) {
		log_error("%s: no event loop", proc_name(ops->id));
		return 1;
	}
	event_base_priority_init(p.base, 3);
	p.peers[PROC_PARENT][0] =
	    ipc_new(p.base, PROC_PARENT_FD, on_peer, &parent);
	event_base_dispatch(p.base);
	return 0;
}
