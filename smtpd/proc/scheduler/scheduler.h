/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The scheduler process: see the comment at the head of scheduler.c.
 */
#ifndef SMTPD_PROC_SCHEDULER_SCHEDULER_H
#define SMTPD_PROC_SCHEDULER_SCHEDULER_H

struct proc_ops;

extern const struct proc_ops scheduler_ops;

#endif
