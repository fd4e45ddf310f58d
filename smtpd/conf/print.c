/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conf, printed: the tree in the words of smtpd.conf, such that it parses to
 * the same tree.  Names and texts are quoted, so that none is a keyword.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/buf.h"

#include "smtpd/conf/conf.h"
#include "smtpd/conf/lex.h"

#define SECRET       "***"
#define QUEUE_SECRET "\"****************\"" /* as long as a key must be */

/* One word, in quotes; a bare one where no quotes can hold it. */
static void
put_word(const char *text, struct buf *out)
{
	size_t len = strlen(text);
	char before = '\0';

	if (len > 0 && text[len - 1] == '\\' &&
	    strpbrk(text, " \t\"") == NULL) {
		buf_add_str(out, text);
		return;
	}
	buf_add_u8(out, '"');
	for (; *text != '\0'; text++) {
		bool blank = *text == ' ' || *text == '\t';

		if (*text == '"' || (blank && before == '\\'))
			buf_add_u8(out, '\\');
		buf_add_u8(out, (uint8_t)*text);
		before = *text;
	}
	buf_add_u8(out, '"');
}

/* " option" and its value, when there is one. */
static void
put_option(const char *option, const char *value, struct buf *out)
{
	if (value == NULL)
		return;
	buf_printf(out, " %s ", option);
	put_word(value, out);
}

static void
put_flag(const char *option, bool given, struct buf *out)
{
	if (given)
		buf_printf(out, " %s", option);
}

static bool
is_anonymous(const char *name)
{
	return strncmp(name, "anonymous:", 10) == 0;
}

/* What a value of a table of credentials shows: whose it is, at most. */
enum secrecy {
	OPEN,
	SECRET_AFTER_USER,
	ALL_SECRET
};

static void
put_value(const char *value, enum secrecy how, struct buf *out)
{
	size_t user = strcspn(value, ":");
	struct buf b = { 0 };

	if (how == OPEN) {
		put_word(value, out);
		return;
	}
	if (how == SECRET_AFTER_USER && value[user] == ':')
		buf_add(&b, value, user + 1);
	buf_add_str(&b, SECRET);
	put_word(buf_str(&b), out);
	buf_free(&b);
}

static void
put_pairs(const struct conf_table *t, enum secrecy how, struct buf *out)
{
	buf_add_str(out, "{ ");
	for (size_t i = 0; i < t->n_pairs; i++) {
		if (i > 0)
			buf_add_str(out, ", ");
		put_word(t->pairs[i].key, out);
		if (!t->mapping)
			continue;
		buf_add_str(out, " = ");
		put_value(t->pairs[i].value, how, out);
	}
	buf_add_str(out, " }");
}

/* A table where it is used: <name>, or its values in place. */
static void
put_table(const struct conf_table *t, enum secrecy how, struct buf *out)
{
	if (!is_anonymous(t->name)) {
		buf_add_u8(out, '<');
		if (conf_lex_plain(t->name))
			buf_add_str(out, t->name);
		else
			put_word(t->name, out);
		buf_add_u8(out, '>');
	} else if (t->n_pairs == 1 && !t->mapping) {
		put_word(t->pairs[0].key, out);
	} else {
		put_pairs(t, how, out);
	}
}

static void
put_table_option(
    const char *option, const struct conf_table *t, struct buf *out)
{
	if (t == NULL)
		return;
	buf_printf(out, " %s ", option);
	put_table(t, OPEN, out);
}

void
conf_print_match(const struct conf_match *m, struct buf *out)
{
	buf_add_str(out, "match");
	for (unsigned i = 0; i < CONF_TEST_COUNT; i++) {
		const struct conf_criterion *t = &m->tests[i];

		if (!t->present)
			continue;
		buf_printf(out, " %s%s%s", t->negate ? "! " : "",
		    conf_test_name(i), t->regex ? " regex" : "");
		if (t->table != NULL) {
			buf_add_u8(out, ' ');
			put_table(t->table, OPEN, out);
		}
	}
	if (m->action == NULL)
		buf_add_str(out, " reject");
	else
		put_option("action", m->action->name, out);
}

static enum secrecy
secrecy_of(const struct conf *c, const struct conf_table *t)
{
	const struct conf_action *a;
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &c->listens, entry) {
		if (l->auth_table == t)
			return ALL_SECRET;
	}
	TAILQ_FOREACH(a, &c->actions, entry) {
		if (a->auth == t)
			return SECRET_AFTER_USER;
	}
	return OPEN;
}

bool
conf_is_secret(const struct conf *c, const struct conf_table *t)
{
	return secrecy_of(c, t) != OPEN;
}

static void
print_tables(const struct conf *c, struct buf *out)
{
	const struct conf_table *t;
	struct buf path = { 0 };

	TAILQ_FOREACH(t, &c->tables, entry) {
		if (t->builtin ||
		    (is_anonymous(t->name) && t->kind == CONF_TABLE_STATIC))
			continue;
		buf_add_str(out, "table ");
		put_word(t->name, out);
		buf_add_u8(out, ' ');
		if (t->kind == CONF_TABLE_STATIC) {
			put_pairs(t, secrecy_of(c, t), out);
		} else {
			buf_reset(&path);
			buf_printf(&path, "%s:%s", t->type, t->path);
			put_word(buf_str(&path), out);
		}
		buf_add_u8(out, '\n');
	}
	buf_free(&path);
}

static void
print_delay(const char *what, uint64_t seconds, struct buf *out)
{
	buf_printf(out, "%s %" PRIu64 "s\n", what, seconds);
}

static void
print_srs(const struct conf *c, struct buf *out)
{
	if (c->srs_key == NULL)
		return;
	buf_add_str(out, "srs key \"" SECRET "\"\n");
	if (c->srs_key_backup != NULL)
		buf_add_str(out, "srs key backup \"" SECRET "\"\n");
	print_delay("srs ttl", c->srs_ttl, out);
}

static void
print_limits(const struct conf_limits *l, struct buf *out)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{ "smtp limit max-mails", l->max_mails },
		{ "smtp limit max-rcpt", l->max_rcpt },
		{ "mda limit max-session", l->mda_max_session },
		{ "mda limit max-session-per-user",
		    l->mda_max_session_per_user },
		{ "scheduler limit max-inflight", l->scheduler_max_inflight },
		{ "mta max-deferred", l->mta_max_deferred },
		{ "smtp limit max-sessions", l->max_sessions },
		{ "smtp limit max-sessions-per-source",
		    l->max_sessions_per_source },
		{ "scheduler limit max-schedule", l->scheduler_max_schedule },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_printf(out, "%s %" PRIu64 "\n", all[i].name, all[i].value);
}

static void
print_mta(const struct conf_mta_limits *l, struct buf *out)
{
	static const char *const kinds[CONF_CONNS] = { "host", "route",
		"source", "connector", "relay", "domain" };

	buf_add_str(out, "mta limit");
	put_option("for domain", l->domain, out);
	if (l->family != AF_UNSPEC)
		buf_add_str(out, l->family == AF_INET ? " inet4" : " inet6");
	for (size_t i = 0; i < CONF_CONNS; i++)
		buf_printf(out,
		    " max-conn-per-%s %" PRIu64 " conn-delay-%s %" PRIu64,
		    kinds[i], l->max_conn[i], kinds[i], l->delay[i]);
	buf_printf(out,
	    " reconn-delay-route %" PRIu64 " session-mail-max %" PRIu64
	    " max-failures-per-session %" PRIu64 " session-keepalive %" PRIu64
	    " session-transaction-delay %" PRIu64 "\n",
	    l->reconnect_delay, l->mails, l->max_failures, l->keepalive,
	    l->transaction_delay);
}

/* Those of domains first, which begin as copies of the others. */
static void
print_mta_limits(const struct conf *c, struct buf *out)
{
	const struct conf_mta_limits *l;

	TAILQ_FOREACH(l, &c->mta_domains, entry)
		print_mta(l, out);
	print_mta(&c->mta, out);
}

static void
print_small(const struct conf *c, struct buf *out)
{
	if (c->admd != NULL) {
		buf_add_str(out, "admd ");
		put_word(c->admd, out);
		buf_add_u8(out, '\n');
	}
	for (size_t i = 0; i < CONF_WARN_MAX && c->warn_at[i] != 0; i++)
		buf_printf(out, "%s %" PRIu64 "s",
		    i == 0 ? "bounce warn-interval" : ",", c->warn_at[i]);
	buf_add_u8(out, '\n');
	print_delay("queue ttl", c->ttl, out);
	buf_printf(out, "queue reserve %" PRIu64 "\n", c->reserve);
	if (c->compression)
		buf_add_str(out, "queue compression\n");
	if (c->encryption != NULL)
		buf_printf(out, "queue encryption%s%s\n",
		    c->encryption[0] == '\0' ? "" : " ",
		    conf_key_elsewhere(c) ? c->encryption : QUEUE_SECRET);
	if (c->smtp_ciphers != NULL) {
		buf_add_str(out, "smtp ciphers ");
		put_word(c->smtp_ciphers, out);
		buf_add_u8(out, '\n');
	}
	buf_printf(
	    out, "smtp max-message-size %" PRIu64 "\n", c->max_message_size);
	buf_printf(out, "smtp sub-addr-delim ");
	put_word((const char[]){ c->sub_addr_delim, '\0' }, out);
	buf_add_u8(out, '\n');
	print_srs(c, out);
	print_limits(&c->limits, out);
	print_mta_limits(c, out);
}

static void
print_pkis(const struct conf *c, struct buf *out)
{
	const struct conf_pki *pki;
	const struct conf_ca *ca;
	const struct conf_wrapper *w;

	TAILQ_FOREACH(pki, &c->pkis, entry) {
		buf_add_str(out, "pki ");
		put_word(pki->name, out);
		put_option("cert", pki->cert, out);
		put_option("key", pki->key, out);
		put_option("dhe", pki->dhe, out);
		buf_add_u8(out, '\n');
	}
	TAILQ_FOREACH(ca, &c->cas, entry) {
		buf_add_str(out, "ca ");
		put_word(ca->name, out);
		put_option("cert", ca->cert, out);
		buf_add_u8(out, '\n');
	}
	TAILQ_FOREACH(w, &c->wrappers, entry) {
		buf_add_str(out, "mda wrapper ");
		put_word(w->name, out);
		buf_add_u8(out, ' ');
		put_word(w->command, out);
		buf_add_u8(out, '\n');
	}
}

static void
put_members(const struct conf_filter *f, struct buf *out)
{
	buf_add_str(out, "{ ");
	for (size_t i = 0; i < f->n_members; i++) {
		if (i > 0)
			buf_add_str(out, ", ");
		put_word(f->members[i]->name, out);
	}
	buf_add_str(out, " }");
}

static void
put_filter_rule(const struct conf_filter *f, struct buf *out)
{
	static const char *const tests[] = {
		[CONF_FILTER_FCRDNS] = "fcrdns",
		[CONF_FILTER_RDNS] = "rdns",
		[CONF_FILTER_SRC] = "src",
		[CONF_FILTER_HELO] = "helo",
		[CONF_FILTER_AUTH] = "auth",
		[CONF_FILTER_MAIL_FROM] = "mail-from",
		[CONF_FILTER_RCPT_TO] = "rcpt-to",
	};
	static const char *const decisions[] = {
		[CONF_FILTER_BYPASS] = "bypass",
		[CONF_FILTER_DISCONNECT] = "disconnect",
		[CONF_FILTER_JUNK] = "junk",
		[CONF_FILTER_REJECT] = "reject",
		[CONF_FILTER_SAY] = "report",
		[CONF_FILTER_REWRITE] = "rewrite",
	};

	buf_printf(out, " phase %s match %s%s%s", filter_phase_name(f->phase),
	    f->negate ? "! " : "", tests[f->test], f->regex ? " regex" : "");
	if (f->table != NULL) {
		buf_add_u8(out, ' ');
		put_table(f->table, OPEN, out);
	}
	buf_printf(out, " %s", decisions[f->decision]);
	if (f->text != NULL) {
		buf_add_u8(out, ' ');
		put_word(f->text, out);
	}
}

/* A filter's own "proc-exec" is a proc of its name. */
static void
print_filters(const struct conf *c, struct buf *out)
{
	const struct conf_filter *f;
	const struct conf_proc *p;

	TAILQ_FOREACH(p, &c->procs, entry) {
		buf_add_str(out, "proc ");
		put_word(p->name, out);
		buf_add_u8(out, ' ');
		put_word(p->command, out);
		put_option("user", p->user, out);
		put_option("group", p->group, out);
		put_option("chroot", p->chroot, out);
		buf_add_u8(out, '\n');
	}
	TAILQ_FOREACH(f, &c->filters, entry) {
		if (is_anonymous(f->name) && f->kind == CONF_FILTER_CHAIN)
			continue;
		buf_add_str(out, "filter ");
		put_word(f->name, out);
		if (f->kind == CONF_FILTER_PROC) {
			put_option("proc", f->proc->name, out);
		} else if (f->kind == CONF_FILTER_CHAIN) {
			buf_add_str(out, " chain ");
			put_members(f, out);
		} else {
			put_filter_rule(f, out);
		}
		buf_add_u8(out, '\n');
	}
}

static void
put_filter_option(const struct conf_filter *f, struct buf *out)
{
	if (f == NULL)
		return;
	buf_add_str(out, " filter ");
	if (is_anonymous(f->name) && f->kind == CONF_FILTER_CHAIN)
		put_members(f, out);
	else
		put_word(f->name, out);
}

static void
put_listen_tls(const struct conf_listen *l, struct buf *out)
{
	static const char *const tls[] = {
		[CONF_TLS_NONE] = "",
		[CONF_TLS_OFFER] = " tls",
		[CONF_TLS_REQUIRE] = " tls-require",
		[CONF_TLS_IMPLICIT] = " smtps",
	};
	static const char *const auth[] = {
		[CONF_AUTH_NONE] = "",
		[CONF_AUTH_OFFER] = " auth-optional",
		[CONF_AUTH_REQUIRE] = " auth",
	};

	buf_add_str(out, tls[l->tls]);
	put_flag("verify", l->tls_verify, out);
	for (size_t i = 0; i < l->n_pkis; i++)
		put_option("pki", l->pkis[i]->name, out);
	put_option("ca", l->ca == NULL ? NULL : l->ca->name, out);
	put_option("ciphers", l->ciphers, out);
	put_option("protocols", l->protocols, out);
	buf_add_str(out, auth[l->auth]);
	if (l->auth_table != NULL) {
		buf_add_u8(out, ' ');
		put_table(l->auth_table, ALL_SECRET, out);
	}
}

static void
print_listen(const struct conf_listen *l, struct buf *out)
{
	buf_add_str(out, "listen on ");
	if (l->socket)
		buf_add_str(out, "socket");
	else
		put_word(l->where, out);
	put_flag("inet4", l->family == AF_INET, out);
	put_flag("inet6", l->family == AF_INET6, out);
	put_option("port", l->port, out);
	put_listen_tls(l, out);
	put_filter_option(l->filter, out);
	put_option("hostname", l->hostname, out);
	put_table_option("hostnames", l->hostnames, out);
	put_option("tag", l->tag, out);
	put_flag("mask-src", l->mask_src, out);
	put_flag("received-auth", l->received_auth, out);
	put_flag("no-dsn", l->no_dsn, out);
	put_flag("proxy-v2", l->proxy, out);
	put_table_option("senders", l->senders, out);
	put_flag("masquerade", l->masquerade, out);
	buf_add_u8(out, '\n');
}

static void
put_relay(const struct conf_action *a, struct buf *out)
{
	put_flag("backup", a->backup, out);
	put_option("mx", a->backup_mx, out);
	put_option("ca", a->ca == NULL ? NULL : a->ca->name, out);
	put_option("ciphers", a->ciphers, out);
	put_option("protocols", a->protocols, out);
	put_table_option("domain", a->domain, out);
	put_filter_option(a->filter, out);
	put_option("helo", a->helo, out);
	put_table_option("helo-src", a->helo_src, out);
	put_table_option("host", a->host, out);
	put_option("mail-from", a->mail_from, out);
	put_option("pki", a->pki == NULL ? NULL : a->pki->name, out);
	put_table_option("src", a->src, out);
	put_flag("srs", a->srs, out);
	put_flag("tls", a->tls, out);
	put_flag("no-verify", a->tls_no_verify, out);
	if (a->auth != NULL) {
		buf_add_str(out, " auth ");
		put_table(a->auth, SECRET_AFTER_USER, out);
	}
}

static void
print_action(const struct conf_action *a, struct buf *out)
{
	buf_add_str(out, "action ");
	put_word(a->name, out);
	buf_printf(out, " %s", conf_method_name(a->method));
	if (a->target != NULL) {
		buf_add_u8(out, ' ');
		put_word(a->target, out);
	}
	put_flag("junk", a->junk, out);
	put_flag("rcpt-to", a->lmtp_rcpt_to, out);
	put_table_option("alias", a->alias, out);
	put_table_option("virtual", a->virt, out);
	put_table_option("userbase", a->userbase, out);
	put_option("user", a->user, out);
	put_option(
	    "wrapper", a->wrapper == NULL ? NULL : a->wrapper->name, out);
	if (a->ttl != 0)
		buf_printf(out, " ttl %" PRIu64 "s", a->ttl);
	put_relay(a, out);
	buf_add_u8(out, '\n');
}

void
conf_print(const struct conf *c, struct buf *out)
{
	const struct conf_listen *l;
	const struct conf_action *a;
	const struct conf_match *m;

	print_small(c, out);
	print_pkis(c, out);
	print_tables(c, out);
	print_filters(c, out);
	TAILQ_FOREACH(l, &c->listens, entry)
		print_listen(l, out);
	TAILQ_FOREACH(a, &c->actions, entry)
		print_action(a, out);
	TAILQ_FOREACH(m, &c->matches, entry) {
		conf_print_match(m, out);
		buf_add_u8(out, '\n');
	}
}
