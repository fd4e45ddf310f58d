/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sandbox: a process gives up what it doesn't need, before any byte from
 * outside.
 *
 * As root: chroot, own user, no other groups.  Always: no new privileges, no
 * core dumps, and a system call filter without programs, tracing, mounting
 * and, by process, without files, sockets or forks.  doc/smtpd-processes.md
 * has the table.
 */
#ifndef SMTPD_PROC_SANDBOX_H
#define SMTPD_PROC_SANDBOX_H

#include "lib/attr.h"

#include "smtpd/proc/proc.h"

struct err;

int sandbox_enter(
    enum proc_id id, const struct setup *s, struct err *e) ATTR_CHECKED;

#endif
