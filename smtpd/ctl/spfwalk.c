/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unbound.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/ctl/spf.h"
#include "smtpd/ctl/spfwalk.h"

#define CLASS_IN    1
#define TYPE_A      1
#define TYPE_MX     15
#define TYPE_TXT    16
#define TYPE_AAAA   28
#define LOOKUPS_MAX 10 /* of terms, RFC 7208, section 4.6.4 */
#define MX_MAX      10 /* names of one mx, the same section */
#define DEPTH_MAX   10

struct network {
	unsigned char address[16];
	unsigned family, bits;
};

struct walk {
	struct ub_ctx *ub;
	bool want4, want6;
	bool failed;
	unsigned lookups, depth; /* of the domain in hand */
	struct network *all;
	size_t n, cap;
};

static void walk_domain(struct walk *w, const char *domain);

static void
complain(struct walk *w, const char *domain, const char *why)
{
	fprintf(stderr, "smtpctl: %s: %s\n", domain, why);
	w->failed = true;
}

/* The records, or NULL for none; the caller frees them. */
static struct ub_result *
ask(struct walk *w, const char *name, int type)
{
	struct ub_result *r = NULL;
	int rc = ub_resolve(w->ub, name, type, CLASS_IN, &r);

	if (rc == UB_SYNTAX)
		complain(w, name, "not a name");
	else if (rc != 0 || r->bogus || (r->rcode != 0 && !r->nxdomain))
		complain(w, name, "no answer");
	if (rc == 0 && r->havedata && !r->bogus)
		return r;
	ub_resolve_free(r);
	return NULL;
}

/* Keep the network; what lies past its length is cut off. */
static void
add_network(struct walk *w, unsigned family, const void *raw, unsigned bits)
{
	struct network net = { .family = family, .bits = bits };

	if (family == AF_INET ? !w->want4 : !w->want6)
		return;
	memcpy(net.address, raw, family == AF_INET ? 4 : 16);
	for (unsigned i = bits; i < 128; i++)
		net.address[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 64 : w->cap * 2;
		w->all = xreallocarray(w->all, w->cap, sizeof(*w->all));
	}
	w->all[w->n++] = net;
}

static void
add_addresses(struct walk *w, const char *name, const struct spf_term *t)
{
	struct ub_result *r = w->want4 ? ask(w, name, TYPE_A) : NULL;

	for (int i = 0; r != NULL && r->data[i] != NULL; i++) {
		if (r->len[i] == 4)
			add_network(w, AF_INET, r->data[i], t->bits4);
	}
	ub_resolve_free(r);
	r = w->want6 ? ask(w, name, TYPE_AAAA) : NULL;
	for (int i = 0; r != NULL && r->data[i] != NULL; i++) {
		if (r->len[i] == 16)
			add_network(w, AF_INET6, r->data[i], t->bits6);
	}
	ub_resolve_free(r);
}

/* A name from the wire, without compression, as text. */
static bool
name_text(const char *data, int len, char out[SPF_NAME_MAX + 1])
{
	size_t at = 0, n = 0;

	while (at < (size_t)len && data[at] != 0) {
		size_t label = (unsigned char)data[at++];

		if (label > 63 || at + label > (size_t)len ||
		    n + label + 1 > SPF_NAME_MAX ||
		    memchr(data + at, '\0', label) != NULL)
			return false;
		memcpy(out + n, data + at, label);
		n += label;
		out[n++] = '.';
		at += label;
	}
	out[n] = '\0';
	return n > 0;
}

static void
add_exchangers(struct walk *w, const char *domain, const struct spf_term *t)
{
	struct ub_result *r = ask(w, domain, TYPE_MX);
	char name[SPF_NAME_MAX + 1];

	for (int i = 0; r != NULL && r->data[i] != NULL; i++) {
		if (i == MX_MAX) {
			complain(w, domain, "more than 10 mail exchangers");
			break;
		}
		if (r->len[i] > 2 &&
		    name_text(r->data[i] + 2, r->len[i] - 2, name))
			add_addresses(w, name, t);
	}
	ub_resolve_free(r);
}

static void
add_literal(struct walk *w, const struct spf_term *t)
{
	unsigned char raw[16];
	int family = t->kind == SPF_IP4 ? AF_INET : AF_INET6;

	if (inet_pton(family, t->name, raw) == 1)
		add_network(w, (unsigned)family, raw,
		    family == AF_INET ? t->bits4 : t->bits6);
}

/* Whether the term may cost the domain in hand another look-up. */
static bool
may_look_up(struct walk *w, const char *domain, const struct spf_term *t)
{
	if (t->kind == SPF_IP4 || t->kind == SPF_IP6 || t->kind == SPF_ALL ||
	    t->kind == SPF_OTHER)
		return true;
	if (t->macro) {
		complain(w, domain, "a macro is not followed");
		return false;
	}
	if (w->lookups++ < LOOKUPS_MAX)
		return true;
	if (w->lookups == LOOKUPS_MAX + 1)
		complain(w, domain, "more than 10 look-ups: the rest is left");
	return false;
}

static void
walk_term(struct walk *w, const char *domain, const struct spf_term *t)
{
	const char *name = t->name[0] == '\0' ? domain : t->name;

	if (!may_look_up(w, domain, t) || t->qualifier == '-' ||
	    t->qualifier == '~')
		return;
	switch (t->kind) {
	case SPF_A:
		add_addresses(w, name, t);
		break;
	case SPF_MX:
		add_exchangers(w, name, t);
		break;
	case SPF_IP4:
	case SPF_IP6:
		add_literal(w, t);
		break;
	case SPF_INCLUDE:
	case SPF_REDIRECT:
		walk_domain(w, name);
		break;
	case SPF_EXISTS:
	case SPF_PTR:
		complain(w, domain, "exists and ptr name no network");
		break;
	case SPF_ALL:
	case SPF_OTHER:
		break;
	}
}

/* The terms of a record; a redirect counts only without an all. */
static void
walk_record(struct walk *w, const char *domain, const char *rest)
{
	struct spf_term t, redirect = { .kind = SPF_OTHER };
	const char *p = rest;
	bool all = false;
	int rc;

	while ((rc = spf_next(&p, &t)) == 1) {
		all = all || t.kind == SPF_ALL;
		if (t.kind == SPF_REDIRECT)
			redirect = t;
	}
	if (rc == -1) {
		complain(w, domain, "its SPF record is not valid");
		return;
	}
	while (spf_next(&rest, &t) == 1 && t.kind != SPF_ALL) {
		if (t.kind != SPF_REDIRECT)
			walk_term(w, domain, &t);
	}
	if (!all)
		walk_term(w, domain, &redirect);
}

/* The strings of a TXT record, joined; false when they do not add up. */
static bool
join_strings(const char *data, int len, struct buf *out)
{
	size_t at = 0;

	buf_reset(out);
	while (at < (size_t)len) {
		size_t n = (unsigned char)data[at++];

		if (at + n > (size_t)len || memchr(data + at, '\0', n) != NULL)
			return false;
		buf_add(out, data + at, n);
		at += n;
	}
	return true;
}

static void
walk_domain(struct walk *w, const char *domain)
{
	struct ub_result *r = NULL;
	struct buf text = { 0 }, record = { 0 };
	const char *rest;
	unsigned found = 0;

	if (w->depth == DEPTH_MAX) {
		complain(w, domain, "too many includes within each other");
		return;
	}
	r = ask(w, domain, TYPE_TXT);
	for (int i = 0; r != NULL && r->data[i] != NULL; i++) {
		if (join_strings(r->data[i], r->len[i], &text) &&
		    spf_is_record(buf_str(&text), &rest)) {
			buf_reset(&record);
			buf_add_str(&record, rest);
			found++;
		}
	}
	ub_resolve_free(r);
	w->depth++;
	if (found == 1)
		walk_record(w, domain, buf_str(&record));
	else
		complain(w, domain,
		    found == 0 ? "no SPF record" : "more than one SPF record");
	w->depth--;
	buf_free(&text);
	buf_free(&record);
}

static int
compare_networks(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	int c;

	if (x->family != y->family)
		return x->family == AF_INET ? -1 : 1;
	c = memcmp(x->address, y->address, sizeof(x->address));
	return c != 0 ? c : (int)x->bits - (int)y->bits;
}

/* Whether a holds all of b. */
static bool
holds(const struct network *a, const struct network *b)
{
	if (a->family != b->family || a->bits > b->bits ||
	    memcmp(a->address, b->address, a->bits / 8) != 0)
		return false;
	return a->bits % 8 == 0 ||
	    (a->address[a->bits / 8] ^ b->address[a->bits / 8]) >>
		(8 - a->bits % 8) ==
	    0;
}

static void
print_networks(struct walk *w)
{
	const struct network *last = NULL;
	char text[INET6_ADDRSTRLEN];

	if (w->n > 0)
		qsort(w->all, w->n, sizeof(*w->all), compare_networks);
	for (size_t i = 0; i < w->n; i++) {
		const struct network *net = &w->all[i];

		if (last != NULL && holds(last, net))
			continue;
		last = net;
		inet_ntop((int)net->family, net->address, text, sizeof(text));
		if (net->bits == (net->family == AF_INET ? 32 : 128))
			puts(text);
		else
			printf("%s/%u\n", text, net->bits);
	}
}

static struct ub_ctx *
new_context(struct err *e)
{
	const char *server = getenv("SMTPD_NAMESERVER");
	struct ub_ctx *ub = ub_ctx_create();

	if (ub != NULL &&
	    ub_ctx_set_option(ub, "do-not-query-localhost:", "no") == 0 &&
	    (server == NULL ? ub_ctx_resolvconf(ub, NULL) :
			      ub_ctx_set_fwd(ub, server)) == 0)
		return ub;
	err_set(e, ERR_SYSTEM, "no resolver");
	ub_ctx_delete(ub);
	return NULL;
}

int
ctl_spf_walk(int argc, char **argv, struct err *e)
{
	struct walk w = { .want4 = true, .want6 = true };
	char *line = NULL;
	size_t cap = 0;

	if (argc > 1 ||
	    (argc == 1 && strcmp(argv[0], "-4") != 0 &&
		strcmp(argv[0], "-6") != 0)) {
		err_set(e, ERR_USAGE, "usage: smtpctl spf walk [-4 | -6]");
		return -1;
	}
	if (argc == 1) {
		w.want4 = argv[0][1] == '4';
		w.want6 = !w.want4;
	}
	w.ub = new_context(e);
	if (w.ub == NULL)
		return -1;
	while (getline(&line, &cap, stdin) != -1) {
		char *domain = line + strspn(line, " \t");

		domain[strcspn(domain, " \t\r\n#")] = '\0';
		w.lookups = 0;
		if (domain[0] != '\0')
			walk_domain(&w, domain);
	}
	print_networks(&w);
	free(line);
	free(w.all);
	ub_ctx_delete(w.ub);
	if (!w.failed)
		return 0;
	err_set(e, ERR_NOT_FOUND, "not all of it could be followed");
	return -1;
}
