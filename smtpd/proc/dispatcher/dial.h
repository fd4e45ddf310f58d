/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * dial: a connection to a host, by whichever of its addresses answers first.
 *
 * The addresses are tried in turn, IPv6 and IPv4 alternating, the next a
 * quarter of a second after the one before or as soon as that has failed.
 *
 * Source: RFC 8305.
 */
#ifndef SMTPD_PROC_DISPATCHER_DIAL_H
#define SMTPD_PROC_DISPATCHER_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "smtpd/dns/dns.h"

struct dial;
struct event_base;

/*
 * fd is connected, non-blocking and the callback's, to addresses[which]; or
 * it is -1.  errors has an errno for each address that was tried and failed,
 * and 0 for the others.
 */
typedef void dial_cb(void *arg, int fd, size_t which, const int *errors);

/* addresses are copied; source NULL: any.  The callback comes later. */
struct dial *dial_start(struct event_base *base,
    const struct dns_address *addresses, size_t n, uint16_t port,
    const struct dns_address *source, unsigned patience, dial_cb *cb,
    void *arg);

/* No callback.  NULL is allowed. */
void dial_cancel(struct dial *d);

/* Order addresses so that the families alternate, IPv6 first. */
void dial_interleave(struct dns_address *addresses, size_t n);

#endif
