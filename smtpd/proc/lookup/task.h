/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * task: a request of the lookup that may have to wait for a table's program.
 *
 * Expanding a recipient asks tables in the middle of rules, aliases and
 * forwards.  So each request runs on a stack of its own, and when it waits,
 * the loop goes on with others (ADR 0212).
 *
 * Shape:  one thread, and no task is interrupted but where it waits: between
 *         two waits, all is as if it ran alone.
 * Limits: TASK_MAX at once; more wait for their turn.
 */
#ifndef SMTPD_PROC_LOOKUP_TASK_H
#define SMTPD_PROC_LOOKUP_TASK_H

#include "smtpd/proc/proc.h"

#define TASK_MAX 256

/* Once, before all else: programs' tables wait with us from here on. */
void task_init(struct proc *p);

/*
 * Run fn, now or when there is room.  While it runs, p->setup is the one
 * that it began with, whatever is read in between.
 */
void task_start(void (*fn)(void *arg), void *arg);

/* In a task: let others run until one of them ends or has its answer. */
void task_turn(void);

#endif
