/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/smtp/command.h"
#include "smtpd/smtp/header.h"

#include "smtpd/queue/dsn.h"

#define DATE_LEN 64

static const struct {
	const char *status, *action, *subject, *text;
} words[] = {
	[DSN_KIND_FAILED] = { "5.0.0", "failed", "Undelivered mail",
	    "Your message could not be delivered to:\n\n" },
	[DSN_KIND_DELAYED] = { "4.0.0", "delayed",
	    "Delayed mail (still being tried)",
	    "Your message has not been delivered yet; it is still being "
	    "tried.\nThere is nothing you need to do.  It is for:\n\n" },
	[DSN_KIND_DELIVERED] = { "2.0.0", "delivered", "Delivered mail",
	    "Your message has been delivered to:\n\n" },
	[DSN_KIND_RELAYED] = { "2.0.0", "relayed", "Relayed mail",
	    "Your message has gone on to a server that sends no notices, "
	    "for:\n\n" },
};

static bool
went_well(enum dsn_kind kind)
{
	return kind == DSN_KIND_DELIVERED || kind == DSN_KIND_RELAYED;
}

static void
format_date(time_t at, char out[DATE_LEN])
{
	struct tm tm;

	strftime(
	    out, DATE_LEN, "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&at, &tm));
}

/* The length of the enhanced status code that s begins with, or 0. */
static size_t
code_len(const char *s)
{
	static const char digits[] = "0123456789";
	size_t subject, detail;

	if ((s[0] != '4' && s[0] != '5') || s[1] != '.')
		return 0;
	subject = strspn(s + 2, digits);
	if (subject < 1 || subject > 3 || s[2 + subject] != '.')
		return 0;
	detail = strspn(s + 3 + subject, digits);
	return detail < 1 || detail > 3 ? 0 : 3 + subject + detail;
}

void
dsn_status(const char *error, enum dsn_kind kind, char status[16])
{
	size_t len;

	snprintf(status, 16, "%s", words[kind].status);
	if (went_well(kind))
		return;
	len = strlen(error) > 4 ? code_len(error + 4) : 0;
	if (len > 0)
		snprintf(status, 16, "%c%.*s",
		    kind == DSN_KIND_FAILED ? '5' : '4', (int)len - 1,
		    error + 5);
	else if (strstr(error, "expired") != NULL)
		snprintf(status, 16, "5.4.7");
}

static void
write_text(const struct dsn *d, struct buf *out)
{
	char text[ADDRESS_TEXT_LEN];

	buf_printf(out,
	    "Content-Type: text/plain; charset=utf-8\n\n"
	    "This is the mail server of %s.\n\n",
	    d->hostname);
	buf_add_str(out, words[d->kind].text);
	for (size_t i = 0; i < d->n; i++) {
		const char *why = envelope_text(&d->evs[i], ENVELOPE_ERROR);

		buf_printf(
		    out, "    %s\n", address_text(&d->evs[i].rcpt, text));
		if (why[0] != '\0' && !went_well(d->kind))
			buf_printf(out, "      %s\n", why);
	}
	buf_add_str(out, "\n");
}

static void
write_status(const struct dsn *d, struct buf *out)
{
	char text[ADDRESS_TEXT_LEN], when[DATE_LEN], status[16];
	const char *envid = envelope_text(&d->evs[0], ENVELOPE_ENVID);

	format_date((time_t)d->evs[0].created_at, when);
	buf_printf(out,
	    "Content-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; %s\nArrival-Date: %s\n",
	    d->hostname, when);
	if (envid[0] != '\0')
		buf_printf(out, "Original-Envelope-Id: %s\n", envid);
	for (size_t i = 0; i < d->n; i++) {
		const struct envelope *ev = &d->evs[i];
		const char *why = envelope_text(ev, ENVELOPE_ERROR);
		const char *orcpt = envelope_text(ev, ENVELOPE_ORCPT);

		dsn_status(why, d->kind, status);
		buf_add_u8(out, '\n');
		if (orcpt[0] != '\0')
			buf_printf(out, "Original-Recipient: %s\n", orcpt);
		buf_printf(out, "Final-Recipient: rfc822; %s\n",
		    address_text(&ev->rcpt, text));
		buf_printf(out, "Action: %s\nStatus: %s\n",
		    words[d->kind].action, status);
		if (why[0] != '\0' && !went_well(d->kind))
			buf_printf(out, "Diagnostic-Code: %s; %s\n",
			    ev->type == ENVELOPE_MTA ? "smtp" : "x-local", why);
	}
	buf_add_u8(out, '\n');
}

void
dsn_write(const struct dsn *d, struct buf *out)
{
	char text[ADDRESS_TEXT_LEN], when[DATE_LEN], boundary[64];
	long header = header_length(d->original, d->original_len, true);
	bool whole =
	    d->kind == DSN_KIND_FAILED && d->evs[0].ret == DSN_RET_FULL;

	format_date(d->now, when);
	snprintf(boundary, sizeof(boundary), "%08x/%s", d->msgid, "report");
	buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\n",
	    d->hostname);
	buf_printf(out, "To: %s\n", address_text(&d->evs[0].sender, text));
	buf_printf(out, "Subject: %s\nDate: %s\nMessage-ID: <%08x.%llx@%s>\n",
	    words[d->kind].subject, when, d->msgid, (unsigned long long)d->now,
	    d->hostname);
	buf_printf(out,
	    "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"%s\"\n\n--%s\n",
	    boundary, boundary);
	write_text(d, out);
	buf_printf(out, "--%s\n", boundary);
	write_status(d, out);
	buf_printf(out, "--%s\nContent-Type: %s\n\n", boundary,
	    whole ? "message/rfc822" : "text/rfc822-headers");
	buf_add(out, d->original, whole ? d->original_len : (size_t)header);
	buf_printf(out, "\n--%s--\n", boundary);
}
