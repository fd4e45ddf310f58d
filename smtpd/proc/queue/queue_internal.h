/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue_internal: what the files of the queue process share.
 *
 * Invariants: an envelope in the store is scheduled, or being delivered, or
 *             waits for its bounce; a reception is not in the store yet.
 */
#ifndef SMTPD_PROC_QUEUE_INTERNAL_H
#define SMTPD_PROC_QUEUE_INTERNAL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"

#include "smtpd/proc/proc.h"
#include "smtpd/queue/dsn.h"
#include "smtpd/queue/envelope.h"
#include "smtpd/queue/store.h"
#include "smtpd/submit/submission.h"

/* A message being received: envelopes come before the body. */
struct reception {
	RB_ENTRY(reception) entry;
	TAILQ_ENTRY(reception) batch_entry;
	uint32_t msgid;
	struct envelope *evs;
	size_t n;
	/* set by COMMIT */
	bool committing;
	size_t n_expected;
	struct proc_peer from;
	uint32_t request;
	char offline[SUBMISSION_NAME_LEN + 1]; /* the file it was; or "" */
	struct buf body;
	int body_fd;
	uint64_t body_len;
	uint8_t body_flags;
	/* a notice of ours: what it is about is removed with its commit */
	uint64_t *about;
	size_t n_about;
};

RB_HEAD(receptions, reception);
RB_PROTOTYPE(receptions, reception, entry, reception_compare)

/* A message with something to tell, that waits a second for its companions. */
struct notice {
	TAILQ_ENTRY(notice) entry;
	uint32_t original, msgid;
	enum dsn_kind kind;
	uint64_t *ids;
	size_t n;
	uint64_t due_at;
	bool asked; /* the lookup is expanding its recipient */
};

struct user_entry {
	TAILQ_ENTRY(user_entry) entry;
	uint64_t request;
	char *action, *user, *home;
	bool known;
	unsigned status;
	uid_t uid;
	gid_t gid;
	uint64_t at;
	uint64_t *waiting; /* envelopes */
	size_t n_waiting;
};

struct conf_action;
struct deferred;
struct schedule;
struct relay_job;
struct relay_result;

RB_HEAD(deferreds, deferred);
RB_HEAD(relay_jobs, relay_job);
RB_HEAD(relay_flights, relay_flight);

struct queue {
	struct proc *proc;
	struct store *store;
	struct receptions receptions;
	TAILQ_HEAD(, reception) batch; /* in the store's pending bytes */
	TAILQ_HEAD(, notice) notices;
	TAILQ_HEAD(, user_entry) users;
	TAILQ_HEAD(, relay_job) gathered;
	struct relay_jobs jobs;
	struct relay_flights flights;
	uint32_t last_task;
	struct deferreds deferreds;
	size_t n_deferreds;
	struct event *commit, *tick;
	uint64_t batch_since_us;
	uint64_t n_enqueued; /* envelopes, since the start */
	uint64_t last_request;
	struct schedule *flying;  /* ids that are being delivered, since when */
	struct schedule *pending; /* ids that are not due yet, till when */
	struct buf landed;        /* u64 each: to leave flying at the commit */
	uint64_t *later; /* ids that the stopped or paused agents would get */
	size_t n_later;
	unsigned paused;
	uint64_t room; /* bytes above the reserve, as the dispatchers know */
	struct buf schedule; /* SCHEDULE, gathered until the next flush */
	struct buf unschedule;
};

/* reception.c */
void reception_message(
    struct queue *q, struct proc_peer from, struct ipc_msg *m);
struct reception *reception_get(struct queue *q, uint32_t msgid);
void reception_free(struct queue *q, struct reception *r);
void reception_commit(struct queue *q, struct reception *r);
void reception_lost_peer(struct queue *q, struct proc_peer peer);
uint32_t reception_new_msgid(struct queue *q);

/* Write and sync what waits, and tell all who wait for it.  False: it could
 * not be written. */
bool queue_commit(struct queue *q);
/* A clock that only goes forward. */
uint64_t queue_now_us(void);
/* Soon. */
void queue_want_commit(struct queue *q);

/* room.c: whether the disk has room for mail from outside. */
bool room_for(const struct queue *q, uint64_t len);
/* Tell the dispatchers when that has changed. */
void room_tick(struct queue *q);
void room_tell(struct queue *q, unsigned dispatcher);

/* dispatch.c: envelopes that are due, and what became of them. */
void dispatch_due(struct queue *q, uint64_t id);
void dispatch_user_found(struct queue *q, struct ipc_msg *m);
/* Nobody could say who delivers it: it is due again. */
void dispatch_give_up_user(struct queue *q, uint64_t id);
void dispatch_result(struct queue *q, struct ipc_msg *m);
void dispatch_relayed(struct queue *q, const struct relay_result *r);
/* Nobody has tried: soon again. */
void dispatch_given_back(struct queue *q, uint64_t id, const char *line);
void dispatch_forget_users(struct queue *q);
/* The results that came are on disk: what flew may fly again. */
void dispatch_committed(struct queue *q);
/* Since when an envelope is being delivered; UINT64_MAX: it is not. */
uint64_t dispatch_flies(const struct queue *q, uint64_t id);
void queue_schedule(struct queue *q, uint64_t id, uint64_t at);
/* The same for now, as an operator asked. */
void queue_schedule_now(struct queue *q, uint64_t id);
void queue_unschedule(struct queue *q, uint64_t id);
void queue_flush_schedule(struct queue *q);

/* onward.c */
void onward_init(struct queue *q);
/* asked: now, also where a host is left alone for a while. */
void onward_add(struct queue *q, const struct envelope *ev,
    const struct conf_action *a, bool asked);
/* Hand over what onward_add() has gathered. */
void onward_flush(struct queue *q);
void onward_message(struct queue *q, struct proc_peer from, struct ipc_msg *m);
void onward_lost_peer(struct queue *q, struct proc_peer peer);

/* deferred.c: a relaying had this result; what it tells of other envelopes. */
void deferred_result(
    struct queue *q, const struct envelope *ev, const struct relay_result *r);

/* bounce.c */
void bounce_add(struct queue *q, const struct envelope *ev, enum dsn_kind kind);
void bounce_tick(struct queue *q, uint64_t now);
void bounce_expanded(struct queue *q, struct ipc_msg *m);

/* offline.c: the file that a message was, before its commit and after; and
 * those of commits that were cut short. */
bool offline_take(struct queue *q, const struct reception *r);
void offline_taken(struct queue *q, const struct reception *r, bool ok);
void offline_recover(struct queue *q);

/* import.c: a message that smtpctl brings. */
void import_message(struct queue *q, struct proc_peer from, struct ipc_msg *m);

/* request.c: what smtpctl asks. */
void request_message(struct queue *q, struct proc_peer from, struct ipc_msg *m);

#endif
