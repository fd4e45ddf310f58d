/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * filter-checksenderdomain: refuses a sender whose domain takes no mail.
 *
 * A domain takes mail when it has an MX other than the null MX of RFC 7505,
 * or, without any MX, an address (RFC 5321 section 5.1).  What DNS cannot
 * say now is asked for again later: 451, never 550.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/opt.h"
#include "lib/sys/sandbox.h"

#include "smtpd/filters/args.h"
#include "smtpd/filters/dns/resolve.h"
#include "smtpd/filters/libfilter/filter.h"

#define REFUSE "550 5.1.8 Sender domain does not exist or takes no mail"
#define LATER  "451 4.4.3 Sender domain cannot be looked up now"

struct check {
	struct filter *filter;
	struct resolver *resolver;
};

/* One sender being looked up. */
struct query {
	struct check *c;
	struct filter_token token;
	int type; /* of the question under way */
	char *domain;
};

static const struct opt options[] = {
	{ 'r', "resolver", "SERVER", "ask this DNS server, ADDRESS[@PORT]" },
	{ 'h', "help", NULL, "print this and exit" },
	{ 0 },
};

/* What state points to when the session's senders are not checked. */
static char trusted;

static void
on_report(void *arg, void **state, const struct filter_line *l)
{
	(void)arg;
	if (strcmp(l->event, "link-auth") == 0 &&
	    strcmp(l->field[0], "pass") == 0)
		*state = &trusted;
	if (strcmp(l->event, "link-connect") == 0 &&
	    (strncmp(l->field[2], "unix:", 5) == 0 ||
		strcmp(l->field[2], "local") == 0))
		*state = &trusted;
}

static void
query_free(void *arg)
{
	struct query *q = arg;

	free(q->domain);
	free(q);
}

/* A preference, and the root as the host. */
static bool
is_null_mx(const struct resolve_answer *a)
{
	return a->n == 1 && a->len == 3 && a->data[2] == 0;
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct query *q = arg;
	struct filter *f = q->c->filter;

	if (a->status == RESOLVE_EMPTY && q->type != RESOLVE_AAAA) {
		q->type = q->type == RESOLVE_MX ? RESOLVE_A : RESOLVE_AAAA;
		resolver_ask(q->c->resolver, q->domain, q->type, on_answer,
		    query_free, q);
		return;
	}
	if (a->status == RESOLVE_FAILED)
		filter_reject(f, &q->token, LATER);
	else if (a->status != RESOLVE_DATA ||
	    (q->type == RESOLVE_MX && is_null_mx(a)))
		filter_reject(f, &q->token, REFUSE);
	else
		filter_proceed(f, &q->token);
	query_free(q);
}

/* Nothing to ask DNS: no domain, an address literal, or not in ASCII. */
static bool
is_exempt(const char *domain)
{
	if (domain == NULL || domain[1] == '[')
		return true;
	for (; *domain != '\0'; domain++)
		if ((unsigned char)*domain > 0x7e)
			return true;
	return false;
}

static void
on_request(void *arg, void **state, const struct filter_line *l)
{
	struct check *c = arg;
	const char *domain = strrchr(l->field[0], '@');
	struct query *q;

	if (strcmp(l->event, "mail-from") != 0 || *state == &trusted ||
	    is_exempt(domain)) {
		filter_proceed(c->filter, &l->token);
		return;
	}
	if (domain[1] == '\0') {
		filter_reject(c->filter, &l->token, REFUSE);
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->c = c;
	q->token = l->token;
	q->type = RESOLVE_MX;
	q->domain = xstrdup(domain + 1);
	resolver_ask(c->resolver, q->domain, q->type, on_answer, query_free, q);
}

static int
run(const char *server, struct err *e)
{
	static const struct filter_ops ops = { .report = on_report,
		.request = on_request };
	const struct sandbox sb = { .threads = true, .net = SANDBOX_NET_FULL };
	struct check c = { 0 };
	struct event_base *base = event_base_new();
	unsigned layers;
	int rc = -1;

	if (base == NULL) {
		err_set(e, ERR_SYSTEM, "no event loop");
		return -1;
	}
	c.filter = filter_new(base, &ops, &c);
	c.resolver = resolver_new(base, server, e);
	if (c.resolver != NULL) {
		filter_want_report(c.filter, "smtp-in", "link-connect");
		filter_want_report(c.filter, "smtp-in", "link-auth");
		filter_want_phase(c.filter, "mail-from");
		rc = sandbox_enter(&sb, &layers, e);
	}
	if (rc == 0)
		rc = filter_run(c.filter, STDIN_FILENO, STDOUT_FILENO, e);
	resolver_free(c.resolver);
	filter_free(c.filter);
	event_base_free(base);
	return rc;
}

static int
read_options(const char **server, int argc, char **argv, struct err *e)
{
	struct opt_parser p;
	int id;

	opt_init(&p, options, argc, argv, false);
	while ((id = opt_next(&p, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		if (id == 'h') {
			printf("usage: filter-checksenderdomain [-r SERVER]\n\n"
			       "Refuse senders whose domain takes no mail."
			       "\n\n");
			opt_print(options, stdout);
			exit(0);
		}
		*server = p.value;
	}
	if (p.next != argc) {
		err_set(e, ERR_USAGE, "%s: not an option", argv[p.next]);
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const char *server = NULL;
	struct err e = { 0 };
	int rc;

	if (args_tables(options, argc, argv))
		return 0;
	log_init("filter-checksenderdomain", LOG_MAIL, true);
	signal(SIGPIPE, SIG_IGN);
	rc = read_options(&server, argc, argv, &e);
	if (rc == 0)
		rc = run(server, &e);
	if (rc == 0)
		return 0;
	log_error("%s", e.msg);
	return e.kind == ERR_USAGE ? 2 : 1;
}
