/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "smtpd/proc/dispatcher/route.h"

#define PENALTY     15 /* seconds, times the square of the failures */
#define PENALTY_MAX 3600
#define FORGET      7200 /* seconds without use */

static void
forget_old(struct routes *all, time_t now)
{
	struct route *r, *next;

	for (r = TAILQ_FIRST(all); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (r->n_conn == 0 && r->last_at + FORGET < now) {
			TAILQ_REMOVE(all, r, entry);
			free(r);
		}
	}
}

static struct route *
get(struct routes *all, const char *source, const char *address, uint16_t port,
    const char *name)
{
	time_t now = time(NULL);
	struct route *r, *last;

	TAILQ_FOREACH(r, all, entry) {
		if (r->port == port && strcmp(r->address, address) == 0 &&
		    strcmp(r->source, source) == 0)
			return r;
	}
	forget_old(all, now);
	last = TAILQ_LAST(all, routes);
	r = xcalloc(1, sizeof(*r));
	r->id = last == NULL ? 1 : last->id + 1;
	r->port = port;
	r->last_at = now;
	snprintf(r->address, sizeof(r->address), "%s", address);
	snprintf(r->source, sizeof(r->source), "%s", source);
	snprintf(r->name, sizeof(r->name), "%s", name);
	TAILQ_INSERT_TAIL(all, r, entry);
	return r;
}

struct route *
route_get(struct routes *all, const char *source, const struct dns_address *to,
    uint16_t port, const char *name)
{
	char address[DNS_ADDRESS_TEXT];

	dns_format_address(to, address);
	return get(all, source, address, port, name);
}

struct route *
route_get_path(struct routes *all, const char *path)
{
	return get(all, "", path, 0, "localhost");
}

bool
route_usable(const struct route *r, time_t now)
{
	return r->disabled_until <= now;
}

static void
note(struct route *r, const char *status)
{
	r->last_at = time(NULL);
	snprintf(r->status, sizeof(r->status), "%s", status);
}

void
route_failed(struct route *r, const char *status)
{
	unsigned long penalty;

	note(r, status);
	if (r->disabled_until > r->last_at)
		return;
	if (r->n_errors < 60)
		r->n_errors++;
	penalty = (unsigned long)r->n_errors * r->n_errors * PENALTY;
	r->disabled_until = r->last_at +
	    (time_t)(penalty > PENALTY_MAX ? PENALTY_MAX : penalty);
}

void
route_worked(struct route *r, const char *status)
{
	note(r, status);
	r->n_errors = 0;
	r->disabled_until = 0;
}

void
route_clear(struct routes *all)
{
	struct route *r;

	while ((r = TAILQ_FIRST(all)) != NULL) {
		TAILQ_REMOVE(all, r, entry);
		free(r);
	}
}
