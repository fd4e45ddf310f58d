/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The offline process: see the comment at the head of offline.c.
 */
#ifndef SMTPD_PROC_OFFLINE_OFFLINE_H
#define SMTPD_PROC_OFFLINE_OFFLINE_H

struct proc_ops;

extern const struct proc_ops offline_ops;

#endif
