/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/buf.h"
#include "lib/mem.h"

#include "smtpd/conf/build.h"
#include "smtpd/conf/grammar.h"
#include "smtpd/conf/lex.h"

#include "smtpd/conf/conf.h"

static struct conf *
new_conf(void)
{
	struct conf *c = xcalloc(1, sizeof(*c));

	TAILQ_INIT(&c->tables);
	TAILQ_INIT(&c->pkis);
	TAILQ_INIT(&c->cas);
	TAILQ_INIT(&c->wrappers);
	TAILQ_INIT(&c->listens);
	TAILQ_INIT(&c->actions);
	TAILQ_INIT(&c->matches);
	TAILQ_INIT(&c->procs);
	TAILQ_INIT(&c->filters);
	TAILQ_INIT(&c->mta_domains);
	c->warn_at[0] = 4 * 3600;
	c->ttl = 4 * 86400;
	c->reserve = 128 << 20;
	c->max_message_size = 35 << 20;
	c->sub_addr_delim = '+';
	c->srs_ttl = 4 * 86400;
	c->limits = (struct conf_limits){
		.max_mails = 100,
		.max_rcpt = 1000,
		.mta_max_deferred = 100,
		.mda_max_session = 50,
		.mda_max_session_per_user = 7,
		.scheduler_max_inflight = 5000,
		.scheduler_max_schedule = 512,
		.max_sessions = 20000,
		.max_sessions_per_source = 100,
	};
	c->mta = (struct conf_mta_limits){
		.family = AF_UNSPEC,
		.max_conn = { [CONF_CONN_HOST] = 10,
		    [CONF_CONN_ROUTE] = 10,
		    [CONF_CONN_SOURCE] = 100,
		    [CONF_CONN_CONNECTOR] = 20,
		    [CONF_CONN_RELAY] = 100,
		    [CONF_CONN_DOMAIN] = 100 },
		.mails = 100,
		.keepalive = 10,
		.max_failures = 25,
	};
	return c;
}

struct conf *
conf_parse(struct conf_source *source, const char *path,
    const char *const *macros, size_t n_macros, struct buf *problems)
{
	struct conf_lexer lx;
	struct conf_builder b = { .problems = problems };
	bool failed;

	b.conf = new_conf();
	conf_lex(&lx, source, path, macros, n_macros, problems);
	b.lexer = &lx;
	b.pos = lx.tokens[0].pos;
	build_builtin_tables(&b);
	if (yyparse(&b) != 0)
		b.failed = true;
	build_end(&b);
	free(b.limits);
	failed = b.failed || lx.failed;
	b.conf->files = lx.files;
	b.conf->n_files = lx.n_files;
	lx.files = NULL;
	lx.n_files = 0;
	conf_lex_free(&lx);
	if (failed) {
		conf_free(b.conf);
		return NULL;
	}
	return b.conf;
}

static void
free_proc(struct conf_proc *p)
{
	if (p == NULL)
		return;
	free(p->name);
	free(p->command);
	free(p->user);
	free(p->group);
	free(p->chroot);
	free(p);
}

static void
free_table(struct conf_table *t)
{
	for (size_t i = 0; i < t->n_pairs; i++) {
		free(t->pairs[i].key);
		free(t->pairs[i].value);
	}
	free(t->pairs);
	free(t->name);
	free(t->type);
	free(t->path);
	free_proc(t->program);
	free(t);
}

static void
free_listen(struct conf_listen *l)
{
	free(l->where);
	free(l->port);
	free(l->ciphers);
	free(l->protocols);
	free(l->hostname);
	free(l->tag);
	free(l);
}

static void
free_action(struct conf_action *a)
{
	free(a->name);
	free(a->target);
	free(a->user);
	free(a->backup_mx);
	free(a->ciphers);
	free(a->protocols);
	free(a->helo);
	free(a->mail_from);
	free(a);
}

static void
free_filters(struct conf *c)
{
	struct conf_filter *f;
	struct conf_proc *p;

	while ((f = TAILQ_FIRST(&c->filters)) != NULL) {
		TAILQ_REMOVE(&c->filters, f, entry);
		free(f->name);
		free(f->text);
		free(f);
	}
	while ((p = TAILQ_FIRST(&c->procs)) != NULL) {
		TAILQ_REMOVE(&c->procs, p, entry);
		free_proc(p);
	}
}

static void
free_small(struct conf *c)
{
	struct conf_pki *pki;
	struct conf_ca *ca;
	struct conf_wrapper *w;
	struct conf_match *m;

	while ((pki = TAILQ_FIRST(&c->pkis)) != NULL) {
		TAILQ_REMOVE(&c->pkis, pki, entry);
		free(pki->name);
		free(pki->cert);
		free(pki->key);
		free(pki->dhe);
		free(pki);
	}
	while ((ca = TAILQ_FIRST(&c->cas)) != NULL) {
		TAILQ_REMOVE(&c->cas, ca, entry);
		free(ca->name);
		free(ca->cert);
		free(ca);
	}
	while ((w = TAILQ_FIRST(&c->wrappers)) != NULL) {
		TAILQ_REMOVE(&c->wrappers, w, entry);
		free(w->name);
		free(w->command);
		free(w);
	}
	while ((m = TAILQ_FIRST(&c->matches)) != NULL) {
		TAILQ_REMOVE(&c->matches, m, entry);
		free(m);
	}
}

static void
free_mta_limits(struct conf *c)
{
	struct conf_mta_limits *mta;

	while ((mta = TAILQ_FIRST(&c->mta_domains)) != NULL) {
		TAILQ_REMOVE(&c->mta_domains, mta, entry);
		free(mta->domain);
		free(mta);
	}
}

void
conf_free(struct conf *c)
{
	struct conf_table *t;
	struct conf_listen *l;
	struct conf_action *a;

	if (c == NULL)
		return;
	while ((t = TAILQ_FIRST(&c->tables)) != NULL) {
		TAILQ_REMOVE(&c->tables, t, entry);
		free_table(t);
	}
	while ((l = TAILQ_FIRST(&c->listens)) != NULL) {
		TAILQ_REMOVE(&c->listens, l, entry);
		free_listen(l);
	}
	while ((a = TAILQ_FIRST(&c->actions)) != NULL) {
		TAILQ_REMOVE(&c->actions, a, entry);
		free_action(a);
	}
	free_small(c);
	free_filters(c);
	free_mta_limits(c);
	for (size_t i = 0; i < c->n_files; i++)
		free(c->files[i]);
	free(c->files);
	free(c->lacks);
	free(c->admd);
	free(c->encryption);
	free(c->smtp_ciphers);
	free(c->srs_key);
	free(c->srs_key_backup);
	free(c);
}

bool
conf_key_elsewhere(const struct conf *c)
{
	return c->encryption != NULL &&
	    (c->encryption[0] == '\0' ||
		strcmp(c->encryption, CONF_KEY_STDIN) == 0);
}

#define FIND(type, list)                                                       \
	struct conf_##type *conf_find_##type(                                  \
	    const struct conf *c, const char *name)                            \
	{                                                                      \
		struct conf_##type *x;                                         \
                                                                               \
		TAILQ_FOREACH(x, &c->list, entry) {                            \
			if (strcmp(x->name, name) == 0)                        \
				return x;                                      \
		}                                                              \
		return NULL;                                                   \
	}

FIND(table, tables)
FIND(pki, pkis)
FIND(ca, cas)
FIND(action, actions)
FIND(wrapper, wrappers)
FIND(proc, procs)
FIND(filter, filters)

const struct conf_mta_limits *
conf_find_mta_limits(const struct conf *c, const char *domain)
{
	const struct conf_mta_limits *l;

	TAILQ_FOREACH(l, &c->mta_domains, entry) {
		if (strcasecmp(l->domain, domain) == 0)
			return l;
	}
	return &c->mta;
}

const char *
conf_method_name(enum conf_method m)
{
	static const char *const names[] = {
		[CONF_MBOX] = "mbox",
		[CONF_MAILDIR] = "maildir",
		[CONF_LMTP] = "lmtp",
		[CONF_MDA] = "mda",
		[CONF_EXPAND_ONLY] = "expand-only",
		[CONF_FORWARD_ONLY] = "forward-only",
		[CONF_RELAY] = "relay",
	};

	return names[m];
}

const char *
conf_test_name(enum conf_test t)
{
	static const char *const names[] = {
		[CONF_TEST_TAG] = "tag",
		[CONF_TEST_FROM_ANY] = "from any",
		[CONF_TEST_FROM_LOCAL] = "from local",
		[CONF_TEST_FROM_SOCKET] = "from socket",
		[CONF_TEST_FROM_SRC] = "from src",
		[CONF_TEST_FROM_RDNS] = "from rdns",
		[CONF_TEST_FROM_AUTH] = "from auth",
		[CONF_TEST_FROM_MAIL_FROM] = "from mail-from",
		[CONF_TEST_FOR_ANY] = "for any",
		[CONF_TEST_FOR_LOCAL] = "for local",
		[CONF_TEST_FOR_DOMAIN] = "for domain",
		[CONF_TEST_FOR_RCPT_TO] = "for rcpt-to",
		[CONF_TEST_HELO] = "helo",
		[CONF_TEST_AUTH] = "auth",
		[CONF_TEST_TLS] = "tls",
		[CONF_TEST_MAIL_FROM] = "mail-from",
		[CONF_TEST_RCPT_TO] = "rcpt-to",
	};

	return names[t];
}
