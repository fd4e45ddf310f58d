/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent_internal: what the parent's files share.
 */
#ifndef SMTPD_PROC_PARENT_INTERNAL_H
#define SMTPD_PROC_PARENT_INTERNAL_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/attr.h"

#include "smtpd/proc/proc.h"

#define PARENT_CHILDREN 32

struct err;
struct parent;

struct child {
	struct parent *parent;
	struct proc_peer who;
	pid_t pid; /* 0: not running */
	struct ipc *ipc;
	bool ready;
	unsigned reloads; /* under way: it has not said that it has them */
	unsigned failures;
	time_t started_at;
	struct event *restart;
};

/* A socket that listens, kept over reloads. */
struct bound {
	TAILQ_ENTRY(bound) entry;
	char *address; /* what it is bound to, as text */
	int fd;
	unsigned listener;
	bool wanted;
	bool inherited; /* of who started us */
};

struct program;
struct waiting;
struct worker;

struct parent {
	struct event_base *base;
	struct setup *setup;
	const char *self; /* the binary */
	struct child children[PARENT_CHILDREN];
	unsigned n_children;
	TAILQ_HEAD(, bound) bound;
	TAILQ_HEAD(, worker) workers;
	TAILQ_HEAD(, program) programs;
	TAILQ_HEAD(, waiting) offline;
	time_t offline_seen; /* when the directory had changed last */
	bool offline_more;
	struct event *deadline;
	bool announced, stopping, reloading, handed_out;
	int status;
	int control_fd, sources_fd;
};

/* children.c */
pid_t parent_exec(struct parent *pa, struct proc_peer who, uid_t uid, gid_t gid,
    bool as_user, int *fd, struct err *e);
int parent_start_child(
    struct parent *pa, struct child *c, struct err *e) ATTR_CHECKED;
struct child *parent_find(
    struct parent *pa, enum proc_id id, unsigned instance);
void parent_send(struct parent *pa, enum proc_id id, unsigned instance,
    enum proc_message type, const struct buf *payload, int fd);
void parent_send_keys(struct parent *pa);
void parent_send_setup(
    struct parent *pa, struct child *c, enum proc_message type);

/* parent.c: a new configuration, once the keys process is ready for it */
void parent_hand_out(struct parent *pa);
void parent_reloaded(struct parent *pa); /* a child has it, or is gone */
void parent_stop(struct parent *pa, int status);

/* listen.c */
int parent_bind(struct parent *pa, struct err *e) ATTR_CHECKED;
void parent_send_listeners(struct parent *pa, struct child *c);
int parent_adopt(struct parent *pa, struct err *e) ATTR_CHECKED;
void parent_unbind(struct parent *pa);

/* workers.c */
void workers_deliver(struct parent *pa, struct ipc_msg *m);
bool workers_reap(struct parent *pa, pid_t pid);
void workers_tick(struct parent *pa);
void workers_stop(struct parent *pa);
bool workers_busy(const struct parent *pa);

/* programs.c */
int programs_check(const struct parent *pa, struct err *e) ATTR_CHECKED;
void programs_message(struct parent *pa, enum proc_id owner, struct ipc_msg *m);
void programs_orphaned(struct parent *pa, enum proc_id owner);
bool programs_reap(struct parent *pa, pid_t pid, int status);
void programs_tick(struct parent *pa);
void programs_stop(struct parent *pa);
bool programs_busy(const struct parent *pa);

/* offline.c: the directory; a second has gone by; a child has ended. */
int offline_prepare(const struct parent *pa, struct err *e) ATTR_CHECKED;
void offline_tick(struct parent *pa);
bool offline_reap(struct parent *pa, pid_t pid, int status);
void offline_stop(struct parent *pa);

/* forward.c */
void forward_read(struct parent *pa, struct ipc_msg *m);

#endif
