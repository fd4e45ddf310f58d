/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * filter-senderscore: acts on what the world thinks of a client's address.
 *
 * The score, 0 to 100, is asked for in DNS when the client connects, and
 * known before the greeting: the answer to the connect phase waits for it,
 * a few seconds at most.  Who has none (-1) is left in peace.
 */
#include <bsd/sys/queue.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/opt.h"
#include "lib/sys/sandbox.h"

#include "smtpd/filters/args.h"
#include "smtpd/filters/dns/resolve.h"
#include "smtpd/filters/libfilter/filter.h"
#include "smtpd/filters/senderscore/nets.h"

#define ZONE          "score.senderscore.com"
#define REFUSE        "550 your IP reputation is too low for this MX"
#define HEADER        "X-SenderScore:"
#define NO_SCORE      (-1)
#define SCORE_MAX     100
#define LOOKUP_MAX_S  10       /* then the client has no score */
#define SLOW_MAX_MS   240000   /* smtpd waits for five minutes */
#define ALLOWLIST_MAX 16777216 /* bytes */

enum {
	OPT_BLOCK_BELOW = 256,
	OPT_BLOCK_PHASE,
	OPT_JUNK_BELOW,
	OPT_SLOW_FACTOR,
	OPT_SCORE_HEADER,
	OPT_ALLOWLIST,
	OPT_TEST_MODE,
};

/* An answer that is held back, to slow its session down. */
struct delayed {
	TAILQ_ENTRY(delayed) entry;
	struct senderscore *s;
	struct event *timer;
	struct filter_token token;
};
TAILQ_HEAD(delayed_list, delayed);

struct senderscore {
	struct event_base *base;
	struct filter *filter;
	struct resolver *resolver;
	struct nets *allowed;
	struct delayed_list delayed;

	int block_below, junk_below;
	unsigned slow_ms;
	const char *block_phase;
	char *allowlist, *server;
	bool score_header, test_mode;
};

enum part {
	PART_START,
	PART_HEADER,
	PART_FORGED,
	PART_BODY
};

struct client {
	struct senderscore *s;
	uint64_t session;
	int score;
	bool looking; /* the score is still to come */
	bool trusted; /* has authenticated */
	bool waiting; /* token waits for the score */
	struct filter_token token;
	struct event *patience;
	enum part part; /* of the message that passes */
};

/* What is asked of DNS, which may outlive the session. */
struct question {
	struct senderscore *s;
	uint64_t session;
};

static const struct opt options[] = {
	{ OPT_ALLOWLIST, "allowlist", "FILE",
	    "addresses and networks that count as 100" },
	{ OPT_BLOCK_BELOW, "blockBelow", "SCORE", "refuse clients below it" },
	{ OPT_BLOCK_PHASE, "blockPhase", "PHASE",
	    "when they are refused (default: connect)" },
	{ OPT_JUNK_BELOW, "junkBelow", "SCORE",
	    "mark the mail of clients below it as junk" },
	{ 'r', "resolver", "SERVER", "ask this DNS server, ADDRESS[@PORT]" },
	{ OPT_SCORE_HEADER, "scoreHeader", NULL,
	    "add an " HEADER " header to each message" },
	{ OPT_SLOW_FACTOR, "slowFactor", "MS",
	    "hold each answer back, for this long at a score of 0" },
	{ OPT_TEST_MODE, "testMode", NULL,
	    "ask nobody: the last byte of the address is the score" },
	{ 'h', "help", NULL, "print this and exit" },
	{ 0 },
};

static const char *const block_phases[] = { "connect", "helo", "ehlo",
	"starttls", "auth", "mail-from", "rcpt-to", "quit" };

static void
on_delay_over(evutil_socket_t fd, short what, void *arg)
{
	struct delayed *d = arg;

	(void)fd;
	(void)what;
	TAILQ_REMOVE(&d->s->delayed, d, entry);
	filter_proceed(d->s->filter, &d->token);
	event_free(d->timer);
	free(d);
}

/* Let the session go on, the later the worse its score. */
static void
proceed(
    struct senderscore *s, const struct client *c, const struct filter_token *t)
{
	struct timeval wait = { 0 };
	struct delayed *d;
	unsigned ms;

	if (c == NULL || c->trusted || c->score == NO_SCORE)
		ms = 0;
	else
		ms = s->slow_ms * (unsigned)(SCORE_MAX - c->score) / SCORE_MAX;
	if (ms == 0) {
		filter_proceed(s->filter, t);
		return;
	}
	d = xcalloc(1, sizeof(*d));
	d->s = s;
	d->token = *t;
	d->timer = event_new(s->base, -1, 0, on_delay_over, d);
	TAILQ_INSERT_TAIL(&s->delayed, d, entry);
	wait.tv_sec = ms / 1000;
	wait.tv_usec = ms % 1000 * 1000;
	if (d->timer == NULL || event_add(d->timer, &wait) == -1) {
		log_error("no timer: a session is not slowed down");
		on_delay_over(-1, 0, d);
	}
}

/* Answer a request of a client whose score is known. */
static void
judge(struct client *c, const char *phase, const struct filter_token *t)
{
	struct senderscore *s = c->s;
	bool bad = !c->trusted && c->score != NO_SCORE;

	if (bad && c->score < s->block_below &&
	    strcmp(phase, s->block_phase) == 0)
		filter_disconnect(s->filter, t, REFUSE);
	else if (bad && c->score < s->junk_below &&
	    strcmp(phase, "mail-from") == 0)
		filter_junk(s->filter, t);
	else
		proceed(s, c, t);
}

/* The score is known, or will not be. */
static void
settle(struct client *c, int score)
{
	c->score = score;
	c->looking = false;
	if (c->patience != NULL)
		event_del(c->patience);
	if (c->waiting) {
		c->waiting = false;
		judge(c, "connect", &c->token);
	}
}

static void
on_patience_over(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	settle(c, NO_SCORE);
}

/* 127.0.CATEGORY.SCORE, and nothing beside it. */
static int
score_of(const struct resolve_answer *a)
{
	if (a->status != RESOLVE_DATA || a->n != 1 || a->len != 4 ||
	    a->data[0] != 127 || a->data[3] > SCORE_MAX)
		return NO_SCORE;
	return a->data[3];
}

static void
on_score(void *arg, const struct resolve_answer *a)
{
	struct question *q = arg;
	void **state = filter_state(q->s->filter, q->session);
	struct client *c = state == NULL ? NULL : *state;

	if (c != NULL && c->looking)
		settle(c, score_of(a));
	free(q);
}

static void
look_up(struct client *c, const struct net_addr *a)
{
	const struct timeval patience = { .tv_sec = LOOKUP_MAX_S };
	struct question *q = xcalloc(1, sizeof(*q));
	char name[sizeof("255.255.255.255." ZONE)];

	c->looking = true;
	c->patience = event_new(c->s->base, -1, 0, on_patience_over, c);
	if (c->patience == NULL || event_add(c->patience, &patience) == -1)
		log_error("no timer: a lookup may take long");
	q->s = c->s;
	q->session = c->session;
	snprintf(name, sizeof(name), "%u.%u.%u.%u." ZONE, a->bytes[3],
	    a->bytes[2], a->bytes[1], a->bytes[0]);
	resolver_ask(c->s->resolver, name, RESOLVE_A, on_score, free, q);
}

static void
on_connect(struct senderscore *s, void **state, const struct filter_line *l)
{
	struct net_addr a;
	struct client *c;

	if (*state != NULL)
		return; /* smtpd says it once */
	c = xcalloc(1, sizeof(*c));
	*state = c;
	c->s = s;
	c->session = l->token.session;
	c->score = NO_SCORE;
	if (!net_addr_parse_source(l->field[2], &a))
		return;
	if (nets_hold(s->allowed, &a))
		c->score = SCORE_MAX;
	else if (a.len == 4 && s->test_mode)
		c->score = a.bytes[3] > SCORE_MAX ? SCORE_MAX : a.bytes[3];
	else if (a.len == 4 && !net_addr_is_local(&a))
		look_up(c, &a);
}

static void
on_report(void *arg, void **state, const struct filter_line *l)
{
	struct client *c = *state;

	if (strcmp(l->event, "link-connect") == 0)
		on_connect(arg, state, l);
	else if (strcmp(l->event, "link-auth") == 0 && c != NULL)
		c->trusted = strcmp(l->field[0], "pass") == 0;
}

static void
on_close(void *arg, void *state)
{
	struct client *c = state;

	(void)arg;
	if (c == NULL)
		return;
	if (c->patience != NULL)
		event_free(c->patience);
	free(c);
}

/* Whether a line of a message is a header that only we may write. */
static bool
is_forged(struct client *c, const char *line)
{
	bool blank = line[0] == ' ' || line[0] == '\t';

	if (c->part == PART_BODY)
		return false;
	if (line[0] == '\0')
		c->part = PART_BODY;
	else if (strncasecmp(line, HEADER, strlen(HEADER)) == 0)
		c->part = PART_FORGED;
	else if (!blank)
		c->part = PART_HEADER;
	return c->part == PART_FORGED;
}

static void
on_data_line(struct client *c, const struct filter_line *l)
{
	struct filter *f = c->s->filter;
	char header[sizeof(HEADER) + 8];

	if (c->part == PART_START) {
		c->part = PART_HEADER;
		snprintf(header, sizeof(header), HEADER " %d", c->score);
		if (c->score != NO_SCORE)
			filter_dataline(f, &l->token, header);
	}
	if (strcmp(l->field[0], ".") == 0)
		c->part = PART_START;
	else if (is_forged(c, l->field[0]))
		return;
	filter_dataline(f, &l->token, l->field[0]);
}

static void
on_request(void *arg, void **state, const struct filter_line *l)
{
	struct senderscore *s = arg;
	struct client *c = *state;

	if (strcmp(l->event, "data-line") == 0 && c != NULL) {
		on_data_line(c, l);
	} else if (strcmp(l->event, "data-line") == 0) {
		filter_dataline(s->filter, &l->token, l->field[0]);
	} else if (c == NULL) {
		filter_proceed(s->filter, &l->token);
	} else if (c->looking) {
		c->waiting = true;
		c->token = l->token;
	} else {
		judge(c, l->event, &l->token);
	}
}

/* Ask for the phases that this command line needs, connect before all. */
static void
register_phases(struct senderscore *s)
{
	static const char *const all[] = { "helo", "ehlo", "starttls", "auth",
		"mail-from", "rcpt-to", "data", "commit", "quit", "rset",
		"noop" };

	filter_want_report(s->filter, "smtp-in", "link-connect");
	filter_want_report(s->filter, "smtp-in", "link-auth");
	filter_want_phase(s->filter, "connect");
	if (s->score_header)
		filter_want_phase(s->filter, "data-line");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (s->slow_ms > 0 ||
		    (s->block_below > 0 &&
			strcmp(all[i], s->block_phase) == 0) ||
		    (s->junk_below > 0 && strcmp(all[i], "mail-from") == 0))
			filter_want_phase(s->filter, all[i]);
}

static int
read_allowlist(struct senderscore *s, struct err *e)
{
	struct buf text = { 0 };
	int rc = -1;

	if (fs_read_file(s->allowlist, ALLOWLIST_MAX, &text, e) == 0) {
		s->allowed = nets_parse(buf_str(&text), text.len, e);
		if (s->allowed == NULL)
			err_wrap(e, "%s", s->allowlist);
		else
			rc = 0;
	}
	buf_free(&text);
	return rc;
}

static void
drop_delayed(struct senderscore *s)
{
	struct delayed *d;

	while ((d = TAILQ_FIRST(&s->delayed)) != NULL) {
		TAILQ_REMOVE(&s->delayed, d, entry);
		event_free(d->timer);
		free(d);
	}
}

static int
run(struct senderscore *s, struct err *e)
{
	static const struct filter_ops ops = {
		.report = on_report, .request = on_request, .close = on_close
	};
	const struct sandbox sb = { .threads = true, .net = SANDBOX_NET_FULL };
	unsigned layers;
	int rc = -1;

	if (s->allowlist != NULL && read_allowlist(s, e) == -1)
		return -1;
	s->base = event_base_new();
	if (s->base == NULL) {
		err_set(e, ERR_SYSTEM, "no event loop");
		return -1;
	}
	s->filter = filter_new(s->base, &ops, s);
	register_phases(s);
	s->resolver = resolver_new(s->base, s->server, e);
	if (s->resolver != NULL)
		rc = sandbox_enter(&sb, &layers, e);
	if (rc == 0)
		rc = filter_run(s->filter, STDIN_FILENO, STDOUT_FILENO, e);
	resolver_free(s->resolver);
	drop_delayed(s);
	filter_free(s->filter);
	event_base_free(s->base);
	return rc;
}

static int
set_number(const char *option, const char *value, uint64_t max, int *out,
    struct err *e)
{
	uint64_t n;

	if (!conv_u64(value, 0, max, &n)) {
		err_set(e, ERR_USAGE, "-%s: %s is no number up to %" PRIu64,
		    option, value, max);
		return -1;
	}
	*out = (int)n;
	return 0;
}

static int
set_phase(struct senderscore *s, const char *value, struct err *e)
{
	for (size_t i = 0; i < sizeof(block_phases) / sizeof(block_phases[0]);
	     i++) {
		if (strcmp(value, block_phases[i]) == 0) {
			s->block_phase = block_phases[i];
			return 0;
		}
	}
	err_set(e, ERR_USAGE, "-blockPhase: %s is no phase to block at", value);
	return -1;
}

static int
set_option(void *arg, int id, const char *value, struct err *e)
{
	struct senderscore *s = arg;
	int n = 0, rc = 0;

	switch (id) {
	case OPT_ALLOWLIST:
		free(s->allowlist);
		s->allowlist = xstrdup(value);
		break;
	case OPT_BLOCK_BELOW:
		return set_number(
		    "blockBelow", value, SCORE_MAX + 1, &s->block_below, e);
	case OPT_BLOCK_PHASE:
		return set_phase(s, value, e);
	case OPT_JUNK_BELOW:
		return set_number(
		    "junkBelow", value, SCORE_MAX + 1, &s->junk_below, e);
	case OPT_SLOW_FACTOR:
		rc = set_number("slowFactor", value, SLOW_MAX_MS, &n, e);
		s->slow_ms = (unsigned)n;
		break;
	case OPT_SCORE_HEADER:
		s->score_header = true;
		break;
	case OPT_TEST_MODE:
		s->test_mode = true;
		break;
	case 'r':
		free(s->server);
		s->server = xstrdup(value);
		break;
	default:
		printf("usage: filter-senderscore [OPTION ...]\n\n"
		       "Act on the reputation of a client's address.\n\n");
		opt_print(options, stdout);
		exit(0);
	}
	return rc;
}

int
main(int argc, char **argv)
{
	struct senderscore s = { .block_phase = "connect" };
	struct err e = { 0 };
	int rc;

	if (args_tables(options, argc, argv))
		return 0;
	log_init("filter-senderscore", LOG_MAIL, true);
	signal(SIGPIPE, SIG_IGN);
	TAILQ_INIT(&s.delayed);
	rc = args_read(options, argc, argv, set_option, &s, &e);
	if (rc == 0)
		rc = run(&s, &e);
	nets_free(s.allowed);
	free(s.allowlist);
	free(s.server);
	if (rc == 0)
		return 0;
	log_error("%s", e.msg);
	return e.kind == ERR_USAGE ? 2 : 1;
}
