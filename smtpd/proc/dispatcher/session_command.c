/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session, the commands: what each says, asks and remembers.  Those that
 * filters may judge are done in two parts: before, and once they have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/session.h"
#include "smtpd/smtp/sasl.h"

#define BAD_COMMANDS 20

static void
greeted(struct session *s, const char *arg, bool extended)
{
	if (!smtp_helo_valid(arg)) {
		session_reply(s, "501 5.5.4 Invalid argument: a host name");
		return;
	}
	session_end_transaction(s, true);
	snprintf(s->helo, sizeof(s->helo), "%s", arg);
	s->extended = extended;
	reporter_say(&s->filter.reporter, FILTER_LINK_IDENTIFY,
	    extended ? "EHLO" : "HELO", s->helo, NULL);
	session_say(s, "250%c%s Hello %s [%s], pleased to meet you",
	    extended ? '-' : ' ', session_hostname(s), s->helo, s->source);
	if (extended) {
		session_say(s, "250-8BITMIME");
		session_say(s, "250-ENHANCEDSTATUSCODES");
		session_say(s, "250-PIPELINING");
		session_say(s, "250-CHUNKING");
		session_say(s, "250-SMTPUTF8");
		session_say(s, "250-SIZE %llu",
		    (unsigned long long)s->setup->conf->max_message_size);
		if (s->listen == NULL || !s->listen->no_dsn)
			session_say(s, "250-DSN");
		if (session_offers_tls(s))
			session_say(s, "250-STARTTLS");
		if (session_offers_auth(s))
			session_say(s, "250-AUTH %s", SASL_NAMES);
		session_say(s, "250 HELP");
	}
}

static void
greeted_helo(struct session *s, const char *arg)
{
	greeted(s, arg, false);
}

static void
greeted_ehlo(struct session *s, const char *arg)
{
	greeted(s, arg, true);
}

static void
cmd_helo(struct session *s, const char *arg, bool extended)
{
	if (!smtp_helo_valid(arg))
		session_reply(s, "501 5.5.4 Invalid argument: a host name");
	else
		session_filter(s, extended ? FILTER_EHLO : FILTER_HELO, arg,
		    extended ? greeted_ehlo : greeted_helo);
}

void
session_begin_transaction(struct session *s)
{
	char msgid[16];

	s->msgid = dispatcher_msgid(s->dispatcher);
	if (s->msgid == 0) {
		s->wait = SESSION_WAIT_MSGID;
		return;
	}
	s->in_mail = true;
	s->mails++;
	session_reply(s, "250 2.0.0 Ok");
	snprintf(msgid, sizeof(msgid), "%08x", s->msgid);
	reporter_say(&s->filter.reporter, FILTER_TX_BEGIN, msgid, NULL);
	session_report_address(s, FILTER_TX_MAIL, "ok", &s->mail.from);
}

void
session_got_msgids(struct session *s)
{
	s->wait = SESSION_GO;
	session_begin_transaction(s);
	session_run(s);
}

static const char no_room[] = "452 4.3.1 No room for mail now, try again later";

/* NULL, or what is wrong with the arguments of MAIL. */
static const char *
parse_mail(struct session *s, const char *arg)
{
	const struct conf *c = s->setup->conf;
	const char *problem = smtp_parse_mail(arg, &s->mail);

	if (problem != NULL)
		return problem;
	if (s->mail.has_dsn && s->listen != NULL && s->listen->no_dsn)
		return "555 5.5.4 DSN is not offered here";
	if (s->mail.size > c->max_message_size)
		return "552 5.3.4 Message too big";
	if (s->mail.size >= s->dispatcher->room)
		return no_room;
	if (s->mail.from.local[0] != '\0' && s->mail.from.domain[0] == '\0') {
		if (!s->local)
			return "553 5.1.7 Sender address needs a domain";
		snprintf(s->mail.from.domain, sizeof(s->mail.from.domain), "%s",
		    session_hostname(s));
	}
	return NULL;
}

static void
keep_arg(struct session *s, const char *arg)
{
	free(s->mail_arg);
	s->mail_arg = xstrdup(arg);
}

/*
 * What a filter made of an address, with the parameters that came with it
 * unless it gives others; NULL when it was left as it was.
 */
static char *
rewritten(const struct session *s, const char *before, const char *after,
    const char *word)
{
	const char *end = strchr(s->mail_arg, '>');
	const char *own = after[0] == '<' ? strchr(after, '>') : NULL;
	const char *params = end == NULL ? "" : end + 1;

	if (strcmp(before, after) == 0)
		return NULL;
	if (own != NULL && own[1] != '\0')
		params = "";
	if (own != NULL)
		return xasprintf("%s:%s%s", word, after, params);
	return xasprintf("%s:<%s>%s", word, after, params);
}

static void
mail_filtered(struct session *s, const char *param)
{
	char *arg = rewritten(s, s->mail_text, param, "FROM");
	const char *problem = arg == NULL ? NULL : parse_mail(s, arg);

	free(arg);
	if (problem != NULL) {
		session_reply(s, problem);
		return;
	}
	address_text(&s->mail.from, s->mail_text);
	session_check_sender(s);
}

static void
cmd_mail(struct session *s, const char *arg)
{
	const char *problem;

	if (s->helo[0] == '\0' && !s->local) {
		session_reply(s, "503 5.5.1 Say HELO or EHLO first");
		return;
	}
	if (session_offers_tls(s) && s->listen->tls == CONF_TLS_REQUIRE) {
		session_reply(s, "530 5.7.0 Say STARTTLS first");
		return;
	}
	if (session_lacks_auth(s)) {
		session_reply(s, "530 5.7.0 Authentication required");
		return;
	}
	if (s->in_mail) {
		session_reply(s, "503 5.5.1 A message is being sent already");
		return;
	}
	if (s->mails >= s->setup->conf->limits.max_mails) {
		session_reply(s, "452 4.5.3 Too many messages in one session");
		return;
	}
	problem = parse_mail(s, arg);
	if (problem != NULL) {
		session_reply(s, problem);
		return;
	}
	keep_arg(s, arg);
	address_text(&s->mail.from, s->mail_text);
	session_filter(s, FILTER_MAIL_FROM, s->mail_text, mail_filtered);
}

/* What the session knows, for the lookup to decide with. */
static void
fill_envelope(const struct session *s, struct envelope *ev)
{
	envelope_init(ev);
	ev->id = (uint64_t)s->msgid << 32;
	ev->sender = s->mail.from;
	ev->rcpt = s->rcpt.to;
	ev->created_at = (uint64_t)time(NULL);
	ev->notify = s->rcpt.notify;
	ev->ret = s->mail.ret;
	ev->flags =
	    (s->local || s->user[0] != '\0' ? ENVELOPE_AUTHENTICATED : 0U) |
	    (s->mail.utf8 ? ENVELOPE_UTF8 : 0U) |
	    (s->mail.body_8bit ? ENVELOPE_8BIT : 0U);
	envelope_set_text(
	    ev, ENVELOPE_TAG, s->listen == NULL ? NULL : s->listen->tag);
	envelope_set_text(ev, ENVELOPE_SMTPNAME, session_hostname(s));
	envelope_set_text(ev, ENVELOPE_HELO, s->helo);
	envelope_set_text(ev, ENVELOPE_HOSTNAME, session_host(s));
	envelope_set_text(ev, ENVELOPE_SOURCE, s->source);
	envelope_set_text(ev, ENVELOPE_USERNAME, s->user);
	envelope_set_text(ev, ENVELOPE_ENVID, s->mail.envid);
	envelope_set_text(ev, ENVELOPE_ORCPT, s->rcpt.orcpt);
}

static void
ask_lookup(struct session *s)
{
	struct buf b = { 0 };
	struct envelope ev;

	fill_envelope(s, &ev);
	wire_put_u32(&b, s->number);
	buf_add_u8(&b, s->tls[0] != '\0');
	envelope_encode(&ev, &b);
	if (proc_send(s->dispatcher->proc, PROC_LOOKUP, 0, MSG_EXPAND, &b, -1))
		s->wait = SESSION_WAIT_RCPT;
	else
		session_reply(s, "451 4.3.0 Try again later");
	envelope_clear(&ev);
	buf_free(&b);
}

/* NULL, or what is wrong with the arguments of RCPT. */
static const char *
parse_rcpt(struct session *s, const char *arg)
{
	const char *problem = smtp_parse_rcpt(arg, s->mail.utf8, &s->rcpt);

	if (problem != NULL)
		return problem;
	if (s->rcpt.has_dsn && s->listen != NULL && s->listen->no_dsn)
		return "555 5.5.4 DSN is not offered here";
	if (s->rcpt.to.domain[0] == '\0') {
		if (!s->local &&
		    strcasecmp(s->rcpt.to.local, "postmaster") != 0)
			return "553 5.1.3 Recipient address needs a domain";
		snprintf(s->rcpt.to.domain, sizeof(s->rcpt.to.domain), "%s",
		    session_hostname(s));
	}
	return NULL;
}

static void
rcpt_filtered(struct session *s, const char *param)
{
	char before[ADDRESS_TEXT_LEN];
	char *arg =
	    rewritten(s, address_text(&s->rcpt.to, before), param, "TO");
	const char *problem = arg == NULL ? NULL : parse_rcpt(s, arg);

	free(arg);
	if (problem != NULL)
		session_reply(s, problem);
	else
		ask_lookup(s);
}

static void
cmd_rcpt(struct session *s, const char *arg)
{
	char text[ADDRESS_TEXT_LEN];
	const char *problem = NULL;

	if (!s->in_mail || s->in_chunks)
		problem = "503 5.5.1 Say MAIL first";
	else if (s->dispatcher->room == 0)
		problem = no_room;
	else if (s->n_rcpts >= s->setup->conf->limits.max_rcpt)
		problem = "451 4.5.3 Too many recipients";
	else
		problem = parse_rcpt(s, arg);
	if (problem != NULL) {
		session_reply(s, problem);
		return;
	}
	keep_arg(s, arg);
	session_filter(
	    s, FILTER_RCPT_TO, address_text(&s->rcpt.to, text), rcpt_filtered);
}

void
session_expanded(
    struct session *s, uint32_t first, uint32_t n_envelopes, const char *reply)
{
	if (s->wait != SESSION_WAIT_RCPT)
		return;
	s->wait = SESSION_GO;
	if (reply[0] != '\0') {
		session_reply(s, reply);
		session_report_address(s, FILTER_TX_RCPT,
		    reply[0] == '5' ? "permfail" : "tempfail", &s->rcpt.to);
	} else {
		s->n_rcpts++;
		s->n_envelopes += n_envelopes;
		address_text(&s->rcpt.to, s->only_rcpt);
		session_report_envelopes(s, first, n_envelopes);
		session_reply(
		    s, "250 2.1.5 Destination address valid: Recipient ok");
		session_report_address(s, FILTER_TX_RCPT, "ok", &s->rcpt.to);
	}
	session_run(s);
}

static void
data_filtered(struct session *s, const char *param)
{
	(void)param;
	session_begin_data(s);
}

static void
cmd_data(struct session *s)
{
	if (!s->in_mail || s->in_chunks)
		session_reply(s, "503 5.5.1 Say MAIL and RCPT first");
	else if (s->n_rcpts == 0)
		session_reply(s, "503 5.5.1 No valid recipient");
	else if (s->dispatcher->room == 0)
		session_reply(s, no_room);
	else
		session_filter(s, FILTER_DATA, "", data_filtered);
}

static void
count_bad(struct session *s)
{
	if (++s->bad_commands >= BAD_COMMANDS)
		session_say_last(s, "421 4.7.0 Too many errors");
}

static void
rset_filtered(struct session *s, const char *param)
{
	(void)param;
	session_reply(s, "250 2.0.0 Reset state");
	session_end_transaction(s, true);
}

static void
noop_filtered(struct session *s, const char *param)
{
	(void)param;
	session_reply(s, "250 2.0.0 Ok");
}

static void
quit_filtered(struct session *s, const char *param)
{
	(void)param;
	session_say_last(s, "221 2.0.0 Bye");
}

void
session_command(struct session *s, const char *line)
{
	const char *arg;

	session_report_command(s, line);
	switch (smtp_command_verb(line, &arg)) {
	case SMTP_HELO:
		cmd_helo(s, arg, false);
		break;
	case SMTP_EHLO:
		cmd_helo(s, arg, true);
		break;
	case SMTP_MAIL:
		cmd_mail(s, arg);
		break;
	case SMTP_RCPT:
		cmd_rcpt(s, arg);
		break;
	case SMTP_DATA:
		cmd_data(s);
		break;
	case SMTP_BDAT:
		if (!session_begin_chunk(s, arg))
			count_bad(s);
		break;
	case SMTP_RSET:
		session_filter(s, FILTER_RSET, "", rset_filtered);
		break;
	case SMTP_NOOP:
		session_filter(s, FILTER_NOOP, "", noop_filtered);
		break;
	case SMTP_HELP:
		session_reply(s, "214 2.0.0 See RFC 5321");
		break;
	case SMTP_QUIT:
		session_filter(s, FILTER_QUIT, "", quit_filtered);
		break;
	case SMTP_VRFY:
	case SMTP_EXPN:
		session_reply(s, "252 5.5.1 Cannot VRFY user; try RCPT");
		break;
	case SMTP_STARTTLS:
		session_starttls(s, arg);
		break;
	case SMTP_AUTH:
		session_auth(s, arg);
		break;
	case SMTP_UNKNOWN:
		session_reply(
		    s, "500 5.5.1 Invalid command: Command unrecognized");
		count_bad(s);
		break;
	}
}
