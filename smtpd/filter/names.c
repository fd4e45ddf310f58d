/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "smtpd/filter/names.h"

static const char *const phases[FILTER_PHASES] = {
	[FILTER_CONNECT] = "connect",
	[FILTER_HELO] = "helo",
	[FILTER_EHLO] = "ehlo",
	[FILTER_STARTTLS] = "starttls",
	[FILTER_AUTH] = "auth",
	[FILTER_MAIL_FROM] = "mail-from",
	[FILTER_RCPT_TO] = "rcpt-to",
	[FILTER_DATA] = "data",
	[FILTER_DATA_LINE] = "data-line",
	[FILTER_RSET] = "rset",
	[FILTER_QUIT] = "quit",
	[FILTER_NOOP] = "noop",
	[FILTER_HELP] = "help",
	[FILTER_WIZ] = "wiz",
	[FILTER_COMMIT] = "commit",
};

static const struct {
	const char *name;
	unsigned fields;
} events[FILTER_EVENTS] = {
	[FILTER_LINK_CONNECT] = { "link-connect", 4 },
	[FILTER_LINK_GREETING] = { "link-greeting", 1 },
	[FILTER_LINK_IDENTIFY] = { "link-identify", 2 },
	[FILTER_LINK_TLS] = { "link-tls", 1 },
	[FILTER_LINK_AUTH] = { "link-auth", 2 },
	[FILTER_LINK_DISCONNECT] = { "link-disconnect", 0 },
	[FILTER_TX_RESET] = { "tx-reset", 1 },
	[FILTER_TX_BEGIN] = { "tx-begin", 1 },
	[FILTER_TX_MAIL] = { "tx-mail", 3 },
	[FILTER_TX_RCPT] = { "tx-rcpt", 3 },
	[FILTER_TX_ENVELOPE] = { "tx-envelope", 2 },
	[FILTER_TX_DATA] = { "tx-data", 2 },
	[FILTER_TX_COMMIT] = { "tx-commit", 2 },
	[FILTER_TX_ROLLBACK] = { "tx-rollback", 1 },
	[FILTER_PROTOCOL_CLIENT] = { "protocol-client", 1 },
	[FILTER_PROTOCOL_SERVER] = { "protocol-server", 1 },
	[FILTER_FILTER_REPORT] = { "filter-report", 3 },
	[FILTER_FILTER_RESPONSE] = { "filter-response", 3 },
	[FILTER_TIMEOUT] = { "timeout", 0 },
};

const char *
filter_phase_name(enum filter_phase phase)
{
	return phases[phase];
}

const char *
filter_event_name(enum filter_event event)
{
	return events[event].name;
}

const char *
filter_response_name(enum filter_phase phase)
{
	if (phase == FILTER_CONNECT)
		return "connected";
	return phase == FILTER_STARTTLS ? "tls" : phases[phase];
}

bool
filter_phase_find(const char *name, enum filter_phase *out)
{
	for (unsigned i = 0; i < FILTER_PHASES; i++) {
		if (strcmp(phases[i], name) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

bool
filter_event_find(const char *name, enum filter_event *out)
{
	for (unsigned i = 0; i < FILTER_EVENTS; i++) {
		if (strcmp(events[i].name, name) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

unsigned
filter_event_fields(enum filter_event event)
{
	return events[event].fields;
}

bool
filter_reply_valid(const char *text)
{
	return (text[0] == '4' || text[0] == '5') &&
	    isdigit((unsigned char)text[1]) &&
	    isdigit((unsigned char)text[2]) && text[3] == ' ' &&
	    text[4] != '\0';
}
