/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * srs: senders rewritten, so that mail which is sent on passes SPF, and what
 * comes back to such a sender finds its way home.
 *
 *     SRS0=HASH=TT=domain=local@here       of a sender not yet rewritten
 *     SRS1=HASH=domain==HASH=TT=...@here   of one that another host rewrote
 *
 * HASH is of the key over what follows it: HASH_LEN characters of HMAC-SHA256
 * in base32, so that a mailer that changes case breaks nothing.  TT is the
 * day, modulo 1024, in base32.
 *
 * Who relays: call srs_forward() when the action says srs, in place of the
 * sender; the null sender stays as it is.  The lookup process calls
 * srs_reverse() for recipients.
 * Errors: false, with out untouched.  Time is Unix seconds.
 */
#ifndef SMTPD_SMTP_SRS_H
#define SMTPD_SMTP_SRS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/smtp/address.h"

#define SRS_HASH_LEN 8

struct srs_key {
	const char *key;
	const char *backup; /* also believed, never used to rewrite; or NULL */
	uint64_t ttl;       /* seconds, rounded down to days */
};

/*
 * sender as an address of the host called here.  One of that host's own
 * stays.  false: it does not fit into an address, or is quoted.
 */
bool srs_forward(const struct srs_key *k, const struct address *sender,
    const char *here, uint64_t now, struct address *out) ATTR_CHECKED;

/* Whether the address looks like one that somebody rewrote. */
bool srs_is(const struct address *a);

/*
 * Where mail for an address made by srs_forward() goes: one step back.
 * false: not ours, changed, or too old.
 */
bool srs_reverse(const struct srs_key *k, const struct address *a, uint64_t now,
    struct address *out) ATTR_CHECKED;

#endif
