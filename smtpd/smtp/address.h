/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * address: a mailbox as SMTP writes it, "local@domain".
 *
 * This is the one place that decides whether a text is an address: nothing
 * is ever used as one that did not come through address_parse().  A local
 * part is a dot-string or a quoted string (kept with its quotes); a domain is
 * labels, or a literal in brackets.  The null sender has both parts empty.
 *
 * Limits: ADDRESS_LOCAL_MAX and ADDRESS_DOMAIN_MAX bytes.
 * Source: RFC 5321, 4.1.2 and 4.5.3.1; RFC 6531, 3.3.
 */
#ifndef SMTPD_SMTP_ADDRESS_H
#define SMTPD_SMTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"

#define ADDRESS_LOCAL_MAX  128 /* RFC 5321 asks for 64 */
#define ADDRESS_DOMAIN_MAX 255
#define ADDRESS_TEXT_LEN   (ADDRESS_LOCAL_MAX + ADDRESS_DOMAIN_MAX + 2)

struct address {
	char local[ADDRESS_LOCAL_MAX + 1];
	char domain[ADDRESS_DOMAIN_MAX + 1];
};

/*
 * Parse all of text.  utf8 admits UTF-8 in both parts.  A text without '@'
 * gives an empty domain: the caller decides whether that is enough.  The
 * empty text is not an address.
 */
bool address_parse(
    const char *text, size_t len, bool utf8, struct address *out) ATTR_CHECKED;

/* A host name: labels of letters, digits, '-' and '_', or a literal. */
bool address_domain_valid(const char *text, size_t len, bool utf8);

bool address_is_null(const struct address *a);
bool address_equal(const struct address *a, const struct address *b);

/* "local@domain", "local" when there is no domain, "" for the null sender. */
const char *address_text(const struct address *a, char text[ADDRESS_TEXT_LEN]);

/* Whether any byte of it is above 127. */
bool address_is_utf8(const struct address *a);

/*
 * Split local at the first delimiter: the base into base (of
 * ADDRESS_LOCAL_MAX + 1 bytes), and the tag, borrowed from a, or "".
 */
const char *address_split(const struct address *a, char delimiter, char *base);

#endif
