/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * route: our address (or any) and one of another host, and how it fares.
 *
 * A route that fails is left alone for fifteen seconds, four times that, nine
 * times that, at most an hour; one success forgets it all.
 */
#ifndef SMTPD_PROC_DISPATCHER_ROUTE_H
#define SMTPD_PROC_DISPATCHER_ROUTE_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "smtpd/dns/dns.h"

#define ROUTE_STATUS_MAX  256
#define ROUTE_ADDRESS_MAX 128

struct route {
	TAILQ_ENTRY(route) entry;
	unsigned id;
	char source[DNS_ADDRESS_TEXT];   /* "" for any */
	char address[ROUTE_ADDRESS_MAX]; /* or the path of a socket */
	uint16_t port;                   /* 0: a path */
	char name[DNS_NAME_MAX + 1];
	unsigned n_conn, n_errors;
	time_t disabled_until, last_at;
	uint64_t started_at, ended_at; /* ms: the last connection; 0: none */
	char status[ROUTE_STATUS_MAX]; /* what it said last; "" at first */
};

TAILQ_HEAD(routes, route);

/* Find or make.  Those that nobody needs are forgotten after a while. */
struct route *route_get(struct routes *all, const char *source,
    const struct dns_address *to, uint16_t port, const char *name);
struct route *route_get_path(struct routes *all, const char *path);

bool route_usable(const struct route *r, time_t now);

void route_failed(struct route *r, const char *status);
void route_worked(struct route *r, const char *status);

void route_clear(struct routes *all);

#endif
