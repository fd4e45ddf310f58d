/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sources: how many sessions there are, and from whom, over all dispatchers.
 *
 * A table in memory that they share.  Each dispatcher writes a row of its
 * own, which it clears when it starts, and reads all; so none can be left
 * locked, and what a dead one had counted is gone with it.
 *
 * Shape:  a key, then PROC_INSTANCES rows of SOURCES_SLOTS counters; the
 *         first of a row is of all its sessions, the others are chosen by a
 *         keyed hash of the source.
 * Units:  a source is an IPv4 address or the first 64 bits of an IPv6
 *         address; this machine's loopback addresses are none.
 * Source: doc/adr/0211-limits-that-limit-something.md.
 */
#ifndef SMTPD_PROC_SOURCES_H
#define SMTPD_PROC_SOURCES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/attr.h"

struct conf_limits;
struct err;
struct sources;

/* What a session counts as; all zeros: nothing. */
struct sources_seat {
	bool taken;
	uint32_t slot; /* 0: of no source */
};

/* For the parent: the table, in a file without a name whose size is fixed. */
int sources_create(struct err *e) ATTR_CHECKED;

/* For a dispatcher: that table, with row as its own.  Takes fd. */
struct sources *sources_open(int fd, unsigned row, struct err *e);
void sources_close(struct sources *t);

/*
 * Count a session; sa is its source, or NULL when that isn't known yet.
 * False when the limits forbid it: *source says which.  t may be NULL.
 */
bool sources_enter(struct sources *t, const struct sockaddr *sa,
    const struct conf_limits *l, struct sources_seat *seat, bool *source);

/* It has ended; seat is then empty. */
void sources_leave(struct sources *t, struct sources_seat *seat);

#endif
