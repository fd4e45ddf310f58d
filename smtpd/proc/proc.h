/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * proc: what every process of smtpd is made of.
 *
 * Each is the same binary started anew with "-x NAME", so that each has its
 * own address space layout.  Descriptor 3 is its pair with the parent.  It
 * gets the configuration (SETUP), its peers (PEER), what it needs to be given
 * (LISTEN), then START: it shuts itself in (proc/confine.h) and runs.
 *
 * Errors: a message that does not decode is dropped and logged by who gets
 *         it; no message from a peer ends a process.
 */
#ifndef SMTPD_PROC_PROC_H
#define SMTPD_PROC_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smtpd/proc/ipc.h"
#include "smtpd/proc/setup.h"

#define PROC_INSTANCES 16
#define PROC_PARENT_FD 3

/* How an offline process ends. */
#define PROC_OFFLINE_DONE  0
#define PROC_OFFLINE_LATER 1
#define PROC_OFFLINE_BAD   2 /* what no smtpd will ever take */

/* The instance of a delivery worker: what it may do. */
enum proc_deliver {
	PROC_DELIVER_FILES,
	PROC_DELIVER_LMTP,
	PROC_DELIVER_PROGRAM
};

enum proc_id {
	PROC_PARENT,
	PROC_CONTROL,
	PROC_LOOKUP,
	PROC_QUEUE,
	PROC_SCHEDULER,
	PROC_DISPATCHER,
	PROC_DELIVER,
	PROC_RESOLVER,
	PROC_KEYS,
	PROC_AUTH,
	PROC_FILTER,
	PROC_OFFLINE,
	PROC_COUNT
};

/* The messages; payloads are described where they are written. */
enum proc_message {
	MSG_SETUP = 1, /* parent -> all: setup_encode() */
	MSG_PEER,      /* parent -> all: id u8, instance u8, +fd */
	MSG_LISTEN,    /* parent -> dispatcher, control: listener u32, +fd */
	MSG_START,     /* parent -> all */
	MSG_READY,     /* all -> parent */
	MSG_RELOAD,    /* parent -> all: setup_encode() */
	MSG_RELOADED,  /* parent -> all: that was all of it; and back */
	MSG_SOURCES,   /* parent -> dispatcher: +fd, proc/sources.h */
	MSG_UNLISTEN,  /* parent -> dispatcher: forget the listeners */
	MSG_DRAIN,     /* parent -> dispatcher: no new sessions, then exit */
	MSG_STOP,      /* parent -> all: finish what is in hand and exit */

	MSG_EXPAND,   /* dispatcher, queue -> lookup */
	MSG_EXPANDED, /* lookup -> dispatcher, queue */
	MSG_EXPLAIN,  /* control -> lookup */
	MSG_EXPLAINED,
	MSG_TABLE_UPDATE, /* control -> lookup: name */
	MSG_TABLE_UPDATED,
	MSG_FORWARD,   /* lookup -> parent: the .forward of a user */
	MSG_FORWARDED, /* parent -> lookup */
	MSG_USER,      /* queue -> lookup: uid, gid and home of a user */
	MSG_USER_FOUND,

	MSG_AUTH,       /* dispatcher -> lookup: a name and a password */
	MSG_AUTHED,     /* lookup -> dispatcher */
	MSG_VERIFY,     /* lookup -> auth */
	MSG_VERIFIED,   /* auth -> lookup */
	MSG_TABLE_ASK,  /* dispatcher -> lookup: senders and hostnames */
	MSG_TABLE_TOLD, /* lookup -> dispatcher */

	MSG_MSGIDS,      /* queue -> dispatcher: free message ids */
	MSG_WANT_MSGIDS, /* dispatcher -> queue */
	MSG_ENVELOPE,    /* lookup -> queue: of a message being received */
	MSG_COMMIT,      /* dispatcher -> queue */
	MSG_COMMITTED,
	MSG_ROLLBACK,  /* dispatcher -> queue: msgid u32 */
	MSG_WANT_FILE, /* dispatcher -> queue: for a large body */
	MSG_FILE,      /* queue -> dispatcher: +fd */
	MSG_ROOM,      /* queue -> dispatcher: bytes above the reserve, u64 */

	MSG_SCHEDULE,   /* queue -> scheduler: id, time */
	MSG_UNSCHEDULE, /* queue -> scheduler: id */
	MSG_DUE,        /* scheduler -> queue: ids */

	MSG_RESOLVE,  /* dispatcher -> resolver: smtpd/dns/dns.h */
	MSG_RESOLVED, /* back */

	MSG_DELIVER,   /* queue -> parent -> deliver */
	MSG_DELIVERED, /* deliver -> parent -> queue */

	/* smtpd/queue/relay.h has the payloads. */
	MSG_RELAY,     /* queue -> dispatcher: a task */
	MSG_RELAYED,   /* dispatcher -> queue: a result */
	MSG_WANT_BODY, /* dispatcher -> queue: task u32 */
	MSG_BODY,      /* queue -> dispatcher: task u32, ok u8, body or +fd */
	MSG_WAY, /* dispatcher -> lookup: what the tables say of a relay */
	MSG_WAY_FOUND, /* lookup -> dispatcher: +fd, to a socket by its path */
	MSG_PROGRAM,   /* filter, lookup <-> parent: proc/parent/programs.c */

	/* dispatcher <-> filter, described there: what happens in a session */
	MSG_FILTER_HELLO,
	MSG_FILTER_STATE,
	MSG_FILTER_BEGIN,
	MSG_FILTER_EVENT,
	MSG_FILTER_ASK,
	MSG_FILTER_ANSWER,
	MSG_FILTER_LINES,
	MSG_FILTER_OUTPUT,
	MSG_FILTER_CREDIT,
	MSG_FILTER_LOST,
	MSG_FILTER_END,
	MSG_FILTER_TEST, /* dispatcher -> lookup: is it in a table? */
	MSG_FILTER_TESTED,

	MSG_KEYS,      /* parent -> keys: +fd, a file in memory; back: done */
	MSG_SIGN,      /* dispatcher -> keys: tls_signing_encode() */
	MSG_SIGNED,    /* back: the signature, or nothing */
	MSG_QUEUE_KEY, /* parent -> queue, before START: a passphrase */
	MSG_TICKET,    /* dispatcher -> keys: nothing; back: the key */

	/* parent -> dispatcher: the name of a file that waits, +fd, a session;
	 * parent -> offline: +fd, the file */
	MSG_OFFLINE,

	MSG_COUNT,    /* all -> control: counter name, delta */
	MSG_CTL,      /* control -> queue, dispatcher: a request */
	MSG_IMPORT,   /* control -> queue: proc/queue/import.c, +fd */
	MSG_CTL_LINE, /* back: a line of the answer */
	MSG_CTL_END,
	MSG_VERBOSE, /* control -> parent -> all: u8 */
	MSG_TRACE,   /* control -> parent -> all: enum trace_subject, u32 */
	MSG_PAUSED,  /* control -> parent: enum setup_paused, u8 */
};

struct event_base;
struct buf;
struct err;
struct proc;

struct proc_peer {
	enum proc_id id;
	unsigned instance;
};

struct proc_ops {
	enum proc_id id;
	bool late_ready; /* it says itself when it is ready */
	/* Before the sandbox: open what is needed, or NULL. */
	int (*prepare)(struct proc *p, struct err *e);
	/* After the sandbox: make the state, start timers. */
	void (*start)(struct proc *p);
	void (*message)(
	    struct proc *p, struct proc_peer from, struct ipc_msg *m);
	void (*peer_gone)(struct proc *p, struct proc_peer peer); /* or NULL */
	/* p->setup is the new one; the old is still there for who has it. */
	void (*reload)(struct proc *p); /* or NULL */
	/* Before the loop ends. */
	void (*stop)(struct proc *p); /* or NULL */
};

struct proc {
	const struct proc_ops *ops;
	unsigned instance;
	struct event_base *base;
	struct setup *setup;
	struct ipc *peers[PROC_COUNT][PROC_INSTANCES];
	/* Of those that came before START, which are not heard yet: fd + 1. */
	int waiting[PROC_COUNT][PROC_INSTANCES];
	bool started;
	void *state;
};

const char *proc_name(enum proc_id id);

/* Whether two kinds of processes talk to each other. */
bool proc_linked(enum proc_id a, enum proc_id b);

/*
 * Send; what is sent to a peer that isn't there is dropped (false), and fd
 * closed: requests are repeated by who misses the answer.
 */
bool proc_send(struct proc *p, enum proc_id to, unsigned instance,
    enum proc_message type, const struct buf *payload, int fd);

/* Likewise, of what is to be wiped after use: false when nobody is there. */
bool proc_send_secret(struct proc *p, enum proc_id to, unsigned instance,
    enum proc_message type, const struct buf *payload);

/* Count something for smtpctl show stats. */
void proc_count(struct proc *p, const char *name, int64_t delta);

/* The life of a child. */
int proc_main(const struct proc_ops *ops, unsigned instance);

#endif
