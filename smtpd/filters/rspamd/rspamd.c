/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * filter-rspamd: has rspamd judge each message, and does as it says.
 *
 * The lines of a message are kept until its end, sent to rspamd with what is
 * known of the session, and given back with rspamd's headers; the verdict
 * itself is the answer to the commit phase.  Other sessions go on meanwhile.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/opt.h"
#include "lib/sys/sandbox.h"

#include "smtpd/filters/args.h"
#include "smtpd/filters/http/http.h"
#include "smtpd/filters/libfilter/filter.h"
#include "smtpd/filters/rspamd/scan.h"

#define URL_DEFAULT     "http://localhost:11333"
#define SPOOL_DEFAULT   "/var/tmp"
#define TIMEOUT_DEFAULT 60
#define TIMEOUT_MAX     290 /* smtpd waits for five minutes */
#define LATER           "451 4.3.0 message cannot be checked now"

enum {
	OPT_ON_FAILURE = 256,
	OPT_SETTINGS_ID,
	OPT_SPOOL,
	OPT_TIMEOUT,
	OPT_URL,
};

struct rspamd {
	struct filter *filter;
	struct scan_env env;
	char *url, *settings, *spool;
	unsigned timeout_s;
	bool accept; /* what rspamd could not judge */
};

static const struct opt options[] = {
	{ 'h', "help", NULL, "print this and exit" },
	{ OPT_ON_FAILURE, "on-failure", "WHAT",
	    "when rspamd gives no verdict: tempfail (default) or accept" },
	{ OPT_SETTINGS_ID, "settings-id", "ID", "rspamd's settings to use" },
	{ OPT_SPOOL, "spool", "DIR",
	    "where large messages wait (default: " SPOOL_DEFAULT ")" },
	{ OPT_TIMEOUT, "timeout", "SECONDS",
	    "wait so long for rspamd (default: 60)" },
	{ OPT_URL, "url", "URL",
	    "rspamd's worker, or its UNIX socket "
	    "(default: " URL_DEFAULT ")" },
	{ 0 },
};

/* The session's scan, made when it is first heard of. */
static struct scan *
scan_of(struct rspamd *r, void **state, const struct filter_line *l)
{
	if (*state == NULL)
		*state = scan_new(&r->env, l->token.session);
	return *state;
}

static void
on_report(void *arg, void **state, const struct filter_line *l)
{
	scan_report(scan_of(arg, state, l), l);
}

/* The message is whole and out: say what becomes of it. */
static void
answer_commit(struct rspamd *r, struct scan *s, const struct filter_token *t)
{
	const char *reply = NULL;

	switch (scan_result(s, &reply)) {
	case SCAN_JUDGED:
		break;
	case SCAN_UNJUDGED:
		reply = r->accept ? NULL : LATER;
		break;
	case SCAN_DAMAGED:
		reply = LATER;
		break;
	}
	if (reply == NULL)
		filter_proceed(r->filter, t);
	else
		filter_reject(r->filter, t, reply);
}

static void
on_request(void *arg, void **state, const struct filter_line *l)
{
	struct rspamd *r = arg;
	struct scan *s = scan_of(r, state, l);

	if (strcmp(l->event, "data-line") == 0)
		scan_data_line(s, l);
	else if (strcmp(l->event, "commit") == 0)
		answer_commit(r, s, &l->token);
	else
		filter_proceed(r->filter, &l->token);
}

static void
on_close(void *arg, void *state)
{
	(void)arg;
	scan_free(state);
}

static void
on_drained(void *arg)
{
	struct rspamd *r = arg;

	scan_drain(&r->env);
}

static int
enter_sandbox(const struct rspamd *r, struct err *e)
{
	/* What it takes to find a host and to trust its certificate. */
	static const char *const read[] = { "/etc/gai.conf", "/etc/host.conf",
		"/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf",
		"/etc/services", "/etc/ssl", "/lib", "/lib64",
		"/run/systemd/resolve", "/usr/lib", "/usr/lib64",
		"/usr/local/share/ca-certificates",
		"/usr/share/ca-certificates", NULL };
	const char *const write[] = { r->spool, NULL };
	const struct sandbox sb = { .read = read,
		.write = write,
		.threads = true,
		.net = SANDBOX_NET_FULL };
	unsigned layers;

	return sandbox_enter(&sb, &layers, e);
}

static void
register_all(struct filter *f)
{
	static const char *const events[] = { "link-connect", "link-greeting",
		"link-identify", "link-tls", "link-auth", "tx-reset",
		"tx-begin", "tx-mail", "tx-rcpt" };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		filter_want_report(f, "smtp-in", events[i]);
	filter_want_phase(f, "data-line");
	filter_want_phase(f, "commit");
}

static int
run(struct rspamd *r, struct err *e)
{
	static const struct filter_ops ops = { .report = on_report,
		.request = on_request,
		.close = on_close,
		.drained = on_drained };
	struct event_base *base;
	int rc = -1;

	if (access(r->spool, W_OK | X_OK) == -1) {
		err_sys(e, "%s: cannot create files", r->spool);
		return -1;
	}
	base = event_base_new();
	if (base == NULL) {
		err_set(e, ERR_SYSTEM, "no event loop");
		return -1;
	}
	r->filter = filter_new(base, &ops, r);
	register_all(r->filter);
	scan_env_init(&r->env, r->filter, r->settings, r->spool);
	r->env.http = http_new(base, r->url, "/checkv2", r->timeout_s, e);
	if (r->env.http != NULL && enter_sandbox(r, e) == 0)
		rc = filter_run(r->filter, STDIN_FILENO, STDOUT_FILENO, e);
	filter_free(r->filter);
	http_free(r->env.http);
	event_base_free(base);
	return rc;
}

static int
set_option(void *arg, int id, const char *value, struct err *e)
{
	struct rspamd *r = arg;
	uint64_t n;

	switch (id) {
	case OPT_ON_FAILURE:
		r->accept = strcmp(value, "accept") == 0;
		if (r->accept || strcmp(value, "tempfail") == 0)
			return 0;
		err_set(e, ERR_USAGE,
		    "-on-failure: %s is neither tempfail nor accept", value);
		return -1;
	case OPT_SETTINGS_ID:
		free(r->settings);
		r->settings = xstrdup(value);
		return 0;
	case OPT_SPOOL:
		free(r->spool);
		r->spool = xstrdup(value);
		return 0;
	case OPT_TIMEOUT:
		if (!conv_u64(value, 1, TIMEOUT_MAX, &n)) {
			err_set(e, ERR_USAGE,
			    "-timeout: %s is no number from 1 to %d", value,
			    TIMEOUT_MAX);
			return -1;
		}
		r->timeout_s = (unsigned)n;
		return 0;
	case OPT_URL:
		free(r->url);
		r->url = xstrdup(value);
		return 0;
	default:
		printf("usage: filter-rspamd [OPTION ...]\n\n"
		       "Have rspamd judge each message.\n\n");
		opt_print(options, stdout);
		exit(0);
	}
}

int
main(int argc, char **argv)
{
	struct rspamd r = { .timeout_s = TIMEOUT_DEFAULT };
	struct err e = { 0 };
	int rc;

	if (args_tables(options, argc, argv))
		return 0;
	r.url = xstrdup(URL_DEFAULT);
	r.spool = xstrdup(SPOOL_DEFAULT);
	log_init("filter-rspamd", LOG_MAIL, true);
	signal(SIGPIPE, SIG_IGN);
	rc = args_read(options, argc, argv, set_option, &r, &e);
	if (rc == 0)
		rc = run(&r, &e);
	free(r.url);
	free(r.settings);
	free(r.spool);
	if (rc == 0)
		return 0;
	log_error("%s", e.msg);
	return e.kind == ERR_USAGE ? 2 : 1;
}
