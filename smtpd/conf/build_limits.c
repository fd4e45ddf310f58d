/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/mem.h"

#include "smtpd/conf/grammar.h"

#include "smtpd/conf/build.h"

#define DELAY_MAX 86400 /* seconds from one connection to the next */

struct place {
	int what;
	const char *name;
	uint64_t
	    *place; /* NULL: this program has nothing that it could limit */
	uint64_t least;
};

void
build_limit(struct conf_builder *b, const char *name, const char *value)
{
	b->limits =
	    xreallocarray(b->limits, b->n_limits + 1, sizeof(*b->limits));
	b->limits[b->n_limits++] = (struct conf_limit){ b->pos, name, value };
}

/* The limits by name and the section they belong to. */
static bool
find_place(
    struct conf_builder *b, int what, const char *name, struct place *out)
{
	struct conf_limits *l = &b->conf->limits;
	struct conf_mta_limits *m =
	    b->mta_limits == NULL ? &b->conf->mta : b->mta_limits;
	const struct place all[] = {
		{ SMTP, "max-mails", &l->max_mails, 0 },
		{ SMTP, "max-rcpt", &l->max_rcpt, 0 },
		{ SMTP, "max-sessions", &l->max_sessions, 1 },
		{ SMTP, "max-sessions-per-source", &l->max_sessions_per_source,
		    1 },
		{ MDA, "max-session", &l->mda_max_session, 1 },
		{ MDA, "max-session-per-user", &l->mda_max_session_per_user,
		    1 },
		{ MDA, "task-hiwat", NULL, 0 },
		{ MDA, "task-lowat", NULL, 0 },
		{ MDA, "task-release", NULL, 0 },
		{ SCHEDULER, "max-inflight", &l->scheduler_max_inflight, 1 },
		{ SCHEDULER, "max-schedule", &l->scheduler_max_schedule, 1 },
		{ SCHEDULER, "max-evp-batch-size", NULL, 0 },
		{ SCHEDULER, "max-msg-batch-size", NULL, 0 },
		{ MTA, "max-conn-per-host", &m->max_conn[CONF_CONN_HOST], 1 },
		{ MTA, "max-conn-per-route", &m->max_conn[CONF_CONN_ROUTE], 1 },
		{ MTA, "max-conn-per-source", &m->max_conn[CONF_CONN_SOURCE],
		    1 },
		{ MTA, "max-conn-per-connector",
		    &m->max_conn[CONF_CONN_CONNECTOR], 1 },
		{ MTA, "max-conn-per-relay", &m->max_conn[CONF_CONN_RELAY], 1 },
		{ MTA, "max-conn-per-domain", &m->max_conn[CONF_CONN_DOMAIN],
		    1 },
		{ MTA, "conn-delay-host", &m->delay[CONF_CONN_HOST], 0 },
		{ MTA, "conn-delay-route", &m->delay[CONF_CONN_ROUTE], 0 },
		{ MTA, "conn-delay-source", &m->delay[CONF_CONN_SOURCE], 0 },
		{ MTA, "conn-delay-connector", &m->delay[CONF_CONN_CONNECTOR],
		    0 },
		{ MTA, "conn-delay-relay", &m->delay[CONF_CONN_RELAY], 0 },
		{ MTA, "conn-delay-domain", &m->delay[CONF_CONN_DOMAIN], 0 },
		{ MTA, "reconn-delay-route", &m->reconnect_delay, 0 },
		{ MTA, "session-mail-max", &m->mails, 1 },
		{ MTA, "session-keepalive", &m->keepalive, 0 },
		{ MTA, "session-transaction-delay", &m->transaction_delay, 0 },
		{ MTA, "max-failures-per-session", &m->max_failures, 1 },
		{ MTA, "task-hiwat", NULL, 0 },
		{ MTA, "task-lowat", NULL, 0 },
		{ MTA, "task-release", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].what == what && strcmp(all[i].name, name) == 0) {
			*out = all[i];
			return true;
		}
	}
	return false;
}

static bool
is_delay(const struct place *p)
{
	return p->what == MTA && strstr(p->name, "delay") != NULL;
}

void
build_limits(struct conf_builder *b, int what)
{
	for (size_t i = 0; i < b->n_limits; i++) {
		const struct conf_limit *l = &b->limits[i];
		struct place p;
		uint64_t v;

		build_at(b, l->pos);
		if (!find_place(b, what, l->name, &p)) {
			build_problem(b, "no limit is called \"%s\"", l->name);
			continue;
		}
		if (p.place == NULL) {
			build_lack(b, "a limit of what this smtpd has not");
			continue;
		}
		v = build_count(b, l->value);
		if (v < p.least)
			build_problem(
			    b, "%s of at least %u", l->name, (unsigned)p.least);
		if (is_delay(&p) && v > DELAY_MAX)
			build_problem(b, "%s of a day at most", l->name);
		*p.place = v;
	}
	free(b->limits);
	b->limits = NULL;
	b->n_limits = 0;
	b->mta_limits = NULL;
}

void
build_mta_limits(struct conf_builder *b)
{
	b->mta_limits = &b->conf->mta;
}

/* Its own limits begin as a copy of the default's at that line. */
void
build_mta_domain(struct conf_builder *b, const char *domain)
{
	struct conf_mta_limits *l;

	TAILQ_FOREACH(l, &b->conf->mta_domains, entry) {
		if (strcasecmp(l->domain, domain) == 0) {
			b->mta_limits = l;
			return;
		}
	}
	l = xmalloc(sizeof(*l));
	*l = b->conf->mta;
	l->domain = xstrdup(domain);
	TAILQ_INSERT_TAIL(&b->conf->mta_domains, l, entry);
	b->mta_limits = l;
}

void
build_mta_family(struct conf_builder *b, int what)
{
	b->mta_limits->family = what == INET4 ? AF_INET : AF_INET6;
}

void
build_max_deferred(struct conf_builder *b, const char *text)
{
	b->conf->limits.mta_max_deferred = build_count(b, text);
}
