/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session, who it is: AUTH, and what tables say about it.  Passwords are
 * wiped as soon as they are sent on, and no line that may have one is logged.
 *
 * Source: RFC 4954.
 */
#define LIBBSD_OPENBSD_VIS /* the order of arguments of strnvis() */

#include <assert.h>
#include <event2/bufferevent.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/vis.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/authmsg.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/session.h"
#include "smtpd/smtp/sasl.h"

static_assert(sizeof(((struct session *)0)->user) > SASL_TEXT_MAX,
    "a name fits into the session");

#define FAILURES 3 /* in one session */

void
session_auth_free(struct session *s)
{
	if (s->sasl != NULL)
		sasl_clear(s->sasl);
	free(s->sasl);
	s->sasl = NULL;
	free(s->name);
	s->name = NULL;
}

bool
session_offers_auth(const struct session *s)
{
	return s->listen != NULL && s->listen->auth != CONF_AUTH_NONE &&
	    s->tls[0] != '\0' && s->user[0] == '\0';
}

bool
session_lacks_auth(const struct session *s)
{
	return s->listen != NULL && s->listen->auth == CONF_AUTH_REQUIRE &&
	    s->user[0] == '\0';
}

static void
add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text) + 1);
}

static void
stop_sasl(struct session *s)
{
	if (s->sasl != NULL)
		sasl_clear(s->sasl);
	free(s->sasl);
	s->sasl = NULL;
	s->state = SESSION_COMMAND;
}

/* AUTH: see smtpd/proc/lookup/lookup_auth.h. */
static void
ask_password(struct session *s)
{
	const struct conf_table *t = s->listen->auth_table;
	struct buf b = { 0 };

	/* All of it at once: no copy is left when it grows. */
	buf_reserve(&b, 2048);
	wire_put_u32(&b, s->number);
	add_text(&b, t == NULL ? "" : t->name);
	add_text(&b, s->sasl->user);
	add_text(&b, s->sasl->password);
	add_text(&b, s->source);
	explicit_bzero(s->sasl->password, sizeof(s->sasl->password));
	s->state = SESSION_COMMAND;
	if (proc_send_secret(
		s->dispatcher->proc, PROC_LOOKUP, 0, MSG_AUTH, &b)) {
		s->wait = SESSION_WAIT_AUTH;
	} else {
		session_reply(s, "454 4.7.0 Temporary authentication failure");
		stop_sasl(s);
	}
	explicit_bzero(b.data, b.len);
	buf_free(&b);
}

/* What the machine says of the client's line. */
static void
go_on(struct session *s, const char *reply)
{
	if (reply == NULL) {
		ask_password(s);
		return;
	}
	session_reply(s, reply);
	if (reply[0] == '3')
		s->state = SESSION_AUTH;
	else
		stop_sasl(s);
}

static void
auth_filtered(struct session *s, const char *arg)
{
	s->sasl = xcalloc(1, sizeof(*s->sasl));
	go_on(s, sasl_begin(s->sasl, arg));
}

void
session_auth(struct session *s, const char *arg)
{
	const char *problem = NULL;

	if (s->listen == NULL || s->listen->auth == CONF_AUTH_NONE)
		problem = "502 5.5.1 AUTH is not offered here";
	else if (s->tls[0] == '\0')
		problem = "538 5.7.11 Say STARTTLS first";
	else if (!s->extended)
		problem = "503 5.5.1 Say EHLO first";
	else if (s->user[0] != '\0')
		problem = "503 5.5.1 Already authenticated";
	else if (s->in_mail)
		problem = "503 5.5.1 A message is being sent";
	if (problem != NULL) {
		session_reply(s, problem);
		return;
	}
	session_filter(s, FILTER_AUTH, arg, auth_filtered);
}

void
session_auth_line(struct session *s, const char *line)
{
	reporter_say(
	    &s->filter.reporter, FILTER_PROTOCOL_CLIENT, "********", NULL);
	go_on(s, sasl_line(s->sasl, line));
}

/* In the log, and for filters. */
static void
tell_result(struct session *s, unsigned status)
{
	static const char *const logged[] = { "ok", "permfail", "tempfail" };
	static const char *const reported[] = { "pass", "fail", "error" };
	unsigned i = status > AUTH_LATER ? AUTH_LATER : status;
	char user[4 * SASL_TEXT_MAX + 1];

	strnvis(user, s->sasl->user, sizeof(user), VIS_WHITE | VIS_DQ);
	log_info("%016llx smtp authentication user=%s result=%s",
	    (unsigned long long)s->id, user, logged[i]);
	reporter_say(
	    &s->filter.reporter, FILTER_LINK_AUTH, reported[i], user, NULL);
}

void
session_authed(struct session *s, unsigned status)
{
	if (s->wait != SESSION_WAIT_AUTH)
		return;
	s->wait = SESSION_GO;
	tell_result(s, status);
	if (status == AUTH_OK)
		memcpy(s->user, s->sasl->user, sizeof(s->sasl->user));
	stop_sasl(s);
	if (status == AUTH_OK)
		session_reply(s, "235 2.7.0 Authentication succeeded");
	else if (status == AUTH_TOO_MANY)
		session_say_last(
		    s, "421 4.7.0 Too many failed authentications, try later");
	else if (status != AUTH_WRONG)
		session_reply(s, "454 4.7.0 Temporary authentication failure");
	else if (++s->auth_failures >= FAILURES)
		session_say_last(
		    s, "421 4.7.0 Authentication failed too often");
	else
		session_reply(s, "535 5.7.8 Authentication failed");
	session_run(s);
}

/* TABLE_ASK: see smtpd/proc/lookup/lookup_auth.h. */
static bool
ask_table(struct session *s, enum table_ask kind, const struct conf_table *t,
    const char *key, const char *value)
{
	struct buf b = { 0 };
	bool ok;

	wire_put_u32(&b, s->number);
	buf_add_u8(&b, (uint8_t)kind);
	add_text(&b, t->name);
	add_text(&b, key);
	add_text(&b, value);
	ok = proc_send(
	    s->dispatcher->proc, PROC_LOOKUP, 0, MSG_TABLE_ASK, &b, -1);
	if (ok)
		s->wait = SESSION_WAIT_TABLE;
	buf_free(&b);
	return ok;
}

void
session_check_sender(struct session *s)
{
	char sender[ADDRESS_TEXT_LEN];

	/* A notice, from nobody, is in nobody's name. */
	if (s->listen == NULL || s->listen->senders == NULL ||
	    s->user[0] == '\0' || address_is_null(&s->mail.from))
		session_begin_transaction(s);
	else if (!ask_table(s, TABLE_ASK_SENDER, s->listen->senders, s->user,
		     address_text(&s->mail.from, sender)))
		session_reply(s, "451 4.3.0 Try again later");
}

bool
session_ask_name(struct session *s)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char own[64];

	if (s->listen == NULL || s->listen->hostnames == NULL ||
	    getsockname(bufferevent_getfd(s->bev), (struct sockaddr *)&ss,
		&len) == -1 ||
	    getnameinfo((struct sockaddr *)&ss, len, own, sizeof(own), NULL, 0,
		NI_NUMERICHOST) != 0)
		return false;
	return ask_table(s, TABLE_ASK_HOSTNAME, s->listen->hostnames, own, "");
}

void
session_told(
    struct session *s, unsigned kind, unsigned status, const char *text)
{
	if (s->wait != SESSION_WAIT_TABLE)
		return;
	s->wait = SESSION_GO;
	if (kind == TABLE_ASK_HOSTNAME) {
		if (status == TABLE_YES && smtp_helo_valid(text))
			s->name = xstrdup(text);
		session_identify(s);
	} else if (status == TABLE_YES) {
		session_begin_transaction(s);
	} else {
		session_reply(s,
		    status == TABLE_NO ? "530 5.7.1 Sender rejected" :
					 "451 4.3.0 Try again later");
	}
	session_run(s);
}

void
session_add_received_auth(const struct session *s, struct buf *out)
{
	char user[4 * SASL_TEXT_MAX + 1];

	if (s->listen == NULL || !s->listen->received_auth)
		return;
	if (s->user[0] == '\0') {
		buf_add_str(out, " (auth=no)");
		return;
	}
	strnvis(user, s->user, sizeof(user), VIS_WHITE);
	/* It stands in a comment. */
	for (char *p = user; *p != '\0'; p++) {
		if (strchr("()\\", *p) != NULL)
			*p = '?';
	}
	buf_printf(out, " (auth=yes user=%s)", user);
}
