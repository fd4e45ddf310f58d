/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/lookup/table.h"
#include "smtpd/lookup/table_proc.h"

#include "smtpd/lookup/ruleset.h"

struct loaded {
	const struct conf_table *declared;
	struct table *table;
};

struct tables {
	struct loaded *all;
	size_t n;
	const struct conf_table *localhost, *localnames;
	char *hostname;
};

/* Put what this machine is called into <localhost> and <localnames>. */
static void
add_local(struct tables *t)
{
	struct table *hosts = tables_get(t, t->localhost);
	struct table *names = tables_get(t, t->localnames);
	struct ifaddrs *all, *ifa;
	char text[INET6_ADDRSTRLEN], literal[INET6_ADDRSTRLEN + 16];

	table_add(names, t->hostname, NULL);
	if (getifaddrs(&all) == -1)
		return;
	for (ifa = all; ifa != NULL; ifa = ifa->ifa_next) {
		const struct sockaddr *sa = ifa->ifa_addr;
		const void *raw;

		if (sa == NULL ||
		    (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
			continue;
		raw = sa->sa_family == AF_INET ?
		    (const void *)&(
			(const struct sockaddr_in *)(const void *)sa)
			->sin_addr :
		    (const void *)&(
			(const struct sockaddr_in6 *)(const void *)sa)
			->sin6_addr;
		inet_ntop(sa->sa_family, raw, text, sizeof(text));
		table_add(hosts, text, NULL);
		snprintf(literal, sizeof(literal), "[%s%s]",
		    sa->sa_family == AF_INET6 ? "IPv6:" : "", text);
		table_add(names, literal, NULL);
	}
	freeifaddrs(all);
	table_add(hosts, "127.0.0.0/8", NULL);
	table_add(hosts, "::1", NULL);
}

struct tables *
tables_load(const struct conf *c, const char *hostname, struct err *e)
{
	struct tables *t = xcalloc(1, sizeof(*t));
	const struct conf_table *ct;

	t->hostname = xstrdup(hostname);
	TAILQ_FOREACH(ct, &c->tables, entry) {
		struct table *table = table_load(ct, e);

		if (table == NULL) {
			err_wrap(e, "table %s", ct->name);
			tables_free(t);
			return NULL;
		}
		t->all = xreallocarray(t->all, t->n + 1, sizeof(*t->all));
		t->all[t->n++] = (struct loaded){ ct, table };
	}
	t->localhost = conf_find_table(c, "localhost");
	t->localnames = conf_find_table(c, "localnames");
	add_local(t);
	return t;
}

void
tables_free(struct tables *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		table_free(t->all[i].table);
	free(t->all);
	free(t->hostname);
	free(t);
}

struct table *
tables_get(struct tables *t, const struct conf_table *ct)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->all[i].declared == ct)
			return t->all[i].table;
	}
	return NULL;
}

int
tables_update(
    struct tables *t, const struct conf *c, const char *name, struct err *e)
{
	const struct conf_table *ct = conf_find_table(c, name);
	struct table *fresh;

	if (ct == NULL || ct->kind == CONF_TABLE_STATIC) {
		err_set(e, ERR_NOT_FOUND,
		    "no table %s that is a file or a program", name);
		return -1;
	}
	if (ct->kind == CONF_TABLE_PROC)
		return table_proc_update(table_program(tables_get(t, ct)), e);
	fresh = table_load(ct, e);
	if (fresh == NULL)
		return -1;
	for (size_t i = 0; i < t->n; i++) {
		if (t->all[i].declared == ct) {
			table_free(t->all[i].table);
			t->all[i].table = fresh;
		}
	}
	return 0;
}

struct subject {
	const struct envelope *ev;
	struct tables *tables;
	bool tls;
};

static bool
is_local(const struct subject *s, struct err *e)
{
	if ((s->ev->flags & ENVELOPE_INTERNAL) != 0)
		return true;
	return table_lookup(tables_get(s->tables, s->tables->localhost),
		   TABLE_NETADDR, envelope_text(s->ev, ENVELOPE_SOURCE), NULL,
		   e) == 1;
}

static int
in_table(const struct subject *s, const struct conf_criterion *c,
    enum table_service service, const char *key, struct err *e)
{
	if (c->table == NULL)
		return key[0] != '\0';
	return table_lookup(tables_get(s->tables, c->table),
	    c->regex ? TABLE_REGEX : service, key, NULL, e);
}

static int
in_table_address(const struct subject *s, const struct conf_criterion *c,
    const struct address *a, struct err *e)
{
	char text[ADDRESS_TEXT_LEN];

	return in_table(s, c, TABLE_MAILADDR, address_text(a, text), e);
}

static int
test_auth(
    const struct subject *s, const struct conf_criterion *c, struct err *e)
{
	const char *user = envelope_text(s->ev, ENVELOPE_USERNAME);

	if ((s->ev->flags & (ENVELOPE_AUTHENTICATED | ENVELOPE_INTERNAL)) == 0)
		return 0;
	if (c->table == NULL)
		return 1;
	return in_table(s, c,
	    strchr(user, '@') != NULL ? TABLE_MAILADDR : TABLE_STRING, user, e);
}

/* 1 true, 0 false, -1 a table failed. */
static int
test(const struct subject *s, enum conf_test kind,
    const struct conf_criterion *c, struct err *e)
{
	const struct envelope *ev = s->ev;
	const char *rdns = envelope_text(ev, ENVELOPE_HOSTNAME);

	switch (kind) {
	case CONF_TEST_FROM_ANY:
	case CONF_TEST_FOR_ANY:
		return 1;
	case CONF_TEST_TAG:
		return in_table(
		    s, c, TABLE_DOMAIN, envelope_text(ev, ENVELOPE_TAG), e);
	case CONF_TEST_FROM_LOCAL:
		return is_local(s, e);
	case CONF_TEST_FROM_SOCKET:
		return strcmp(envelope_text(ev, ENVELOPE_SOURCE), "local") == 0;
	case CONF_TEST_FROM_SRC:
		return in_table(
		    s, c, TABLE_NETADDR, envelope_text(ev, ENVELOPE_SOURCE), e);
	case CONF_TEST_FROM_RDNS:
		return rdns[0] == '<' ? 0 :
					in_table(s, c, TABLE_DOMAIN, rdns, e);
	case CONF_TEST_FROM_AUTH:
	case CONF_TEST_AUTH:
		return test_auth(s, c, e);
	case CONF_TEST_FROM_MAIL_FROM:
	case CONF_TEST_MAIL_FROM:
		return in_table_address(s, c, &ev->sender, e);
	case CONF_TEST_FOR_LOCAL:
		return ev->dest.domain[0] == '\0' ?
		    1 :
		    table_lookup(tables_get(s->tables, s->tables->localnames),
			TABLE_DOMAIN, ev->dest.domain, NULL, e);
	case CONF_TEST_FOR_DOMAIN:
		return in_table(s, c, TABLE_DOMAIN, ev->dest.domain, e);
	case CONF_TEST_FOR_RCPT_TO:
	case CONF_TEST_RCPT_TO:
		return in_table_address(s, c, &ev->dest, e);
	case CONF_TEST_HELO:
		return in_table(
		    s, c, TABLE_DOMAIN, envelope_text(ev, ENVELOPE_HELO), e);
	case CONF_TEST_TLS:
		return s->tls;
	case CONF_TEST_COUNT:
		break;
	}
	return 0;
}

/* 1 when all tests hold; *failed is the first that doesn't. */
static int
try_rule(const struct subject *s, const struct conf_match *m,
    enum conf_test *failed, struct err *e)
{
	for (unsigned i = 0; i < CONF_TEST_COUNT; i++) {
		const struct conf_criterion *c = &m->tests[i];
		int rc;

		if (!c->present)
			continue;
		rc = test(s, i, c, e);
		if (rc == -1)
			return -1;
		if ((rc == 1) == c->negate) {
			*failed = i;
			return 0;
		}
	}
	return 1;
}

enum rule_result
ruleset_match(const struct conf *c, struct tables *t, const struct envelope *ev,
    bool tls, const struct conf_match **out, struct buf *why, struct err *e)
{
	const struct subject s = { ev, t, tls };
	const struct conf_match *m;

	TAILQ_FOREACH(m, &c->matches, entry) {
		enum conf_test failed = CONF_TEST_COUNT;
		int rc = try_rule(&s, m, &failed, e);

		if (rc == -1)
			return RULE_ERROR;
		if (why != NULL) {
			buf_printf(why, "%s:%d: ", m->pos.file, m->pos.line);
			conf_print_match(m, why);
			if (rc == 1)
				buf_add_str(why, "\n    this one\n");
			else
				buf_printf(why, "\n    no: %s%s is not so\n",
				    m->tests[failed].negate ? "! " : "",
				    conf_test_name(failed));
		}
		if (rc == 1) {
			*out = m;
			return RULE_MATCH;
		}
	}
	return RULE_NONE;
}
