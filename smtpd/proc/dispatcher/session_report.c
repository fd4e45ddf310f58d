/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session, what it reports to the filters of its listener.
 */
#include <event2/bufferevent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/session.h"

/* An address as reports have it. */
static void
format_socket(const struct sockaddr *sa, char *out, size_t size)
{
	char host[64], port[16];
	bool v6 = sa->sa_family == AF_INET6;

	if ((!v6 && sa->sa_family != AF_INET) ||
	    getnameinfo(sa,
		v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
		host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(out, size, "0.0.0.0:0");
	else
		snprintf(out, size, "%s%s%s:%s", v6 ? "[" : "", host,
		    v6 ? "]" : "", port);
}

void
session_set_ends(
    struct session *s, const struct sockaddr *src, const struct sockaddr *dst)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (src == NULL) {
		snprintf(s->source_text, sizeof(s->source_text), "unix:%.100s",
		    s->setup->socket);
		snprintf(s->dest_text, sizeof(s->dest_text), "unix:%.100s",
		    s->setup->socket);
		return;
	}
	if (dst == NULL &&
	    getsockname(
		bufferevent_getfd(s->bev), (struct sockaddr *)&ss, &len) == 0)
		dst = (const struct sockaddr *)&ss;
	format_socket(src, s->source_text, sizeof(s->source_text));
	if (dst != NULL)
		format_socket(dst, s->dest_text, sizeof(s->dest_text));
}

/* As it came, but for what is secret. */
void
session_report_command(struct session *s, const char *line)
{
	char masked[64];
	const char *arg;
	int n;

	if (smtp_command_verb(line, &arg) == SMTP_AUTH) {
		n = (int)strcspn(arg, " ");
		snprintf(masked, sizeof(masked), "AUTH %.*s%s", n > 32 ? 32 : n,
		    arg, arg[n] == '\0' ? "" : " ********");
		line = masked;
	}
	reporter_say(&s->filter.reporter, FILTER_PROTOCOL_CLIENT, line, NULL);
}

/* tx-mail and tx-rcpt. */
void
session_report_address(struct session *s, enum filter_event event,
    const char *result, const struct address *a)
{
	char msgid[16], text[ADDRESS_TEXT_LEN];

	snprintf(msgid, sizeof(msgid), "%08x", s->msgid);
	reporter_say(&s->filter.reporter, event, msgid, result,
	    address_text(a, text), NULL);
}

void
session_report_envelopes(struct session *s, uint32_t first, uint32_t n)
{
	char msgid[16], evpid[24];

	snprintf(msgid, sizeof(msgid), "%08x", s->msgid);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(evpid, sizeof(evpid), "%08x%08x", s->msgid, first + i);
		reporter_say(&s->filter.reporter, FILTER_TX_ENVELOPE, msgid,
		    evpid, NULL);
	}
}

/* What a filter has refused in a transaction. */
void
session_report_refused(
    struct session *s, enum filter_phase phase, const char *reply)
{
	const char *result = reply[0] == '5' ? "permfail" : "tempfail";
	char msgid[16];

	snprintf(msgid, sizeof(msgid), "%08x", s->msgid);
	if (phase == FILTER_RCPT_TO)
		session_report_address(s, FILTER_TX_RCPT, result, &s->rcpt.to);
	else if (phase == FILTER_DATA || phase == FILTER_COMMIT)
		reporter_say(
		    &s->filter.reporter, FILTER_TX_DATA, msgid, result, NULL);
}

/* The end of a transaction, for the filters. */
void
session_report_end(struct session *s)
{
	struct reporter *r = &s->filter.reporter;
	char msgid[16], size[24];

	if (!s->in_mail)
		return;
	snprintf(msgid, sizeof(msgid), "%08x", s->msgid);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)s->file_len);
	if (s->committed)
		reporter_say(r, FILTER_TX_COMMIT, msgid, size, NULL);
	else
		reporter_say(r, FILTER_TX_ROLLBACK, msgid, NULL);
	reporter_say(r, FILTER_TX_RESET, msgid, NULL);
}
