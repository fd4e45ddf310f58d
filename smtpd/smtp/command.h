/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * smtp_command: one line that an SMTP client sent, as values.
 *
 * Errors: a problem is a reply ("501 5.5.4 ..."), for the session to send as
 *         it stands; the texts are literals.
 * Source: RFC 5321 4.1.1, 3461 (DSN), 1870 (SIZE), 6152 (8BITMIME), 6531
 *         (SMTPUTF8), 3030 (CHUNKING), 4954 (AUTH).
 */
#ifndef SMTPD_SMTP_COMMAND_H
#define SMTPD_SMTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/smtp/address.h"

#define SMTP_COMMAND_MAX 2048 /* bytes of a line, without its end */
#define SMTP_ENVID_MAX   100
#define SMTP_ORCPT_MAX   500

enum smtp_verb {
	SMTP_HELO,
	SMTP_EHLO,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_BDAT,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_QUIT,
	SMTP_HELP,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_UNKNOWN
};

enum dsn_notify {
	DSN_SUCCESS = 1,
	DSN_FAILURE = 2,
	DSN_DELAY = 4,
	DSN_NEVER = 8
};
enum dsn_ret {
	DSN_RET_NONE,
	DSN_RET_FULL,
	DSN_RET_HDRS
};

struct smtp_mail {
	struct address from;
	uint64_t size; /* 0: not said */
	bool body_8bit, utf8;
	enum dsn_ret ret;
	char envid[SMTP_ENVID_MAX + 1];
	bool has_dsn;
};

struct smtp_rcpt {
	struct address to;
	unsigned notify; /* enum dsn_notify bits; 0: not said */
	char orcpt[SMTP_ORCPT_MAX + 1];
	bool has_dsn;
};

struct smtp_bdat {
	uint64_t len;
	bool last;
};

/* The verb of a line, and where its argument starts. */
enum smtp_verb smtp_command_verb(const char *line, const char **arg);
const char *smtp_verb_name(enum smtp_verb v);

/*
 * The argument of MAIL, RCPT, BDAT: NULL when it is fine, else the reply.
 * utf8 says that the command before (or this one) asked for SMTPUTF8.
 */
const char *smtp_parse_mail(
    const char *arg, struct smtp_mail *out) ATTR_CHECKED;
const char *smtp_parse_rcpt(
    const char *arg, bool utf8, struct smtp_rcpt *out) ATTR_CHECKED;
const char *smtp_parse_bdat(
    const char *arg, struct smtp_bdat *out) ATTR_CHECKED;

/* What follows HELO or EHLO: a domain or a literal, or nearly so. */
bool smtp_helo_valid(const char *arg);

/* Of ENVID and ORCPT: xtext (RFC 3461, 4) that decodes to printable bytes. */
bool smtp_xtext_valid(const char *text);

#endif
