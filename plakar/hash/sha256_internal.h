/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sha256_internal: the compression functions behind sha256.h.
 *
 * Each takes n whole blocks of 64 bytes.  The SHA-NI ones are compiled in a
 * file of their own with flags of their own, and must only be called where
 * the processor has the extension.
 */
#ifndef PLAKAR_HASH_SHA256_INTERNAL_H
#define PLAKAR_HASH_SHA256_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "plakar/hash/sha256.h"

#define SHA256_LANES 3

/* state, then n blocks: the new state. */
typedef void (*sha256_compress_cb)(
    uint32_t state[8], const uint8_t *blocks, size_t n);

/* The same for three independent streams, n blocks of each. */
typedef void (*sha256_compress3_cb)(uint32_t *const states[SHA256_LANES],
    const uint8_t *const blocks[SHA256_LANES], size_t n);

/* The eight words that every digest starts from. */
extern const uint32_t sha256_initial[8];

void sha256_compress_openssl(
    uint32_t state[8], const uint8_t *blocks, size_t n);
void sha256_compress_shani(uint32_t state[8], const uint8_t *blocks, size_t n);
void sha256_compress3_shani(uint32_t *const states[SHA256_LANES],
    const uint8_t *const blocks[SHA256_LANES], size_t n);

/*
 * The padded end of a message of total bytes whose last rest_len bytes, less
 * than a block, stand at rest: one block or two, the result says.
 */
size_t sha256_pad(uint8_t tail[2 * SHA256_BLOCK_LEN], const uint8_t *rest,
    size_t rest_len, uint64_t total);

/* The first len bytes of the digest that state is. */
void sha256_put_words(const uint32_t state[8], uint8_t *out, size_t len);

/* What is in use; compress3 is NULL when one stream is all there is. */
sha256_compress_cb sha256_compress(void);
sha256_compress3_cb sha256_compress3(void);

#endif
