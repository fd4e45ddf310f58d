/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * filter_internal: what the filter process's files share.
 *
 * A link is a dispatcher's session as we know it; a member is a program of
 * its chain.  A link holds on to the run of a program that it began with: when
 * that ends, the link is lost.
 */
#ifndef SMTPD_PROC_FILTER_INTERNAL_H
#define SMTPD_PROC_FILTER_INTERNAL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/attr.h"
#include "lib/buf.h"

#include "smtpd/conf/conf.h"
#include "smtpd/filter/line.h"
#include "smtpd/proc/proc.h"

#define STREAM_HIGH (1u << 20) /* bytes on their way: read no more */
#define STREAM_LOW  (STREAM_HIGH / 4)

struct event;
struct filters;

enum program_state {
	PROGRAM_DOWN,
	PROGRAM_HANDSHAKE,
	PROGRAM_READY
};

/* What the first program of a stream has been sent: credit when written. */
struct mark {
	TAILQ_ENTRY(mark) entry;
	uint64_t at; /* of all bytes ever queued */
	uint64_t link;
	uint32_t credit;
	size_t bytes;
};

struct program {
	TAILQ_ENTRY(program) entry;
	struct filters *filters;
	char *name, *identity;  /* identity: all that the configuration says */
	bool smtp_in, smtp_out; /* which it is told of */
	bool retired;           /* not of the configuration any more */
	enum program_state state;
	uint32_t serial; /* of this run */
	int fd, err_fd;
	struct event *readable, *writable, *err_readable;
	struct event *timer; /* to start again, or the end of the handshake */
	struct buf in, out, err;
	size_t scanned, out_at;
	uint64_t written_total;
	size_t marked; /* bytes of messages among what is queued */
	TAILQ_HEAD(marks, mark) marks;
	bool settled;    /* has registered or failed, once */
	bool registered; /* once, perhaps in an earlier run */
	unsigned n_registered;
	uint32_t phases, events_in, events_out;
	unsigned failures;
	time_t ready_at, heard_at;
	unsigned n_links;
	unsigned holds; /* reasons not to read it */
	struct program *waits_for;
	time_t err_second;
	unsigned err_lines;
};

struct member {
	struct program *program; /* NULL: gone, and not needed */
	uint32_t serial;
	uint64_t token;     /* of the message's lines */
	bool ending, ended; /* the last line was sent, has come back */
};

struct link {
	RB_ENTRY(link) entry;
	uint64_t id;
	unsigned instance; /* the dispatcher's */
	uint32_t number;   /* its name for it */
	bool smtp_out, lost;
	struct member members[CONF_CHAIN_MAX];
	size_t n;
	/* the request, if there is one */
	bool asked;
	size_t asked_member;
	uint64_t token, late_token;
	uint32_t serial;
	enum filter_phase phase;
	time_t asked_at;
	/* the message, if there is one */
	bool streaming;
	uint32_t mask; /* of the members that get it */
	time_t moved_at;
	uint64_t came_out;
	struct buf out; /* for the dispatcher */
	bool out_last, dirty;
	LIST_ENTRY(link) dirty_entry;
	size_t unacked;
	struct program *held; /* not read because of unacked */
};

RB_HEAD(links, link);
RB_PROTOTYPE(links, link, entry, link_compare)

struct filters {
	struct proc *proc;
	TAILQ_HEAD(, program) programs;
	struct links links;
	LIST_HEAD(, link) dirty;
	uint32_t last_serial;
	bool announced;
	struct event *tick;
};

/* filter.c */
struct link *link_find(struct filters *f, uint64_t id);
void link_lose(struct filters *f, struct link *l, const char *who);
void link_answer(
    struct filters *f, struct link *l, enum filter_verdict v, const char *text);
void link_report(struct filters *f, struct link *l, enum filter_event event,
    const char *const *fields, size_t n);
void filters_announce(struct filters *f, const struct program *p);
void filters_settled(struct filters *f);
/* A line of a program.  May end the program. */
void filters_said(struct filters *f, struct program *p, struct filter_said *s);
struct filter_time filters_now(void);

/* program.c */
struct program *program_new(
    struct filters *f, const struct conf_proc *cp, bool smtp_in, bool smtp_out);
char *program_identity(const struct conf_proc *cp, bool smtp_in, bool smtp_out);
void program_start(struct program *p);
void program_got_fd(struct program *p, bool err, int fd);
void program_exited(struct program *p);
/* What it did is not of the protocol, or it is gone. */
void program_fail(struct program *p, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Something was added to p->out. */
void program_queued(struct program *p);
void program_mark(
    struct program *p, uint64_t link, uint32_t credit, size_t bytes);
void program_hold(struct program *p);
void program_unhold(struct program *p);
/* Not of the configuration any more: ends with its last link. */
void program_retire(struct program *p);
void program_unlink(struct program *p);
/* Write what it has not read yet, if it reads: before the end. */
void program_flush(struct program *p);
bool program_filters(const struct program *p);

/* stream.c */
void stream_lines(struct filters *f, struct link *l, struct ipc_msg *m);
void stream_said(struct filters *f, struct link *l, size_t member,
    const struct filter_said *s);
void stream_acked(struct link *l, uint32_t n);
void stream_flush(struct filters *f);
void stream_end(struct link *l);
bool stream_stuck(const struct link *l, time_t since, struct program **who);

#endif
