/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/filter/line.h"
#include "smtpd/lookup/table.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"

#include "smtpd/proc/dispatcher/session_filter.h"

#define STREAM_WINDOW (256u << 10) /* cost that may be on its way */
#define LINE_COST     64           /* of a line, beside its bytes */
#define FLAG_FIRST    1
#define FLAG_LAST     2

#define TEMPORARY     "421 4.3.0 Temporary failure: filter"

static void run(struct session *s);

static const struct conf_filter *
chain(const struct session *s)
{
	return s->listen == NULL ? NULL : s->listen->filter;
}

bool
session_filter_begin(struct session *s)
{
	struct session_filter *f = &s->filter;
	const char *missing;

	if (chain(s) == NULL)
		return true;
	missing = reporter_begin(&f->reporter, s->dispatcher, chain(s), s->id,
	    s->number, false, f->members);
	if (missing == NULL)
		return true;
	log_warn("%016llx smtp filter %s is not there",
	    (unsigned long long)s->id, missing);
	session_say_last(s, TEMPORARY);
	return false;
}

void
session_filter_free(struct session *s)
{
	reporter_end(&s->filter.reporter);
	free(s->filter.param);
	buf_free(&s->filter.lines);
}

/* The end of a phase */

static void
set_param(struct session_filter *f, const char *text)
{
	char *copy = xstrdup(text);

	free(f->param);
	f->param = copy;
}

static void
go_on(struct session *s)
{
	struct session_filter *f = &s->filter;
	char *param = f->param;

	f->param = NULL;
	s->wait = SESSION_GO;
	f->next(s, param);
	/* It may be what AUTH was given. */
	explicit_bzero(param, strlen(param));
	free(param);
}

/* It is refused: a chunk that is on its way is read first. */
static void
refuse(struct session *s, const char *text, bool close)
{
	struct session_filter *f = &s->filter;

	s->wait = SESSION_GO;
	if (close || f->phase == FILTER_CONNECT ||
	    strncmp(text, "421", 3) == 0) {
		session_say_last(s, text);
		return;
	}
	if (f->phase == FILTER_DATA && s->state == SESSION_CHUNK) {
		s->chunk_refused = true;
		snprintf(s->chunk_reply, sizeof(s->chunk_reply), "%s", text);
		return;
	}
	session_reply(s, text);
	session_report_refused(s, f->phase, text);
	if (f->phase == FILTER_COMMIT)
		session_end_transaction(s, true);
}

static void
decide(struct session *s, enum filter_verdict v, const char *text)
{
	struct session_filter *f = &s->filter;
	bool valid = filter_reply_valid(text);

	reporter_say(&f->reporter, FILTER_FILTER_RESPONSE,
	    filter_response_name(f->phase), filter_verdict_name(v),
	    text[0] == '\0' ? NULL : text, NULL);
	switch (v) {
	case FILTER_PROCEED:
	case FILTER_SAY:
		go_on(s);
		break;
	case FILTER_JUNK:
		if (s->in_mail)
			f->junk_mail = true;
		else
			f->junk = true;
		go_on(s);
		break;
	case FILTER_REWRITE:
		set_param(f, text);
		go_on(s);
		break;
	case FILTER_REJECT:
	case FILTER_DISCONNECT:
		refuse(s, valid ? text : "421 Internal server error",
		    !valid || v == FILTER_DISCONNECT);
		break;
	case FILTER_FAILED:
		refuse(s, TEMPORARY, true);
		break;
	}
}

/* After an answer: what the session does next. */
static void
decided(struct session *s, enum filter_verdict v, const char *text)
{
	bool waited = !s->filter.running;

	decide(s, v, text);
	if (waited)
		session_run(s);
}

/* Rules */

static void
say(struct session *s, const struct conf_filter *rule, const char *kind,
    const char *text)
{
	reporter_say(&s->filter.reporter, FILTER_FILTER_REPORT, kind,
	    rule->name, text, NULL);
}

/* What a rule that holds does; true when the phase goes on. */
static bool
apply(struct session *s, const struct conf_filter *rule)
{
	switch (rule->decision) {
	case CONF_FILTER_SAY:
		say(s, rule, "builtin", rule->text);
		return true;
	case CONF_FILTER_BYPASS:
		decided(s, FILTER_PROCEED, "");
		break;
	case CONF_FILTER_DISCONNECT:
		decided(s, FILTER_DISCONNECT, rule->text);
		break;
	case CONF_FILTER_JUNK:
		decided(s, FILTER_JUNK, "");
		break;
	case CONF_FILTER_REJECT:
		decided(s, FILTER_REJECT, rule->text);
		break;
	case CONF_FILTER_REWRITE:
		decided(s, FILTER_REWRITE, rule->text);
		break;
	}
	return false;
}

/* What a rule's table is asked for, and how; NULL: there is none. */
static const char *
test_key(const struct session *s, const struct conf_filter *rule,
    enum table_service *service)
{
	const struct session_filter *f = &s->filter;

	switch (rule->test) {
	case CONF_FILTER_FCRDNS:
		return NULL;
	case CONF_FILTER_RDNS:
		*service = TABLE_DOMAIN;
		return strcmp(s->rdns, "<unknown>") == 0 ? NULL : s->rdns;
	case CONF_FILTER_SRC:
		*service = TABLE_NETADDR;
		return s->source;
	case CONF_FILTER_HELO:
		*service = TABLE_DOMAIN;
		return f->phase == FILTER_HELO || f->phase == FILTER_EHLO ?
		    f->param :
		    s->helo;
	case CONF_FILTER_AUTH:
		*service = strchr(s->user, '@') == NULL ? TABLE_STRING :
							  TABLE_MAILADDR;
		return s->user[0] == '\0' ? NULL : s->user;
	case CONF_FILTER_MAIL_FROM:
		*service = TABLE_MAILADDR;
		return f->phase == FILTER_MAIL_FROM ? f->param : s->mail_text;
	case CONF_FILTER_RCPT_TO:
		*service = TABLE_MAILADDR;
		return f->param;
	}
	return NULL;
}

/* FILTER_TEST: number, serial, generation u32, service u8, key, NUL, table. */
static bool
ask_table(struct session *s, const struct conf_filter *rule, const char *key,
    enum table_service service)
{
	struct session_filter *f = &s->filter;
	struct buf b = { 0 };

	wire_put_u32(&b, s->number);
	wire_put_u32(&b, ++f->serial);
	wire_put_u32(&b, s->setup->generation);
	buf_add_u8(&b, (uint8_t)(rule->regex ? TABLE_REGEX : service));
	buf_add(&b, key, strlen(key) + 1);
	buf_add_str(&b, rule->table->name);
	f->testing = proc_send(
	    s->dispatcher->proc, PROC_LOOKUP, 0, MSG_FILTER_TEST, &b, -1);
	buf_free(&b);
	return f->testing;
}

/* True when the phase goes on; else it is decided, or waits. */
static bool
try_rule(struct session *s, const struct conf_filter *rule)
{
	enum table_service service = TABLE_STRING;
	const char *key;
	bool holds;

	if (rule->phase != s->filter.phase)
		return true;
	key = test_key(s, rule, &service);
	if (rule->table != NULL && key != NULL) {
		if (!ask_table(s, rule, key, service))
			decided(s, FILTER_FAILED, "");
		return false;
	}
	if (rule->test == CONF_FILTER_FCRDNS)
		holds = s->fcrdns == DNS_OK;
	else
		holds = rule->table == NULL && key != NULL;
	return holds == rule->negate || apply(s, rule);
}

/* FILTER_TESTED: serial u32, 1 or 0, or 2 for an error. */
static void
tested(struct session *s, struct wire *w)
{
	struct session_filter *f = &s->filter;
	const struct conf_filter *rule;
	uint32_t serial = wire_u32(w);
	uint8_t found = wire_u8(w);

	if (!f->testing || !wire_ok(w) || serial != f->serial || s->ending ||
	    s->wait != SESSION_WAIT_FILTER)
		return;
	f->testing = false;
	rule = chain(s)->members[f->step];
	if (found > 1)
		decided(s, FILTER_FAILED, "");
	else if ((found == 1) == rule->negate || apply(s, rule)) {
		f->step++;
		run(s);
	}
}

/* Programs */

static bool
wants(const struct session *s, size_t step, enum filter_phase phase)
{
	const struct conf_filter *m = chain(s)->members[step];
	const struct filter_program *p;

	if (m->proc == NULL || s->filter.members[step] == -1)
		return false;
	p = report_program(s->dispatcher, m->proc->name);
	return p != NULL && (p->phases & FILTER_BIT(phase)) != 0;
}

/* True when the phase goes on without it. */
static bool
ask_program(struct session *s, size_t step)
{
	struct session_filter *f = &s->filter;
	struct buf b = { 0 };
	bool sent;

	if (!wants(s, step, f->phase))
		return true;
	wire_put_u64(&b, s->id);
	buf_add_u8(&b, (uint8_t)f->members[step]);
	buf_add_u8(&b, (uint8_t)f->phase);
	wire_put_u32(&b, ++f->serial);
	buf_add_str(&b, f->param);
	sent = proc_send(
	    s->dispatcher->proc, PROC_FILTER, 0, MSG_FILTER_ASK, &b, -1);
	buf_free(&b);
	if (!sent)
		decided(s, FILTER_FAILED, "");
	return false;
}

/* FILTER_ANSWER: serial u32, verdict u8, text. */
static void
answered(struct session *s, struct wire *w)
{
	struct session_filter *f = &s->filter;
	uint32_t serial = wire_u32(w);
	uint8_t v = wire_u8(w);
	char *text;

	if (!wire_ok(w) || serial != f->serial || f->testing || s->ending ||
	    s->wait != SESSION_WAIT_FILTER || v > FILTER_FAILED)
		return;
	text = xstrndup((const char *)w->p, w->left);
	if (v == FILTER_SAY)
		say(s, chain(s)->members[f->step], "proc", text);
	if (v == FILTER_PROCEED || v == FILTER_SAY) {
		f->step++;
		run(s);
	} else {
		decided(s, v, text);
	}
	free(text);
}

/* Ask on from f->step, until somebody is waited for or it is decided. */
static void
run(struct session *s)
{
	struct session_filter *f = &s->filter;

	for (; f->step < chain(s)->n_members; f->step++) {
		const struct conf_filter *m = chain(s)->members[f->step];

		if (!(m->kind == CONF_FILTER_RULE ? try_rule(s, m) :
						    ask_program(s, f->step)))
			return;
	}
	decided(s, FILTER_PROCEED, "");
}

void
session_filter(struct session *s, enum filter_phase phase, const char *param,
    session_next *next)
{
	struct session_filter *f = &s->filter;

	if (chain(s) == NULL) {
		next(s, param);
		return;
	}
	set_param(f, param);
	f->phase = phase;
	f->next = next;
	f->step = 0;
	f->running = true;
	s->wait = SESSION_WAIT_FILTER;
	run(s);
	f->running = false;
}

/* The end of a filter */

void
session_filter_lost(struct session *s, const char *who)
{
	struct session_filter *f = &s->filter;

	if (f->lost || s->ending)
		return;
	log_warn(
	    "%016llx smtp filter %s is lost", (unsigned long long)s->id, who);
	f->lost = true;
	if (s->wait != SESSION_WAIT_COMMIT)
		session_say_last(s, TEMPORARY);
}

bool
session_filter_doomed(struct session *s)
{
	if (!s->filter.lost || s->ending)
		return s->ending;
	session_say_last(s, TEMPORARY);
	return true;
}

/* Streams */

bool
session_stream_begin(struct session *s)
{
	struct session_filter *f = &s->filter;

	f->stream_mask = 0;
	for (size_t i = 0; chain(s) != NULL && i < chain(s)->n_members; i++) {
		if (wants(s, i, FILTER_DATA_LINE))
			f->stream_mask |= FILTER_BIT(f->members[i]);
	}
	f->streaming = f->stream_first = f->stream_mask != 0;
	f->stream_sent = f->stream_ended = false;
	f->outstanding = f->unacked = 0;
	buf_reset(&f->lines);
	return f->streaming;
}

static uint32_t
cost_of(const uint8_t *text, size_t len)
{
	const uint8_t *end = text + len;
	size_t cost = len;

	while (text < end) {
		const uint8_t *lf = memchr(text, '\n', (size_t)(end - text));

		cost += LINE_COST;
		text = lf == NULL ? end : lf + 1;
	}
	return (uint32_t)cost;
}

/* How much of lines is whole lines. */
static size_t
whole_lines(const struct buf *lines)
{
	size_t n = lines->len;

	while (n > 0 && lines->data[n - 1] != '\n')
		n--;
	return n;
}

bool
session_stream_send(struct session *s, bool last)
{
	struct session_filter *f = &s->filter;
	size_t n = last ? f->lines.len : whole_lines(&f->lines);
	uint32_t cost = cost_of(f->lines.data, n);
	struct buf b = { 0 };

	if (n == 0 && !last)
		return true;
	wire_put_u64(&b, s->id);
	wire_put_u32(&b, f->stream_mask);
	buf_add_u8(&b,
	    (uint8_t)((f->stream_first ? FLAG_FIRST : 0) |
		(last ? FLAG_LAST : 0)));
	wire_put_u32(&b, cost);
	buf_add(&b, f->lines.data, n);
	buf_consume(&f->lines, n);
	f->stream_first = false;
	f->stream_sent |= last;
	f->outstanding += cost;
	proc_send(
	    s->dispatcher->proc, PROC_FILTER, 0, MSG_FILTER_LINES, &b, -1);
	buf_free(&b);
	return f->outstanding < STREAM_WINDOW;
}

/* FILTER_CREDIT: cost u32. */
static void
credited(struct session *s, struct wire *w)
{
	struct session_filter *f = &s->filter;
	uint32_t n = wire_u32(w);

	f->outstanding -= n < f->outstanding ? n : f->outstanding;
	if (s->wait != SESSION_WAIT_CREDIT || f->outstanding >= STREAM_WINDOW)
		return;
	s->wait = SESSION_GO;
	session_run(s);
}

void
session_stream_stored(struct session *s)
{
	struct session_filter *f = &s->filter;
	struct buf b = { 0 };

	if (f->unacked == 0)
		return;
	wire_put_u64(&b, s->id);
	wire_put_u32(&b, (uint32_t)f->unacked);
	f->unacked = 0;
	proc_send(
	    s->dispatcher->proc, PROC_FILTER, 0, MSG_FILTER_CREDIT, &b, -1);
	buf_free(&b);
}

/* FILTER_OUTPUT: last u8, text. */
static void
output(struct session *s, struct wire *w)
{
	struct session_filter *f = &s->filter;
	bool last = wire_u8(w) != 0;

	if (!f->streaming || s->ending)
		return;
	f->unacked += w->left;
	f->stream_ended |= last;
	session_filtered_data(s, w->p, w->left);
}

void
session_filter_message(struct session *s, unsigned type, struct wire *w)
{
	char *name;

	switch (type) {
	case MSG_FILTER_TESTED:
		tested(s, w);
		break;
	case MSG_FILTER_ANSWER:
		answered(s, w);
		break;
	case MSG_FILTER_OUTPUT:
		output(s, w);
		break;
	case MSG_FILTER_CREDIT:
		credited(s, w);
		break;
	default:
		name = xstrndup((const char *)w->p, w->left);
		session_filter_lost(s, name);
		free(name);
		break;
	}
}
