/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The keys process: see the comment at the head of keys.c.
 */
#ifndef SMTPD_PROC_KEYS_KEYS_H
#define SMTPD_PROC_KEYS_KEYS_H

struct proc_ops;

extern const struct proc_ops keys_ops;

#endif
