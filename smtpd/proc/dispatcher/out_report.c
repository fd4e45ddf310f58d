/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * out, what it reports to the filters of its action: smtp-out.
 */
#include <event2/bufferevent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "smtpd/proc/dispatcher/dispatcher_internal.h"

#include "smtpd/proc/dispatcher/out.h"

#define SOCKET_TEXT 144
#define MSGID_TEXT  16

/* One end of the connection: ours, or the host's. */
static void
format_end(const struct out *o, bool ours, char out[SOCKET_TEXT])
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	int fd = bufferevent_getfd(o->bev);
	char host[64], port[16];
	bool v6;

	snprintf(out, SOCKET_TEXT, "0.0.0.0:0");
	if (o->url.path[0] != '\0') {
		snprintf(out, SOCKET_TEXT, "unix:%s", ours ? "" : o->url.path);
		return;
	}
	if ((ours ? getsockname(fd, (struct sockaddr *)&ss, &len) :
		    getpeername(fd, (struct sockaddr *)&ss, &len)) == -1 ||
	    getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	v6 = ss.ss_family == AF_INET6;
	snprintf(out, SOCKET_TEXT, "%s%s%s:%s", v6 ? "[" : "", host,
	    v6 ? "]" : "", port);
}

static const char *
msgid(const struct out *o, char text[MSGID_TEXT])
{
	snprintf(text, MSGID_TEXT, "%08x", o->task->t.msgid);
	return text;
}

void
out_report_connected(struct out *o)
{
	char src[SOCKET_TEXT], dest[SOCKET_TEXT];

	if (o->action == NULL || o->action->filter == NULL)
		return;
	reporter_begin(&o->reporter, o->dispatcher, o->action->filter, o->id, 0,
	    true, NULL);
	format_end(o, true, src);
	format_end(o, false, dest);
	reporter_say(&o->reporter, FILTER_LINK_CONNECT, o->route->name, "pass",
	    src, dest, NULL);
}

void
out_report_command(const struct out *o, const char *line)
{
	const struct reporter *r = &o->reporter;
	const struct relay_rcpt *rcpt;
	char id[MSGID_TEXT], evpid[24], method[5] = "";
	bool auth = strcmp(line, "AUTH PLAIN ") == 0;

	reporter_say(r, FILTER_PROTOCOL_CLIENT,
	    auth ? "AUTH PLAIN ********" : line, NULL);
	if (o->state == OUT_EHLO || o->state == OUT_HELO) {
		snprintf(method, sizeof(method), "%.4s", line);
		reporter_say(r, FILTER_LINK_IDENTIFY, method, o->helo, NULL);
	}
	/* RCPT, as the steps count. */
	if (o->state != OUT_STEPS || o->sent < 2 || o->sent > o->task->t.n + 1)
		return;
	rcpt = &o->task->t.rcpts[o->sent - 2];
	snprintf(evpid, sizeof(evpid), "%016llx", (unsigned long long)rcpt->id);
	reporter_say(r, FILTER_TX_ENVELOPE, msgid(o, id), evpid, NULL);
}

/* What the reply to a step means. */
static void
report_step(const struct out *o)
{
	const struct relay_task *t = &o->task->t;
	unsigned kind = o->reply.code / 100;
	const char *result = kind == 5 ? "permfail" :
	    kind == 2 || kind == 3     ? "ok" :
					 "tempfail";
	char id[MSGID_TEXT], address[ADDRESS_TEXT_LEN];

	if (o->answered == 0)
		reporter_say(&o->reporter, FILTER_TX_MAIL, msgid(o, id), result,
		    out_sender(o, address), NULL);
	else if (o->answered <= t->n)
		reporter_say(&o->reporter, FILTER_TX_RCPT, msgid(o, id), result,
		    address_text(&t->rcpts[o->answered - 1].to, address), NULL);
	else
		reporter_say(
		    &o->reporter, FILTER_TX_DATA, msgid(o, id), result, NULL);
}

void
out_report_reply(const struct out *o)
{
	const char *text;
	char line[SMTP_REPLY_TEXT], name[ADDRESS_DOMAIN_MAX + 1];
	size_t n;

	smtp_reply_text(&o->reply, line);
	reporter_say(&o->reporter, FILTER_PROTOCOL_SERVER, line, NULL);
	if (o->state == OUT_BANNER && o->reply.code / 100 == 2) {
		text = strlen(line) > 4 ? line + 4 : "";
		n = strcspn(text, " ");
		if (n >= sizeof(name))
			n = sizeof(name) - 1;
		snprintf(name, sizeof(name), "%.*s", (int)n, text);
		reporter_say(&o->reporter, FILTER_LINK_GREETING, name, NULL);
	}
	if (o->state == OUT_STEPS && o->task != NULL)
		report_step(o);
}

void
out_report_begin(struct out *o)
{
	char id[MSGID_TEXT];

	o->reported = true;
	reporter_say(&o->reporter, FILTER_TX_BEGIN, msgid(o, id), NULL);
}

void
out_report_end(struct out *o, bool accepted)
{
	char id[MSGID_TEXT], size[24];

	if (!o->reported)
		return;
	o->reported = false;
	msgid(o, id);
	snprintf(size, sizeof(size), "%llu",
	    (unsigned long long)o->task->t.body_len);
	if (accepted)
		reporter_say(&o->reporter, FILTER_TX_COMMIT, id, size, NULL);
	else
		reporter_say(&o->reporter, FILTER_TX_ROLLBACK, id, NULL);
	reporter_say(&o->reporter, FILTER_TX_RESET, id, NULL);
}
