/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The resolver process: DNS alone, by libunbound.
 *
 * Peers: dispatchers ask RESOLVE and get RESOLVED (smtpd/dns/dns.h): the hosts
 * that take a domain's mail, in the order to try them, a host's addresses, or
 * the name of an address.  Files are read before the sandbox, none after.
 *
 * A question is answered within its time limit: by LATER when DNS is not.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/dns/dns.h"
#include "smtpd/filters/dns/resolve.h"
#include "smtpd/proc/proc.h"

#include "smtpd/proc/resolver/resolver.h"

#define LIMIT     20 /* seconds for a question */
#define PTR_LIMIT 5
#define PTR_NAMES 5 /* of one address, that are tried */

struct lookup;

/* One name of a lookup, for its addresses. */
struct part {
	struct lookup *lookup;
	size_t host;
};

struct lookup {
	struct proc *proc;
	struct proc_peer from;
	struct dns_question q;
	struct dns_address address; /* PTR: that must be led back to */
	struct dns_host hosts[DNS_HOSTS_MAX];
	size_t n;
	struct part parts[DNS_HOSTS_MAX];
	unsigned open; /* questions to DNS without an answer, and we */
	bool failed, no_name, answered;
	struct event *limit;
};

static void
answer(struct lookup *l, enum dns_status status, size_t n)
{
	struct dns_answer a = { l->q.request, l->q.kind, status, l->hosts, n };
	struct buf b = { 0 };

	if (l->answered)
		return;
	l->answered = true;
	dns_answer_encode(&a, &b);
	proc_send(l->proc, l->from.id, l->from.instance, MSG_RESOLVED, &b, -1);
	buf_free(&b);
}

static void
drop(struct lookup *l)
{
	if (--l->open > 0)
		return;
	event_free(l->limit);
	free(l);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer(arg, DNS_LATER, 0);
}

static void
ask(struct lookup *l, const char *name, int type, resolve_cb cb, void *arg)
{
	l->open++;
	resolver_ask(l->proc->state, name, type, cb, NULL, arg);
}

/* All that could be known is: for PTR, whether a name leads back. */
static void
finish_ptr(struct lookup *l)
{
	for (size_t i = 0; i < l->n; i++) {
		for (size_t k = 0; k < l->hosts[i].n; k++) {
			if (memcmp(&l->hosts[i].addresses[k], &l->address,
				sizeof(l->address)) == 0) {
				l->hosts[0] = l->hosts[i];
				answer(l, DNS_OK, 1);
				return;
			}
		}
	}
	answer(l, l->failed ? DNS_LATER : DNS_UNSURE, 1);
}

/* Hosts without addresses are left out. */
static void
finish_hosts(struct lookup *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->hosts[i].n == 0)
			continue;
		if (n != i)
			l->hosts[n] = l->hosts[i];
		n++;
	}
	if (n > 0)
		answer(l, DNS_OK, n);
	else if (l->failed)
		answer(l, DNS_LATER, 0);
	else
		answer(l, l->no_name ? DNS_NO_NAME : DNS_NO_ADDRESS, 0);
}

static void
finish_if_whole(struct lookup *l)
{
	if (l->open > 1)
		return;
	if (l->q.kind == DNS_PTR)
		finish_ptr(l);
	else
		finish_hosts(l);
	drop(l);
}

static void
on_addresses(void *arg, const struct resolve_answer *a)
{
	const struct part *part = arg;
	struct lookup *l = part->lookup;

	if (a->status == RESOLVE_FAILED)
		l->failed = true;
	/* For one host alone, that it doesn't exist is worth telling. */
	if (a->status == RESOLVE_NO_NAME && l->q.kind == DNS_HOST)
		l->no_name = true;
	for (size_t i = 0; i < a->n; i++)
		dns_add_address(
		    &l->hosts[part->host], a->records[i], (size_t)a->lens[i]);
	l->open--;
	finish_if_whole(l);
}

/* The addresses of all l->hosts: then the answer. */
static void
ask_addresses(struct lookup *l)
{
	bool only4 = l->q.kind == DNS_PTR && l->address.len == 4;
	bool only6 = l->q.kind == DNS_PTR && l->address.len == 16;

	for (size_t i = 0; i < l->n; i++) {
		struct dns_host *h = &l->hosts[i];
		struct dns_address literal;

		l->parts[i] = (struct part){ l, i };
		if (dns_parse_address(h->name, &literal)) {
			dns_add_address(h, literal.bytes, literal.len);
			continue;
		}
		if (!only4)
			ask(l, h->name, RESOLVE_AAAA, on_addresses,
			    &l->parts[i]);
		if (!only6)
			ask(l, h->name, RESOLVE_A, on_addresses, &l->parts[i]);
	}
	finish_if_whole(l);
}

static void
set_only_host(struct lookup *l)
{
	struct dns_address literal;

	if (dns_parse_address(l->q.name, &literal))
		dns_format_address(&literal, l->hosts[0].name);
	else
		snprintf(l->hosts[0].name, sizeof(l->hosts[0].name), "%s",
		    l->q.name);
	l->n = 1;
}

static void
read_mx(struct lookup *l, const struct resolve_answer *a)
{
	for (size_t i = 0; i < a->n && l->n < DNS_HOSTS_MAX; i++) {
		if (dns_read_mx(
			a->records[i], (size_t)a->lens[i], &l->hosts[l->n]))
			l->n++;
	}
}

static void
give_up(struct lookup *l, enum dns_status status)
{
	answer(l, status, 0);
	drop(l);
}

static void
on_mx(void *arg, const struct resolve_answer *a)
{
	struct lookup *l = arg;
	size_t all;

	l->open--;
	if (a->status == RESOLVE_FAILED || a->status == RESOLVE_NO_NAME) {
		give_up(
		    l, a->status == RESOLVE_FAILED ? DNS_LATER : DNS_NO_NAME);
		return;
	}
	if (a->status == RESOLVE_EMPTY)
		set_only_host(l);
	else
		read_mx(l, a);
	all = l->n;
	if (all == 1 && strcmp(l->hosts[0].name, ".") == 0) {
		give_up(l, DNS_NULL_MX);
		return;
	}
	dns_sort(l->hosts, l->n, arc4random);
	l->n = dns_drop_own(l->hosts, l->n, l->q.own);
	if (all > 0 && l->n == 0)
		give_up(l, DNS_LOOP);
	else
		ask_addresses(l);
}

static void
on_ptr(void *arg, const struct resolve_answer *a)
{
	struct lookup *l = arg;

	l->open--;
	for (size_t i = 0; i < a->n && l->n < PTR_NAMES; i++) {
		if (dns_read_name(a->records[i], (size_t)a->lens[i],
			l->hosts[l->n].name) &&
		    strcmp(l->hosts[l->n].name, ".") != 0)
			l->n++;
	}
	if (l->n == 0)
		give_up(
		    l, a->status == RESOLVE_FAILED ? DNS_LATER : DNS_NO_NAME);
	else
		ask_addresses(l);
}

static void
begin(struct lookup *l)
{
	char reverse[DNS_REVERSE_MAX];
	struct dns_address literal;
	bool is_address = dns_parse_address(l->q.name, &literal);

	switch (l->q.kind) {
	case DNS_PTR:
		l->address = literal;
		dns_reverse(&literal, reverse);
		if (is_address)
			ask(l, reverse, RESOLVE_PTR, on_ptr, l);
		else
			give_up(l, DNS_NO_NAME);
		break;
	case DNS_MX:
		if (!is_address) {
			ask(l, l->q.name, RESOLVE_MX, on_mx, l);
			break;
		}
		set_only_host(l);
		ask_addresses(l);
		break;
	case DNS_HOST:
		set_only_host(l);
		ask_addresses(l);
		break;
	case DNS_KINDS:
		break;
	}
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct lookup *l;
	struct timeval tv = { LIMIT, 0 };
	struct dns_question q;

	if (m->type != MSG_RESOLVE ||
	    !dns_question_decode(m->data, m->len, &q)) {
		log_warn("resolver: message %u from the %s", m->type,
		    proc_name(from.id));
		return;
	}
	l = xcalloc(1, sizeof(*l));
	l->proc = p;
	l->from = from;
	l->q = q;
	l->open = 1;
	l->limit = event_new(p->base, -1, 0, on_limit, l);
	if (q.kind == DNS_PTR)
		tv.tv_sec = PTR_LIMIT;
	event_add(l->limit, &tv);
	begin(l);
}

/* Before the sandbox: the servers to ask are in a file. */
static int
prepare(struct proc *p, struct err *e)
{
	p->state = resolver_new(p->base, getenv("SMTPD_NAMESERVER"), e);
	return p->state == NULL ? -1 : 0;
}

const struct proc_ops resolver_ops = {
	.id = PROC_RESOLVER,
	.prepare = prepare,
	.message = message,
};
