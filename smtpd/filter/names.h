/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * filter_names: the phases and events of the filter protocol, by number and
 * by name.
 *
 * Source: smtpd-filters(7), version 0.7.
 */
#ifndef SMTPD_FILTER_NAMES_H
#define SMTPD_FILTER_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum filter_phase {
	FILTER_CONNECT,
	FILTER_HELO,
	FILTER_EHLO,
	FILTER_STARTTLS,
	FILTER_AUTH,
	FILTER_MAIL_FROM,
	FILTER_RCPT_TO,
	FILTER_DATA,
	FILTER_DATA_LINE,
	FILTER_RSET,
	FILTER_QUIT,
	FILTER_NOOP,
	FILTER_HELP,
	FILTER_WIZ,
	FILTER_COMMIT,
	FILTER_PHASES
};

enum filter_event {
	FILTER_LINK_CONNECT,
	FILTER_LINK_GREETING,
	FILTER_LINK_IDENTIFY,
	FILTER_LINK_TLS,
	FILTER_LINK_AUTH,
	FILTER_LINK_DISCONNECT,
	FILTER_TX_RESET,
	FILTER_TX_BEGIN,
	FILTER_TX_MAIL,
	FILTER_TX_RCPT,
	FILTER_TX_ENVELOPE,
	FILTER_TX_DATA,
	FILTER_TX_COMMIT,
	FILTER_TX_ROLLBACK,
	FILTER_PROTOCOL_CLIENT,
	FILTER_PROTOCOL_SERVER,
	FILTER_FILTER_REPORT,
	FILTER_FILTER_RESPONSE,
	FILTER_TIMEOUT,
	FILTER_EVENTS
};

/* A set of phases or events: the bit 1 << number for each. */
#define FILTER_BIT(n)     (UINT32_C(1) << (unsigned)(n))
#define FILTER_ALL_EVENTS (FILTER_BIT(FILTER_EVENTS) - 1)

const char *filter_phase_name(enum filter_phase phase);
const char *filter_event_name(enum filter_event event);

/* As filter-response says it: two phases have another name there. */
const char *filter_response_name(enum filter_phase phase);

bool filter_phase_find(const char *name, enum filter_phase *out);
bool filter_event_find(const char *name, enum filter_event *out);

/* How many fields an event has after the session; the last may hold '|'. */
unsigned filter_event_fields(enum filter_event event);

/*
 * Whether text can be what a filter answers to refuse: "4NN text" or
 * "5NN text".
 */
bool filter_reply_valid(const char *text);

#endif
