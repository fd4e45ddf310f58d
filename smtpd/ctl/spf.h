/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * spf: an SPF record, term by term, as far as networks can be told from it.
 *
 * Source: RFC 7208, sections 4.6, 5 and 12.
 */
#ifndef SMTPD_CTL_SPF_H
#define SMTPD_CTL_SPF_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"

#define SPF_NAME_MAX 255

enum spf_kind {
	SPF_ALL,
	SPF_A,
	SPF_MX,
	SPF_IP4,
	SPF_IP6,
	SPF_INCLUDE,
	SPF_REDIRECT,
	SPF_EXISTS,
	SPF_PTR,
	SPF_OTHER /* a modifier that adds no network */
};

struct spf_term {
	enum spf_kind kind;
	char qualifier; /* '+', '-', '~' or '?' */
	bool macro;     /* name holds a '%': only a mail makes it a name */
	/* A name, or the address of ip4 and ip6, or "" for the record's. */
	char name[SPF_NAME_MAX + 1];
	unsigned bits4, bits6; /* of the network: 32 and 128 unless given */
};

/* Whether a TXT record is an SPF record; *rest is what follows the version. */
bool spf_is_record(const char *text, const char **rest);

/*
 * The next term: 1, and *text stands after it; 0 at the end; -1 for a term
 * that RFC 7208 does not allow, which makes the record void.
 */
int spf_next(const char **text, struct spf_term *out) ATTR_CHECKED;

#endif
