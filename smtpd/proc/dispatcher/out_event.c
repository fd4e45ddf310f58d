/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include "lib/log.h"
#include "lib/wire.h"

#include "smtpd/proc/trace.h"

#include "smtpd/proc/dispatcher/dispatcher_internal.h"

#include "smtpd/proc/dispatcher/out.h"

void
out_event_connecting(const struct out *o)
{
	log_info("%016llx mta connecting address=%s://%s:%u host=%s",
	    (unsigned long long)o->id, relay_url_scheme(&o->url),
	    o->route->address, o->route->port, o->route->name);
}

void
out_event_connected(struct out *o)
{
	out_report_connected(o);
	log_info("%016llx mta connected", (unsigned long long)o->id);
	proc_count(o->dispatcher->proc, "mta.session", 1);
}

void
out_event_tls(const struct out *o, const char *ciphers, const char *verdict,
    const char *fingerprint)
{
	reporter_say(&o->reporter, FILTER_LINK_TLS, ciphers, NULL);
	log_info(
	    "%016llx mta tls ciphers=%s", (unsigned long long)o->id, ciphers);
	log_info(
	    "%016llx mta cert-check result=\"%s\" fingerprint=\"SHA256:%s\"",
	    (unsigned long long)o->id, verdict, fingerprint);
}

void
out_event_auth(const struct out *o, bool passed)
{
	reporter_say(&o->reporter, FILTER_LINK_AUTH, passed ? "pass" : "fail",
	    o->user == NULL ? "" : o->user, NULL);
	log_info("%016llx mta authentication result=%s",
	    (unsigned long long)o->id, passed ? "ok" : "permfail");
}

void
out_event_command(const struct out *o, const char *line)
{
	out_report_command(o, line);
	trace(TRACE_MTA, "%016llx mta command %s", (unsigned long long)o->id,
	    line);
}

void
out_event_reply(const struct out *o)
{
	char text[SMTP_REPLY_TEXT];

	out_report_reply(o);
	trace(TRACE_MTA, "%016llx mta reply %s", (unsigned long long)o->id,
	    smtp_reply_text(&o->reply, text));
}

void
out_event_begin(struct out *o)
{
	out_report_begin(o);
	trace(TRACE_MTA, "%016llx mta begin msgid=%08x nrcpt=%zu",
	    (unsigned long long)o->id, o->task->t.msgid, o->task->t.n);
}

void
out_event_rcpt(const struct out *o, size_t rcpt, enum relay_status status)
{
	trace(TRACE_MTA, "%016llx mta rcpt evpid=%016llx result=%s",
	    (unsigned long long)o->id,
	    (unsigned long long)o->task->t.rcpts[rcpt].id,
	    status == RELAY_FAILED    ? "permfail" :
		status == RELAY_LATER ? "tempfail" :
					"ok");
}

void
out_event_end(struct out *o, bool accepted)
{
	out_report_end(o, accepted);
	trace(TRACE_MTA, "%016llx mta %s msgid=%08x", (unsigned long long)o->id,
	    accepted ? "commit" : "rollback", o->task->t.msgid);
}

void
out_event_disconnected(struct out *o, const char *reason)
{
	reporter_end(&o->reporter);
	log_info("%016llx mta disconnected reason=%s messages=%u",
	    (unsigned long long)o->id, reason, o->mails);
	proc_count(o->dispatcher->proc, "mta.session", -1);
}
