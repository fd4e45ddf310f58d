/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The filter process: see the comment at the head of filter.c.
 */
#ifndef SMTPD_PROC_FILTER_FILTER_H
#define SMTPD_PROC_FILTER_FILTER_H

struct proc_ops;

extern const struct proc_ops filter_ops;

#endif
