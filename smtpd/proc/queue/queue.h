/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The queue process: see the comment at the head of queue.c.
 */
#ifndef SMTPD_PROC_QUEUE_QUEUE_H
#define SMTPD_PROC_QUEUE_QUEUE_H

struct proc_ops;

extern const struct proc_ops queue_ops;

#endif
