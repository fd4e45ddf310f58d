/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent: starting the other processes and linking them.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bsd/unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/certs.h"
#include "smtpd/proc/parent/parent_internal.h"

struct child *
parent_find(struct parent *pa, enum proc_id id, unsigned instance)
{
	for (unsigned i = 0; i < pa->n_children; i++) {
		struct child *c = &pa->children[i];

		if (c->who.id == id && c->who.instance == instance)
			return c;
	}
	return NULL;
}

void
parent_send(struct parent *pa, enum proc_id id, unsigned instance,
    enum proc_message type, const struct buf *payload, int fd)
{
	struct child *c = parent_find(pa, id, instance);

	if (c == NULL || c->ipc == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	ipc_send(c->ipc, type, payload == NULL ? NULL : payload->data,
	    payload == NULL ? 0 : payload->len, fd);
}

static void ATTR_NORETURN
become(struct parent *pa, struct proc_peer who, uid_t uid, gid_t gid,
    bool as_user, int fd)
{
	char name[32], instance[16];
	char *argv[] = { (char[]){ "smtpd" }, (char[]){ "-x" }, name, instance,
		NULL };

	snprintf(name, sizeof(name), "%s", proc_name(who.id));
	snprintf(instance, sizeof(instance), "%u", who.instance);
	if (as_user && pa->setup->privileged &&
	    (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
		setresuid(uid, uid, uid) == -1))
		_exit(1);
	if (fd == PROC_PARENT_FD)
		fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, PROC_PARENT_FD) == -1)
		_exit(1);
	closefrom(PROC_PARENT_FD + 1);
	execv(pa->self, argv);
	_exit(127);
}

/*
 * Start the binary anew as who; *fd is our end of its pair.  A worker
 * becomes its user first.
 */
pid_t
parent_exec(struct parent *pa, struct proc_peer who, uid_t uid, gid_t gid,
    bool as_user, int *fd, struct err *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		err_sys(e, "a socket pair");
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become(pa, who, uid, gid, as_user, pair[1]);
	close(pair[1]);
	if (pid == -1) {
		err_sys(e, "fork");
		close(pair[0]);
		return -1;
	}
	*fd = pair[0];
	return pid;
}

static void
send_peer(struct child *to, const struct child *about, int fd)
{
	uint8_t who[2] = { (uint8_t)about->who.id,
		(uint8_t)about->who.instance };

	ipc_send(to->ipc, MSG_PEER, who, sizeof(who), fd);
}

/* A new pair between two processes that run. */
static int
link_children(struct child *a, struct child *b, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		err_sys(e, "a socket pair");
		return -1;
	}
	send_peer(a, b, pair[0]);
	send_peer(b, a, pair[1]);
	return 0;
}

static void
send_on(struct parent *pa, const struct ipc_msg *m)
{
	for (unsigned i = 0; i < pa->n_children; i++) {
		if (pa->children[i].ipc != NULL)
			ipc_send(
			    pa->children[i].ipc, m->type, m->data, m->len, -1);
	}
}

/* DELIVERED and the like from a child, to where they belong. */
static void
from_child(struct ipc *ipc, struct ipc_msg *m, void *arg)
{
	struct child *c = arg;
	struct parent *pa = c->parent;

	if (m == NULL) {
		/* Its exit status comes by SIGCHLD. */
		if (c->ipc == ipc)
			c->ipc = NULL;
		ipc_free(ipc);
		return;
	}
	switch (m->type) {
	case MSG_READY:
		c->ready = true;
		break;
	case MSG_KEYS:
		parent_hand_out(pa);
		break;
	case MSG_RELOADED:
		if (c->ipc == ipc && c->reloads > 0)
			c->reloads--;
		parent_reloaded(pa);
		break;
	case MSG_DELIVER:
		workers_deliver(pa, m);
		break;
	case MSG_FORWARD:
		forward_read(pa, m);
		break;
	case MSG_PROGRAM:
		programs_message(pa, c->who.id, m);
		break;
	case MSG_PAUSED:
		if (m->len == 1)
			pa->setup->paused = m->data[0];
		break;
	case MSG_VERBOSE:
		/* Also for who is started again, and after a reload. */
		pa->setup->verbose = m->len == 1 && m->data[0] != 0;
		send_on(pa, m);
		break;
	case MSG_TRACE:
		if (m->len == 4)
			pa->setup->trace = wire_load32(m->data);
		send_on(pa, m);
		break;
	case MSG_STOP:
		parent_stop(pa, 0);
		break;
	default:
		log_warn("parent: message %u from the %s", m->type,
		    proc_name(c->who.id));
		break;
	}
}

/* The keys, in a file that never was on a disk. */
void
parent_send_keys(struct parent *pa)
{
	struct buf keys = { 0 };
	struct err e;
	int fd = memfd_create("keys", MFD_CLOEXEC);

	if (fd == -1)
		err_sys(&e, "keys");
	if (fd == -1 ||
	    certs_gather_keys(pa->setup->conf, pa->setup->source, &keys, &e) ==
		-1 ||
	    fs_write_all(fd, keys.data, keys.len, &e) == -1) {
		log_error("the keys stay as they were: %s", e.msg);
		parent_hand_out(pa);
	} else {
		parent_send(pa, PROC_KEYS, 0, MSG_KEYS, NULL, dup(fd));
	}
	if (keys.data != NULL)
		OPENSSL_cleanse(keys.data, keys.cap);
	buf_free(&keys);
	if (fd != -1)
		close(fd);
}

/* Certificates are for who speaks TLS. */
void
parent_send_setup(struct parent *pa, struct child *c, enum proc_message type)
{
	struct buf b = { 0 };

	setup_encode(pa->setup, c->who.id == PROC_DISPATCHER, &b);
	ipc_send(c->ipc, type, b.data, b.len, -1);
	buf_free(&b);
}

int
parent_start_child(struct parent *pa, struct child *c, struct err *e)
{
	int fd;

	c->pid = parent_exec(pa, c->who, 0, 0, false, &fd, e);
	if (c->pid == -1) {
		c->pid = 0;
		return -1;
	}
	c->started_at = time(NULL);
	c->ready = false;
	c->ipc = ipc_new(pa->base, fd, from_child, c);
	parent_send_setup(pa, c, MSG_SETUP);
	for (unsigned i = 0; i < pa->n_children; i++) {
		struct child *other = &pa->children[i];

		if (other != c && other->ipc != NULL &&
		    proc_linked(c->who.id, other->who.id) &&
		    link_children(c, other, e) == -1)
			return -1;
	}
	if (c->who.id == PROC_KEYS)
		parent_send_keys(pa);
	if (c->who.id == PROC_QUEUE && pa->setup->queue_key != NULL)
		ipc_send_secret(c->ipc, MSG_QUEUE_KEY, pa->setup->queue_key,
		    strlen(pa->setup->queue_key));
	/* What strangers can be heard on comes after it has shut itself in. */
	ipc_send(c->ipc, MSG_START, NULL, 0, -1);
	if (c->who.id == PROC_DISPATCHER) {
		ipc_send(c->ipc, MSG_SOURCES, NULL, 0,
		    fcntl(pa->sources_fd, F_DUPFD_CLOEXEC, PROC_PARENT_FD + 1));
		parent_send_listeners(pa, c);
	}
	if (c->who.id == PROC_CONTROL && pa->control_fd != -1)
		ipc_send(c->ipc, MSG_LISTEN, NULL, 0,
		    fcntl(pa->control_fd, F_DUPFD_CLOEXEC, 4));
	return 0;
}
