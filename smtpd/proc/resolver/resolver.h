/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The resolver process: see the comment at the head of resolver.c.
 */
#ifndef SMTPD_PROC_RESOLVER_RESOLVER_H
#define SMTPD_PROC_RESOLVER_RESOLVER_H

struct proc_ops;

extern const struct proc_ops resolver_ops;

#endif
