/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ask: the dispatcher's questions to the resolver.
 *
 * Every question is answered, by DNS_LATER when the resolver dies or isn't
 * there; the callback never runs before ask_dns() has returned.
 */
#ifndef SMTPD_PROC_DISPATCHER_ASK_H
#define SMTPD_PROC_DISPATCHER_ASK_H

#include <bsd/sys/tree.h>
#include <stdint.h>

#include "smtpd/dns/dns.h"

struct ask;
struct dispatcher;
struct ipc_msg;

RB_HEAD(asks, ask);

typedef void ask_cb(void *arg, const struct dns_answer *a);

/* Owned by the dispatcher until its callback runs or ask_cancel(). */
struct ask *ask_dns(struct dispatcher *d, enum dns_kind kind, const char *name,
    const char *own, ask_cb *cb, void *arg);
void ask_cancel(struct ask *a); /* NULL is allowed */

/* RESOLVED; the resolver's end. */
void ask_answered(struct dispatcher *d, struct ipc_msg *m);
void ask_lost(struct dispatcher *d);

#endif
