/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * confine: a process gives up what it doesn't need, before any byte from
 * outside.
 *
 * As root: chroot, own user, no other groups.  Always: no core dumps, and a
 * sandbox (lib/sys/sandbox.h) with the calls, the paths and the sockets that
 * its work needs and no others.  doc/smtpd-processes.md has the table, ADR
 * 0213 the reasons.
 */
#ifndef SMTPD_PROC_CONFINE_H
#define SMTPD_PROC_CONFINE_H

#include "lib/attr.h"

#include "smtpd/proc/proc.h"

struct err;

/*
 * setup may be NULL for PROC_DELIVER, which is its user from the start, and
 * whose instance says what it is for.
 */
int confine_process(enum proc_id id, unsigned instance,
    const struct setup *setup, struct err *e) ATTR_CHECKED;

/* For a child of a confined process that will only compute. */
int confine_to_nothing(struct err *e) ATTR_CHECKED;

#endif
