/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, what could not be sent because no host could be reached: a few
 * envelopes for each way are remembered, and go at once when a host there
 * takes a message again, instead of at the end of their pauses.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/mem.h"

#include "smtpd/conf/conf.h"
#include "smtpd/queue/relay.h"

#include "smtpd/proc/queue/queue_internal.h"

#define WAYS_MAX 10000 /* above, the pauses do it */

struct deferred {
	RB_ENTRY(deferred) entry;
	char *way; /* "ACTION@DOMAIN", or "ACTION@" for its hosts */
	uint64_t *ids;
	size_t n;
};

static int
deferred_compare(const struct deferred *a, const struct deferred *b)
{
	return strcasecmp(a->way, b->way);
}

RB_PROTOTYPE(deferreds, deferred, entry, deferred_compare)
RB_GENERATE(deferreds, deferred, entry, deferred_compare)

static struct deferred *
find(struct queue *q, const struct envelope *ev, char **way)
{
	const char *action = envelope_text(ev, ENVELOPE_ACTION);
	const struct conf_action *a =
	    conf_find_action(q->proc->setup->conf, action);
	struct deferred key;

	*way = xasprintf("%s@%s", action,
	    a != NULL && a->host != NULL ? "" : ev->dest.domain);
	key.way = *way;
	return RB_FIND(deferreds, &q->deferreds, &key);
}

static void
add(struct queue *q, const struct envelope *ev)
{
	uint64_t max = q->proc->setup->conf->limits.mta_max_deferred;
	struct deferred *d;
	char *way;

	d = find(q, ev, &way);
	if (d == NULL && q->n_deferreds < WAYS_MAX) {
		d = xcalloc(1, sizeof(*d));
		d->way = way;
		way = NULL;
		RB_INSERT(deferreds, &q->deferreds, d);
		q->n_deferreds++;
	}
	free(way);
	if (d == NULL || d->n >= max)
		return;
	for (size_t i = 0; i < d->n; i++) {
		if (d->ids[i] == ev->id)
			return;
	}
	if ((d->n & (d->n - 1)) == 0)
		d->ids = xreallocarray(
		    d->ids, d->n == 0 ? 1 : d->n * 2, sizeof(*d->ids));
	d->ids[d->n++] = ev->id;
}

/* What has gone meanwhile, or is on its way, is no harm: see dispatch_due(). */
static void
release(struct queue *q, const struct envelope *ev)
{
	struct deferred *d;
	char *way;

	if (q->n_deferreds == 0)
		return;
	d = find(q, ev, &way);
	free(way);
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++) {
		if (d->ids[i] != ev->id)
			queue_schedule(q, d->ids[i], 0);
	}
	RB_REMOVE(deferreds, &q->deferreds, d);
	q->n_deferreds--;
	free(d->way);
	free(d->ids);
	free(d);
}

void
deferred_result(
    struct queue *q, const struct envelope *ev, const struct relay_result *r)
{
	if (r->status == RELAY_LATER && r->remote[0] == '\0')
		add(q, ev);
	else if (r->status == RELAY_OK || r->status == RELAY_OK_NO_DSN)
		release(q, ev);
}
