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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plakar/hash/sha256.h"

#define SHA256_LANES 3
#define SHA256_WIDE  16

/* state, then n blocks: the new state. */
typedef void (*sha256_compress_cb)(
    uint32_t state[8], const uint8_t *blocks, size_t n);

/* The same for several independent streams, n blocks of each. */
typedef void (*sha256_compress_many_cb)(
    uint32_t *const *states, const uint8_t *const *blocks, size_t n);

/* The eight words that every digest starts from. */
extern const uint32_t sha256_initial[8];

/* The constants of the rounds. */
extern const uint32_t sha256_constants[64];

void sha256_compress_openssl(
    uint32_t state[8], const uint8_t *blocks, size_t n);
void sha256_compress_shani(uint32_t state[8], const uint8_t *blocks, size_t n);
void sha256_compress3_shani(
    uint32_t *const *states, const uint8_t *const *blocks, size_t n);
void sha256_compress16_avx512(
    uint32_t *const *states, const uint8_t *const *blocks, size_t n);

/*
 * The padded end of a message of total bytes whose last rest_len bytes, less
 * than a block, stand at rest: one block or two, the result says.
 */
size_t sha256_pad(uint8_t tail[2 * SHA256_BLOCK_LEN], const uint8_t *rest,
    size_t rest_len, uint64_t total);

/* The first len bytes of the digest that state is. */
void sha256_put_words(const uint32_t state[8], uint8_t *out, size_t len);

/*
 * One way to do the work.  Where compress16 is used, few streams may remain:
 * they go through the other two.
 */
struct sha256_code_ops {
	const char *name;
	bool (*present)(void); /* NULL: not in this build */
	sha256_compress_cb compress;
	sha256_compress_many_cb compress3;  /* SHA256_LANES streams, or NULL */
	sha256_compress_many_cb compress16; /* SHA256_WIDE streams, or NULL */
};

/* What is in use. */
const struct sha256_code_ops *sha256_ops(void);

#endif
