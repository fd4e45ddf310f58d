/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The deliver process: see the comment at the head of deliver.c.
 */
#ifndef SMTPD_PROC_DELIVER_DELIVER_H
#define SMTPD_PROC_DELIVER_DELIVER_H

struct proc_ops;

extern const struct proc_ops deliver_ops;

#endif
