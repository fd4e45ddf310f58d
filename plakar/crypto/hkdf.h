/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * hkdf: keys made from a secret, and the MAC of things that are not chunks.
 *
 * Errors:  ERR_SYSTEM when the library refuses.
 * Threads: no state.
 * Source:  RFC 5869 with SHA-256; doc/formats/plakar-repository.md, section 2.
 */
#ifndef PLAKAR_CRYPTO_HKDF_H
#define PLAKAR_CRYPTO_HKDF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define HKDF_OUT_MAX    (255 * 32)
#define HMAC_SHA256_LEN 32

struct err;

/* Bytes in, borrowed. */
struct hkdf_input {
	const void *secret; /* may be NULL when secret_len is 0 */
	size_t secret_len;
	const uint8_t *salt;
	size_t salt_len;
};

/* out_len bytes, at most HKDF_OUT_MAX, for this use of the secret. */
int hkdf_sha256(const struct hkdf_input *in, const char *info, uint8_t *out,
    size_t out_len, struct err *e) ATTR_CHECKED;

/* HMAC-SHA-256 of len bytes at data. */
void hmac_sha256(const uint8_t key[32], const void *data, size_t len,
    uint8_t out[HMAC_SHA256_LEN]);

#endif
