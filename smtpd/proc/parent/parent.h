/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent: the process that starts the others, and the only one that may be
 * root.  See the comment at the head of parent.c.
 */
#ifndef SMTPD_PROC_PARENT_PARENT_H
#define SMTPD_PROC_PARENT_PARENT_H

struct setup;

/* Run smtpd until it is told to stop.  Takes setup.  The exit status. */
int parent_main(struct setup *setup, const char *self);

#endif
