/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * way: what the tables of a relay action say: the host, who we are to it,
 * and from where.
 */
#ifndef SMTPD_PROC_LOOKUP_WAY_H
#define SMTPD_PROC_LOOKUP_WAY_H

struct conf;
struct ipc_msg;
struct proc;
struct proc_peer;
struct tables;

/* WAY: answer it with WAY_FOUND (smtpd/queue/relay.h). */
void way_find(
    struct proc *p, struct tables *t, struct proc_peer from, struct ipc_msg *m);

#endif
