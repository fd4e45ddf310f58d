/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * table_proc: a table that a program keeps.
 *
 * Whoever runs the program gives us the socket that is its standard input and
 * output, and is told when it has failed: an answer that is late, that was
 * not asked for, or that is none ends it.
 *
 * Shape:  a question waits for its turn, as programs answer one after the
 *         other, then for its answer, as many seconds as it was given; a program
 *         that has failed is not waited for.  What waits meanwhile is up to
 *         who calls table_proc_wait_by().
 * Errors: as in table.h: 1 found, 0 not found, -1 with *e set.
 */
#ifndef SMTPD_LOOKUP_TABLE_PROC_H
#define SMTPD_LOOKUP_TABLE_PROC_H

#include "smtpd/lookup/table.h"

struct table_proc;

/* How all wait; without it, in poll(2), so that there is never a turn. */
struct table_proc_waiting {
	/* For POLLIN or POLLOUT: 1, or 0 after ms. */
	int (*ready)(int fd, short what, int ms);
	void (*turn)(void); /* until next() has been called */
	void (*next)(void);
	void (*wake)(int fd); /* end ready(): fd will be closed */
};
void table_proc_wait_by(const struct table_proc_waiting *w);

struct table_proc *table_proc_new(const char *name);
void table_proc_free(struct table_proc *tp);

/* How long an answer may take, instead of 5 seconds. */
void table_proc_give_time(struct table_proc *tp, unsigned seconds);

/* Who is told that the program failed, and why, once for each fd. */
void table_proc_watch(struct table_proc *tp,
    void (*failed)(void *arg, const char *why), void *arg);

/* Speak to a program just started.  Takes the fd. */
void table_proc_attach(struct table_proc *tp, int fd);

/* It has ended: close the fd; questions fail until there is another. */
void table_proc_detach(struct table_proc *tp);

/* Whether it has registered the service; false while it fails. */
bool table_proc_offers(struct table_proc *tp, enum table_service service);

int table_proc_lookup(struct table_proc *tp, enum table_service service,
    const char *key, struct buf *value, struct err *e) ATTR_CHECKED;
int table_proc_fetch(struct table_proc *tp, enum table_service service,
    struct buf *value, struct err *e) ATTR_CHECKED;

/* Ask it to read its data again: 0 or -1. */
int table_proc_update(struct table_proc *tp, struct err *e) ATTR_CHECKED;

#endif
