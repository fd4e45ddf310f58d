/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conf_build, second half: listeners, actions and rules.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/buf.h"
#include "lib/mem.h"

#include "smtpd/conf/grammar.h"
#include "smtpd/conf/lex.h"

#include "smtpd/conf/build.h"

/*
 * Each option once a line: `given' has a bit for each, in the order of this
 * list, so that an option that is said twice is told by name.
 */
static const struct {
	int what;
	const char *name;
} once[] = {
	{ INET4, "inet4 or inet6" },
	{ PORT, "port" },
	{ TLS, "tls, tls-require or smtps" },
	{ CA, "ca" },
	{ CIPHERS, "ciphers" },
	{ PROTOCOLS, "protocols" },
	{ AUTH, "auth" },
	{ HOSTNAME, "hostname" },
	{ HOSTNAMES, "hostnames" },
	{ TAG, "tag" },
	{ MASK_SRC, "mask-src" },
	{ RECEIVED_AUTH, "received-auth" },
	{ NO_DSN, "no-dsn" },
	{ PROXY_V2, "proxy-v2" },
	{ SENDERS, "senders" },
	{ TTL, "ttl" },
	{ JUNK, "junk" },
	{ RCPT_TO, "rcpt-to" },
	{ ALIAS, "alias" },
	{ VIRTUAL, "virtual" },
	{ USERBASE, "userbase" },
	{ USER, "user" },
	{ WRAPPER, "wrapper" },
	{ BACKUP, "backup" },
	{ DOMAIN, "domain" },
	{ HELO, "helo" },
	{ HELO_SRC, "helo-src" },
	{ HOST, "host" },
	{ MAIL_FROM, "mail-from" },
	{ PKI, "pki" },
	{ SRC, "src" },
	{ SRS, "srs" },
};

static void
give(struct conf_builder *b, unsigned *given, int what)
{
	static_assert(sizeof(once) / sizeof(once[0]) <= 32, "a bit for each");
	for (unsigned i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		if (once[i].what != what)
			continue;
		if ((*given & 1U << i) != 0)
			build_problem(b, "%s given twice", once[i].name);
		*given |= 1U << i;
	}
}

static void
set_text(char **where, const char *text)
{
	free(*where);
	*where = text == NULL ? NULL : xstrdup(text);
}

/* Listeners */

void
build_listen(struct conf_builder *b, const char *where)
{
	struct conf_listen *l = xcalloc(1, sizeof(*l)), *other;

	l->pos = b->pos;
	l->id = ++b->conf->n_listens;
	l->socket = where == NULL;
	l->family = AF_UNSPEC;
	if (where != NULL)
		l->where = xstrdup(where);
	TAILQ_FOREACH(other, &b->conf->listens, entry) {
		if (l->socket && other->socket)
			build_problem(b, "listen on socket given twice");
	}
	TAILQ_INSERT_TAIL(&b->conf->listens, l, entry);
	b->listen = l;
}

void
build_listen_family(struct conf_builder *b, int what)
{
	give(b, &b->listen->given, INET4);
	b->listen->family = what == INET4 ? AF_INET : AF_INET6;
}

void
build_listen_text(struct conf_builder *b, int what, const char *text)
{
	struct conf_listen *l = b->listen;
	char **where = what == PORT ? &l->port :
	    what == CIPHERS         ? &l->ciphers :
	    what == PROTOCOLS       ? &l->protocols :
	    what == HOSTNAME        ? &l->hostname :
				      &l->tag;

	give(b, &l->given, what);
	if (what == TAG && strlen(text) > 32)
		build_problem(b, "a tag of more than 32 characters");
	set_text(where, text);
}

void
build_listen_tls(struct conf_builder *b, int what, bool verify)
{
	struct conf_listen *l = b->listen;

	give(b, &l->given, TLS);
	l->tls = what == SMTPS ? CONF_TLS_IMPLICIT :
	    what == TLS        ? CONF_TLS_OFFER :
				 CONF_TLS_REQUIRE;
	l->tls_verify = verify;
}

static const struct conf_pki *
find_pki(struct conf_builder *b, const char *name)
{
	const struct conf_pki *pki = conf_find_pki(b->conf, name);

	if (pki == NULL)
		build_problem(
		    b, "the pki \"%s\" is not declared above this line", name);
	return pki;
}

static const struct conf_ca *
find_ca(struct conf_builder *b, const char *name)
{
	const struct conf_ca *ca = conf_find_ca(b->conf, name);

	if (ca == NULL)
		build_problem(
		    b, "the ca \"%s\" is not declared above this line", name);
	return ca;
}

void
build_listen_pki(struct conf_builder *b, const char *name)
{
	struct conf_listen *l = b->listen;
	const struct conf_pki *pki = find_pki(b, name);

	if (l->n_pkis == CONF_LISTEN_PKIS)
		build_problem(b, "more than %d pki", CONF_LISTEN_PKIS);
	else if (pki != NULL)
		l->pkis[l->n_pkis++] = pki;
}

void
build_listen_ca(struct conf_builder *b, const char *name)
{
	give(b, &b->listen->given, CA);
	b->listen->ca = find_ca(b, name);
}

void
build_listen_auth(struct conf_builder *b, int what, struct conf_table *table)
{
	give(b, &b->listen->given, AUTH);
	b->listen->auth = what == AUTH ? CONF_AUTH_REQUIRE : CONF_AUTH_OFFER;
	b->listen->auth_table = table;
}

void
build_listen_hostnames(struct conf_builder *b, struct conf_table *table)
{
	give(b, &b->listen->given, HOSTNAMES);
	b->listen->hostnames = table;
}

void
build_listen_senders(
    struct conf_builder *b, struct conf_table *table, bool masquerade)
{
	give(b, &b->listen->given, SENDERS);
	b->listen->senders = table;
	b->listen->masquerade = masquerade;
}

void
build_listen_flag(struct conf_builder *b, int what)
{
	struct conf_listen *l = b->listen;

	give(b, &l->given, what);
	switch (what) {
	case MASK_SRC:
		l->mask_src = true;
		break;
	case RECEIVED_AUTH:
		l->received_auth = true;
		break;
	case NO_DSN:
		l->no_dsn = true;
		break;
	default:
		l->proxy = true;
		break;
	}
}

/* Named by nobody: the one of the listener's name, or that of any name. */
static void
find_default_pki(struct conf_builder *b, struct conf_listen *l)
{
	const struct conf_pki *pki = NULL;

	if (l->hostname != NULL)
		pki = conf_find_pki(b->conf, l->hostname);
	if (pki == NULL)
		pki = conf_find_pki(b->conf, "*");
	if (pki != NULL)
		l->pkis[l->n_pkis++] = pki;
}

void
build_listen_end(struct conf_builder *b)
{
	struct conf_listen *l = b->listen;

	build_at(b, l->pos);
	if (l->tls != CONF_TLS_NONE && l->n_pkis == 0)
		find_default_pki(b, l);
	if (l->auth != CONF_AUTH_NONE && l->tls == CONF_TLS_NONE)
		build_problem(b, "auth needs tls, tls-require or smtps");
	if (l->n_pkis > 0 && l->tls == CONF_TLS_NONE)
		build_problem(b, "pki needs tls, tls-require or smtps");
	if (l->tls != CONF_TLS_NONE && l->n_pkis == 0)
		build_problem(b, "tls and smtps need a pki");
	if (l->ca != NULL && !l->tls_verify)
		build_problem(b, "ca needs tls verify or smtps verify");
	if (l->senders != NULL && l->auth == CONF_AUTH_NONE)
		build_problem(b, "senders needs auth");
	if (l->socket &&
	    (l->tls != CONF_TLS_NONE || l->auth != CONF_AUTH_NONE ||
		l->port != NULL || l->family != AF_UNSPEC || l->proxy))
		build_problem(b,
		    "listen on socket takes filter, mask-src, no-dsn and tag "
		    "only");
}

/* Actions */

void
build_action(struct conf_builder *b, const char *name)
{
	struct conf_action *a = xcalloc(1, sizeof(*a));

	if (strlen(name) >= CONF_NAME_MAX)
		build_problem(b, "the action's name is too long");
	if (conf_find_action(b->conf, name) != NULL)
		build_problem(b, "the action \"%s\" is there already", name);
	a->name = xstrdup(name);
	a->pos = b->pos;
	TAILQ_INSERT_TAIL(&b->conf->actions, a, entry);
	b->action = a;
}

void
build_method(
    struct conf_builder *b, enum conf_method method, const char *target)
{
	b->action->method = method;
	set_text(&b->action->target, target);
}

/* Whether the method of this action takes this option. */
static bool
allowed(const struct conf_action *a, int what)
{
	bool relay = a->method == CONF_RELAY;

	switch (what) {
	case TTL:
		return true;
	case JUNK:
		return a->method == CONF_MAILDIR;
	case RCPT_TO:
		return a->method == CONF_LMTP;
	case USER:
		return !relay && a->method != CONF_MBOX &&
		    a->method != CONF_EXPAND_ONLY &&
		    a->method != CONF_FORWARD_ONLY;
	case ALIAS:
	case VIRTUAL:
	case USERBASE:
	case WRAPPER:
		return !relay;
	default:
		return relay;
	}
}

static void
give_action(struct conf_builder *b, int what, const char *name)
{
	give(b, &b->action->given, what);
	if (!allowed(b->action, what))
		build_problem(b, "%s does not go with %s", name,
		    conf_method_name(b->action->method));
}

void
build_action_ttl(struct conf_builder *b, uint64_t ttl)
{
	give_action(b, TTL, "ttl");
	b->action->ttl = ttl;
}

void
build_action_flag(struct conf_builder *b, int what)
{
	struct conf_action *a = b->action;

	switch (what) {
	case JUNK:
		give_action(b, what, "junk");
		a->junk = true;
		break;
	case RCPT_TO:
		give_action(b, what, "rcpt-to");
		a->lmtp_rcpt_to = true;
		break;
	case SRS:
		give_action(b, what, "srs");
		a->srs = true;
		break;
	case TLS:
		give_action(b, what, "tls");
		a->tls = true;
		break;
	default:
		a->tls_no_verify = true;
		break;
	}
}

void
build_action_text(struct conf_builder *b, int what, const char *text)
{
	struct conf_action *a = b->action;

	switch (what) {
	case USER:
		give_action(b, what, "user");
		set_text(&a->user, text);
		break;
	case BACKUP:
		give_action(b, what, "backup");
		a->backup = true;
		set_text(&a->backup_mx, text);
		break;
	case CIPHERS:
		give_action(b, what, "ciphers");
		set_text(&a->ciphers, text);
		break;
	case PROTOCOLS:
		give_action(b, what, "protocols");
		set_text(&a->protocols, text);
		break;
	case HELO:
		give_action(b, what, "helo");
		set_text(&a->helo, text);
		break;
	default:
		give_action(b, what, "mail-from");
		set_text(&a->mail_from, text);
		break;
	}
}

void
build_action_table(struct conf_builder *b, int what, struct conf_table *table)
{
	struct conf_action *a = b->action;
	const struct {
		int what;
		const char *name;
		const struct conf_table **place;
	} all[] = {
		{ ALIAS, "alias", &a->alias },
		{ VIRTUAL, "virtual", &a->virt },
		{ USERBASE, "userbase", &a->userbase },
		{ AUTH, "auth", &a->auth },
		{ DOMAIN, "domain", &a->domain },
		{ HELO_SRC, "helo-src", &a->helo_src },
		{ HOST, "host", &a->host },
		{ SRC, "src", &a->src },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].what == what) {
			give_action(b, what, all[i].name);
			*all[i].place = table;
		}
	}
}

void
build_action_wrapper(struct conf_builder *b, const char *name)
{
	give_action(b, WRAPPER, "wrapper");
	b->action->wrapper = conf_find_wrapper(b->conf, name);
	if (b->action->wrapper == NULL)
		build_problem(
		    b, "no mda wrapper \"%s\" is declared above", name);
}

void
build_action_ca(struct conf_builder *b, const char *name)
{
	give_action(b, CA, "ca");
	b->action->ca = find_ca(b, name);
}

void
build_action_pki(struct conf_builder *b, const char *name)
{
	give_action(b, PKI, "pki");
	b->action->pki = find_pki(b, name);
}

void
build_action_end(struct conf_builder *b)
{
	struct conf_action *a = b->action;

	build_at(b, a->pos);
	if (a->alias != NULL && a->virt != NULL)
		build_problem(b, "alias and virtual exclude each other");
	if (a->host != NULL && a->backup)
		build_problem(b, "host and backup exclude each other");
	if (a->host != NULL && a->domain != NULL)
		build_problem(b, "host and domain exclude each other");
	if (a->auth != NULL && a->host == NULL && a->domain == NULL)
		build_problem(b, "auth needs host or domain");
	if (a->srs && b->conf->srs_key == NULL)
		build_problem(b, "srs needs \"srs key\" above");
}

/* Rules */

void
build_match(struct conf_builder *b)
{
	b->match = xcalloc(1, sizeof(*b->match));
	b->match->pos = b->pos;
	TAILQ_INSERT_TAIL(&b->conf->matches, b->match, entry);
}

void
build_test(struct conf_builder *b, enum conf_test test, bool negate, bool regex,
    struct conf_table *table)
{
	struct conf_match *m = b->match;
	bool is_from =
	    test >= CONF_TEST_FROM_ANY && test <= CONF_TEST_FROM_MAIL_FROM;
	bool is_for =
	    test >= CONF_TEST_FOR_ANY && test <= CONF_TEST_FOR_RCPT_TO;

	if (is_from && m->from_given)
		build_problem(b, "from given twice");
	if (is_for && m->for_given)
		build_problem(b, "for given twice");
	if (m->tests[test].present && !is_from && !is_for)
		build_problem(b, "%s given twice", conf_test_name(test));
	if (negate && (test == CONF_TEST_FROM_ANY || test == CONF_TEST_FOR_ANY))
		build_problem(b, "! any matches nothing");
	m->from_given |= is_from;
	m->for_given |= is_for;
	m->tests[test] = (struct conf_criterion){ true, negate, regex, table };
}

void
build_match_action(struct conf_builder *b, const char *name)
{
	struct conf_match *m = b->match;

	if (!m->from_given)
		m->tests[CONF_TEST_FROM_LOCAL].present = true;
	if (!m->for_given)
		m->tests[CONF_TEST_FOR_LOCAL].present = true;
	if (name == NULL)
		return;
	m->action = conf_find_action(b->conf, name);
	if (m->action == NULL)
		build_problem(b,
		    "the action \"%s\" is not declared above this line", name);
}

void
build_end(struct conf_builder *b)
{
	struct conf_pki *pki;

	TAILQ_FOREACH(pki, &b->conf->pkis, entry) {
		build_at(b, pki->pos);
		if (pki->cert == NULL || pki->key == NULL)
			build_problem(b, "the pki \"%s\" lacks its %s",
			    pki->name, pki->cert == NULL ? "cert" : "key");
	}
	if (TAILQ_EMPTY(&b->conf->matches) && !b->failed && !b->lexer->failed) {
		build_at(b, b->lexer->tokens[b->lexer->n_tokens - 1].pos);
		build_problem(b, "no match line: no message would be accepted");
	}
}
