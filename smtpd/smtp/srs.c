/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smtpd/smtp/srs.h"

#define DAY      86400
#define DAYS     1024 /* then the two characters begin again */
#define TEXT_MAX (ADDRESS_LOCAL_MAX + ADDRESS_DOMAIN_MAX + 32)

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* hash of text, whose case does not count. */
static void
make_hash(const char *key, const char *text, char hash[SRS_HASH_LEN + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char lower[TEXT_MAX];
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)text[i]);
	HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)lower, len,
	    mac, NULL);
	for (size_t i = 0; i < SRS_HASH_LEN; i++)
		hash[i] = base32[mac[i] & 31];
	hash[SRS_HASH_LEN] = '\0';
}

static bool
hash_is(const char *key, const char *text, const char *given)
{
	char hash[SRS_HASH_LEN + 1], upper[SRS_HASH_LEN];

	if (key == NULL)
		return false;
	make_hash(key, text, hash);
	for (size_t i = 0; i < SRS_HASH_LEN; i++)
		upper[i] = (char)toupper((unsigned char)given[i]);
	return CRYPTO_memcmp(hash, upper, SRS_HASH_LEN) == 0;
}

/* "SRS0" or "SRS1" and one of the separators that are in use. */
static bool
has_prefix(const char *local, char kind)
{
	return strncasecmp(local, "SRS", 3) == 0 && local[3] == kind &&
	    (local[4] == '=' || local[4] == '+' || local[4] == '-');
}

bool
srs_is(const struct address *a)
{
	return has_prefix(a->local, '0') || has_prefix(a->local, '1');
}

/* kind, hash and rest as the local part of an address at here. */
static bool
put(const struct srs_key *k, char kind, const char *rest, const char *here,
    struct address *out)
{
	char hash[SRS_HASH_LEN + 1], text[2 * TEXT_MAX];
	struct address a;
	int n;

	make_hash(k->key, rest, hash);
	n = snprintf(
	    text, sizeof(text), "SRS%c=%s=%s@%s", kind, hash, rest, here);
	/* A quoted local part makes none. */
	if (n < 0 || (size_t)n >= sizeof(text) ||
	    !address_parse(text, (size_t)n, true, &a))
		return false;
	*out = a;
	return true;
}

bool
srs_forward(const struct srs_key *k, const struct address *sender,
    const char *here, uint64_t now, struct address *out)
{
	char rest[TEXT_MAX];
	uint64_t day = now / DAY % DAYS;
	const char *tail, *p;

	if (address_is_null(sender) || strcasecmp(sender->domain, here) == 0) {
		struct address same = *sender;

		*out = same;
		return true;
	}
	if (has_prefix(sender->local, '0')) {
		/* Its own host knows what follows: only that is kept. */
		snprintf(rest, sizeof(rest), "%s=%s", sender->domain,
		    sender->local + 4);
		return put(k, '1', rest, here, out);
	}
	if (has_prefix(sender->local, '1')) {
		/* The first host stays, the one between is left out. */
		tail = strchr(sender->local + 5, '=');
		p = tail == NULL ? NULL : strchr(tail + 1, '=');
		if (p != NULL && p > tail + 1) {
			snprintf(rest, sizeof(rest), "%s", tail + 1);
			return put(k, '1', rest, here, out);
		}
	}
	snprintf(rest, sizeof(rest), "%c%c=%s=%s", base32[day >> 5],
	    base32[day & 31], sender->domain, sender->local);
	return put(k, '0', rest, here, out);
}

static int
digit(char c)
{
	const char *p =
	    c == '\0' ? NULL : strchr(base32, toupper((unsigned char)c));

	return p == NULL ? -1 : (int)(p - base32);
}

/* Two characters and '=', of a day that is not past. */
static bool
is_fresh(const struct srs_key *k, const char *text, uint64_t now)
{
	int high = digit(text[0]), low = high == -1 ? -1 : digit(text[1]);
	uint64_t age;

	if (low == -1 || text[2] != '=')
		return false;
	age = (now / DAY + DAYS - (uint64_t)(high << 5 | low)) % DAYS;
	return age <= k->ttl / DAY;
}

/* The n bytes of domain and what stands for the local part. */
static bool
take(const char *domain, size_t n, const char *local, const char *local_head,
    struct address *out)
{
	char text[TEXT_MAX];
	struct address a;
	int len = snprintf(
	    text, sizeof(text), "%s%s@%.*s", local_head, local, (int)n, domain);

	if (len < 0 || (size_t)len >= sizeof(text) || n == 0 ||
	    !address_parse(text, (size_t)len, true, &a))
		return false;
	*out = a;
	return true;
}

bool
srs_reverse(const struct srs_key *k, const struct address *a, uint64_t now,
    struct address *out)
{
	const char *hash = a->local + 5, *rest, *end;

	if (!srs_is(a) || strlen(hash) <= SRS_HASH_LEN ||
	    hash[SRS_HASH_LEN] != '=')
		return false;
	rest = hash + SRS_HASH_LEN + 1;
	if (!hash_is(k->key, rest, hash) && !hash_is(k->backup, rest, hash))
		return false;
	if (has_prefix(a->local, '1')) {
		/* After the domain stands what followed "SRS0". */
		end = strchr(rest, '=');
		return end != NULL &&
		    take(rest, (size_t)(end - rest), end + 1, "SRS0", out);
	}
	if (!is_fresh(k, rest, now))
		return false;
	rest += 3;
	end = strchr(rest, '=');
	return end != NULL &&
	    take(rest, (size_t)(end - rest), end + 1, "", out);
}
