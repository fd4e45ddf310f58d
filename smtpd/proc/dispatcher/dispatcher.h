/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The dispatcher process: see the comment at the head of dispatcher.c.
 */
#ifndef SMTPD_PROC_DISPATCHER_DISPATCHER_H
#define SMTPD_PROC_DISPATCHER_DISPATCHER_H

struct proc_ops;

extern const struct proc_ops dispatcher_ops;

#endif
