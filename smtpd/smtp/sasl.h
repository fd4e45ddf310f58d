/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sasl: what is said for AUTH PLAIN and AUTH LOGIN, up to a user's name and
 * password.
 *
 * Limits:    SASL_TEXT_MAX bytes for each.  No name has a control byte, no
 *            password a NUL, CR or LF: both go through line protocols.
 * Errors:    a refusal is a reply ("501 5.5.2 ..."); the texts are literals.
 * Ownership: the caller's memory; sasl_clear() wipes it.
 * Source:    RFC 4954, RFC 4616; LOGIN as clients do it.
 */
#ifndef SMTPD_SMTP_SASL_H
#define SMTPD_SMTP_SASL_H

#include <stdbool.h>

#include "lib/attr.h"

#define SASL_TEXT_MAX 255
#define SASL_NAMES    "PLAIN LOGIN" /* for EHLO */

enum sasl_state {
	SASL_IDLE,
	SASL_PLAIN,
	SASL_LOGIN_USER,
	SASL_LOGIN_PASSWORD,
	SASL_DONE
};

struct sasl {
	enum sasl_state state;
	char user[SASL_TEXT_MAX + 1];
	char password[SASL_TEXT_MAX + 1];
};

/*
 * The argument of AUTH.  The reply to give: "334 ..." asks for a line more,
 * any other refuses and ends it; NULL when it is SASL_DONE.
 */
const char *sasl_begin(struct sasl *s, const char *arg) ATTR_CHECKED;

/* The line after a 334; likewise. */
const char *sasl_line(struct sasl *s, const char *line) ATTR_CHECKED;

void sasl_clear(struct sasl *s);

#endif
