/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * programs: the programs that keep tables, run by the parent for the lookup.
 *
 * One that fails is ended and started again after a while, longer each time;
 * questions to its table fail until then.
 */
#ifndef SMTPD_PROC_LOOKUP_PROGRAMS_H
#define SMTPD_PROC_LOOKUP_PROGRAMS_H

#include <bsd/sys/queue.h>

#include "smtpd/proc/proc.h"

struct table_runner;
struct tables;
TAILQ_HEAD(table_runners, table_runner);

/* Start those of the configuration that p has now; all goes to runners. */
void lookup_programs_start(
    struct proc *p, struct table_runners *runners, struct tables *t);

/* End them, before the tables are freed. */
void lookup_programs_end(struct table_runners *runners);

/* PROGRAM from the parent: what it is u8, serial u32, +fd. */
void lookup_programs_message(struct table_runners *runners, struct ipc_msg *m);

/* Whether each has been started, or could not be. */
bool lookup_programs_settled(const struct table_runners *runners);

#endif
