/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * aead: bytes sealed so that without the key they can't be read, and can't
 * be changed unnoticed.
 *
 * A struct aead keeps the key schedule, so sealing many pieces under one key
 * costs no set-up for each.
 *
 * Shape:   sealed bytes are as many as the plain ones, then a tag of 16.  The
 *          nonce is a number as u64 little-endian, then four zero bytes; who
 *          seals must never use a number twice under one key.
 * Limits:  AEAD_LEN_MAX bytes at a time.
 * Errors:  ERR_CORRUPT: the bytes, the associated data, the number or the key
 *          are not those of the sealing.  ERR_SYSTEM: the library refuses.
 * Threads: one thread at a time for each struct aead.
 * Source:  doc/formats/plakar-repository.md, section 2; NIST SP 800-38D,
 *          RFC 8439.
 */
#ifndef PLAKAR_CRYPTO_AEAD_H
#define PLAKAR_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define AEAD_KEY_LEN 32
#define AEAD_TAG_LEN 16
#define AEAD_LEN_MAX (1u << 30)

struct err;
struct aead;

/* As written in config. */
enum aead_alg {
	AEAD_AES256_GCM = 1,
	AEAD_CHACHA20_POLY1305 = 2,
};

/* The faster one on this processor. */
enum aead_alg aead_best(void);

/* Owned by the caller; NULL on failure.  The key is copied. */
struct aead *aead_new(enum aead_alg alg, const uint8_t key[AEAD_KEY_LEN],
    struct err *e) ATTR_CHECKED;
void aead_free(struct aead *a);

/*
 * Seal len bytes at in, and vouch for the ad_len bytes at ad.  out gets
 * len + AEAD_TAG_LEN bytes; it may be in itself, else must not overlap it.
 */
int aead_seal(struct aead *a, uint64_t number, const void *ad, size_t ad_len,
    const void *in, size_t len, void *out, struct err *e) ATTR_CHECKED;

/*
 * Open len bytes at in, tag included.  out gets len - AEAD_TAG_LEN bytes,
 * meaningless (wiped) on failure; it may be in itself.
 */
int aead_open(struct aead *a, uint64_t number, const void *ad, size_t ad_len,
    const void *in, size_t len, void *out, struct err *e) ATTR_CHECKED;

#endif
