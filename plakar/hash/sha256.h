/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sha256: SHA-256, and the ids of chunks by many HMACs at once.
 *
 * The hot code of a push and of a check: every byte goes through here.  One
 * SHA-256 leaves most of the processor idle, because each round waits for the
 * one before; so ids are made three or sixteen streams at a time.
 *
 * Threads: no state but the choice of code, made at first use; all functions
 *          may run in any number of threads.
 * Errors:  none; nothing here allocates or fails.
 * Source:  FIPS 180-4; RFC 2104 for HMAC.
 */
#ifndef PLAKAR_HASH_SHA256_H
#define PLAKAR_HASH_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define SHA256_LEN       32
#define SHA256_BLOCK_LEN 64
#define ID_KEY_LEN       32
#define ID_LEN           16

/* A digest under way.  A plain value: copy it to fork the digest. */
struct sha256 {
	uint32_t state[8];
	uint64_t len; /* bytes taken so far */
	uint8_t block[SHA256_BLOCK_LEN];
};

void sha256_init(struct sha256 *ctx);
void sha256_update(struct sha256 *ctx, const void *data, size_t len);

/* The digest of all bytes so far; ctx is unchanged and can take more. */
void sha256_final(const struct sha256 *ctx, uint8_t out[SHA256_LEN]);

/* All three in one. */
void sha256(const void *data, size_t len, uint8_t out[SHA256_LEN]);

/* An HMAC key, worked into the two states that every HMAC starts from. */
struct id_key {
	uint32_t inner[8];
	uint32_t outer[8];
};

/* As secret as the key itself: wipe it with id_key_clear(). */
void id_key_init(struct id_key *k, const uint8_t key[ID_KEY_LEN]);
void id_key_clear(struct id_key *k);

/* One id to make: of len bytes at data, into out. */
struct id_job {
	const uint8_t *data;
	size_t len;
	uint8_t out[ID_LEN];
};

/*
 * Make the ids of n jobs: HMAC-SHA-256 under k, cut to 16 bytes.  Any number,
 * of any lengths, in any order; fastest with some
 * fifty or more at once, for then all lanes are full most of the time.
 */
void id_compute(const struct id_key *k, struct id_job *jobs, size_t n);

/* The codes that can do the work, the best first. */
enum sha256_code {
	SHA256_AVX512,   /* ids by sixteen streams; the last by the next */
	SHA256_SHANI_X3, /* x86 SHA extension, ids by three streams */
	SHA256_SHANI_X1, /* the same, one stream */
	SHA256_OPENSSL,  /* libcrypto's, on any processor */
};

#define SHA256_CODES 4

/* What is in use, for reports. */
enum sha256_code sha256_code(void);
const char *sha256_code_name(enum sha256_code code);

/*
 * For tests and measurements: use this code from now on.  False, and nothing
 * changed, when this processor can't.
 */
bool sha256_use(enum sha256_code code) ATTR_CHECKED;

#endif
