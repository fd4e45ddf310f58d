/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The auth process: see the comment at the head of auth.c.
 */
#ifndef SMTPD_PROC_AUTH_AUTH_H
#define SMTPD_PROC_AUTH_AUTH_H

struct proc_ops;

extern const struct proc_ops auth_ops;

#endif
