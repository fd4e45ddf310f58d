/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The lookup process: see the comment at the head of lookup.c.
 */
#ifndef SMTPD_PROC_LOOKUP_LOOKUP_H
#define SMTPD_PROC_LOOKUP_LOOKUP_H

struct proc_ops;

extern const struct proc_ops lookup_ops;

#endif
