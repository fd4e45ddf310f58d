/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * out, how many and how fast: the limits of smtpd.conf on connections to
 * other hosts.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/mem.h"

#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/out.h"

uint64_t
relay_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

const struct conf_mta_limits *
relay_limits(const struct relay *r)
{
	const struct conf *c = r->relays->dispatcher->proc->setup->conf;

	return conf_find_mta_limits(
	    c, r->domain[0] != '\0' ? r->domain : r->host);
}

/* What is left of a delay after at; 0: nothing, or it has never been. */
static uint64_t
left(uint64_t at, uint64_t seconds, uint64_t now)
{
	uint64_t until = at + seconds * 1000;

	return at == 0 || until <= now ? 0 : until - now;
}

static void
raise_to(uint64_t *max, uint64_t v)
{
	if (v > *max)
		*max = v;
}

/* Connections to a domain by whatever action, and the last of them. */
static unsigned
count_domain(const struct relay *r, uint64_t *last)
{
	const struct relay *o;
	unsigned n = 0;

	*last = 0;
	TAILQ_FOREACH(o, &r->relays->all, entry) {
		if (strcasecmp(o->domain, r->domain) != 0 ||
		    (r->domain[0] == '\0' && o != r))
			continue;
		n += o->n_outs;
		raise_to(last, o->opened_at);
	}
	return n;
}

/* The source of a relay, remembered for its delay. */
static struct connector *
get_connector(struct relay *r, const char *source)
{
	for (size_t i = 0; i < r->n_connectors; i++) {
		if (strcmp(r->connectors[i].source, source) == 0)
			return &r->connectors[i];
	}
	r->connectors = xreallocarray(
	    r->connectors, r->n_connectors + 1, sizeof(*r->connectors));
	memset(&r->connectors[r->n_connectors], 0, sizeof(*r->connectors));
	memcpy(
	    r->connectors[r->n_connectors].source, source, strlen(source) + 1);
	return &r->connectors[r->n_connectors++];
}

static unsigned
count_connector(const struct relay *r, const char *source)
{
	const struct out *o;
	unsigned n = 0;

	TAILQ_FOREACH(o, &r->outs, entry)
		n += o->route != NULL && strcmp(o->route->source, source) == 0;
	return n;
}

static void
wait_for(struct relay *r, uint64_t ms)
{
	const struct timeval tv = { (time_t)(ms / 1000),
		(suseconds_t)(ms % 1000 * 1000) };

	if (!evtimer_pending(r->pause, NULL))
		event_add(r->pause, &tv);
}

bool
relay_may_open(struct relay *r)
{
	const struct conf_mta_limits *l = relay_limits(r);
	uint64_t now = relay_now_ms(), last, ms;
	bool delayed = false;

	for (size_t i = 0; i < CONF_CONNS; i++)
		delayed |= l->delay[i] > 0;
	if (r->n_outs >= l->max_conn[CONF_CONN_RELAY] ||
	    r->n_opening >= (delayed ? 1 : l->max_conn[CONF_CONN_HOST]) ||
	    count_domain(r, &last) >= l->max_conn[CONF_CONN_DOMAIN] ||
	    (r->saturated && !r->room) ||
	    /* A socket is connected to before its route is asked. */
	    (r->host[0] == '/' && r->n_outs >= l->max_conn[CONF_CONN_HOST]))
		return false;
	ms = left(last, l->delay[CONF_CONN_DOMAIN], now);
	raise_to(&ms, left(r->opened_at, l->delay[CONF_CONN_RELAY], now));
	if (ms > 0)
		wait_for(r, ms);
	return ms == 0;
}

uint64_t
relay_rest_ms(const struct relay *r)
{
	const struct conf_mta_limits *l = relay_limits(r);
	uint64_t seconds = 0;

	raise_to(&seconds, l->delay[CONF_CONN_RELAY]);
	raise_to(&seconds, l->delay[CONF_CONN_DOMAIN]);
	raise_to(&seconds, l->delay[CONF_CONN_CONNECTOR]);
	return left(r->opened_at, seconds, relay_now_ms());
}

void
relay_wait(struct relay *r, uint64_t ms)
{
	wait_for(r, ms);
}

/* What the routes that o would use have in common with r. */
struct use {
	unsigned n[CONF_CONNS];
	uint64_t last[CONF_CONNS];
};

static void
add_use(struct use *u, enum conf_conn kind, const struct route *r)
{
	u->n[kind] += r->n_conn;
	raise_to(&u->last[kind], r->started_at);
}

static void
find_use(const struct routes *all, const struct route *r, struct use *u)
{
	const struct route *o;

	memset(u, 0, sizeof(*u));
	TAILQ_FOREACH(o, all, entry) {
		bool source = strcmp(o->source, r->source) == 0;

		if (strcmp(o->address, r->address) == 0 && o->port == r->port) {
			add_use(u, CONF_CONN_HOST, o);
			if (source)
				add_use(u, CONF_CONN_ROUTE, o);
		}
		if (source)
			add_use(u, CONF_CONN_SOURCE, o);
	}
}

bool
out_may_connect(struct out *o, const struct route *r)
{
	const struct conf_mta_limits *l = relay_limits(o->relay);
	const struct connector *c = get_connector(o->relay, r->source);
	uint64_t now = relay_now_ms(), ms = 0;
	struct use u;

	find_use(&o->relay->relays->routes, r, &u);
	u.n[CONF_CONN_CONNECTOR] = count_connector(o->relay, r->source);
	u.last[CONF_CONN_CONNECTOR] = c->started_at;
	for (size_t i = 0; i <= CONF_CONN_CONNECTOR; i++) {
		if (u.n[i] >= l->max_conn[i]) {
			o->saturated = true;
			return false;
		}
		raise_to(&ms, left(u.last[i], l->delay[i], now));
	}
	raise_to(&ms, left(r->ended_at, l->reconnect_delay, now));
	if (ms > 0) {
		o->saturated = true;
		relay_wait(o->relay, ms);
	}
	return ms == 0;
}

void
out_connects(struct out *o)
{
	uint64_t now = relay_now_ms();

	o->route->n_conn++;
	o->route->started_at = now;
	get_connector(o->relay, o->route->source)->started_at = now;
}

/* How long until the session may begin its next message. */
uint64_t
out_rest_ms(const struct out *o)
{
	return o->mails == 0 ?
	    0 :
	    left(o->rested_at, relay_limits(o->relay)->transaction_delay,
		relay_now_ms());
}
