/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The control process: see the comment at the head of control.c.
 */
#ifndef SMTPD_PROC_CONTROL_CONTROL_H
#define SMTPD_PROC_CONTROL_CONTROL_H

struct proc_ops;

extern const struct proc_ops control_ops;

#endif
