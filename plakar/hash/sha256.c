/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "plakar/hash/sha256.h"
#include "plakar/hash/sha256_internal.h"

#define LENGTH_LEN 8 /* of the bit count that ends the last block */

const uint32_t sha256_initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372,
	0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

const uint32_t sha256_constants[64] __attribute__((aligned(16))) = {
	0x428a2f98,
	0x71374491,
	0xb5c0fbcf,
	0xe9b5dba5,
	0x3956c25b,
	0x59f111f1,
	0x923f82a4,
	0xab1c5ed5,
	0xd807aa98,
	0x12835b01,
	0x243185be,
	0x550c7dc3,
	0x72be5d74,
	0x80deb1fe,
	0x9bdc06a7,
	0xc19bf174,
	0xe49b69c1,
	0xefbe4786,
	0x0fc19dc6,
	0x240ca1cc,
	0x2de92c6f,
	0x4a7484aa,
	0x5cb0a9dc,
	0x76f988da,
	0x983e5152,
	0xa831c66d,
	0xb00327c8,
	0xbf597fc7,
	0xc6e00bf3,
	0xd5a79147,
	0x06ca6351,
	0x14292967,
	0x27b70a85,
	0x2e1b2138,
	0x4d2c6dfc,
	0x53380d13,
	0x650a7354,
	0x766a0abb,
	0x81c2c92e,
	0x92722c85,
	0xa2bfe8a1,
	0xa81a664b,
	0xc24b8b70,
	0xc76c51a3,
	0xd192e819,
	0xd6990624,
	0xf40e3585,
	0x106aa070,
	0x19a4c116,
	0x1e376c08,
	0x2748774c,
	0x34b0bcb5,
	0x391c0cb3,
	0x4ed8aa4a,
	0x5b9cca4f,
	0x682e6ff3,
	0x748f82ee,
	0x78a5636f,
	0x84c87814,
	0x8cc70208,
	0x90befffa,
	0xa4506ceb,
	0xbef9a3f7,
	0xc67178f2,
};

void
sha256_init(struct sha256 *ctx)
{
	memcpy(ctx->state, sha256_initial, sizeof(ctx->state));
	ctx->len = 0;
}

void
sha256_update(struct sha256 *ctx, const void *data, size_t len)
{
	sha256_compress_cb compress = sha256_ops()->compress;
	size_t used = ctx->len % SHA256_BLOCK_LEN;
	const uint8_t *p = data;

	if (len == 0)
		return;
	ctx->len += len;
	if (used > 0) {
		size_t n = SHA256_BLOCK_LEN - used;

		if (n > len)
			n = len;
		memcpy(ctx->block + used, p, n);
		p += n;
		len -= n;
		if (used + n < SHA256_BLOCK_LEN)
			return;
		compress(ctx->state, ctx->block, 1);
	}
	if (len >= SHA256_BLOCK_LEN)
		compress(ctx->state, p, len / SHA256_BLOCK_LEN);
	memcpy(ctx->block, p + (len - len % SHA256_BLOCK_LEN),
	    len % SHA256_BLOCK_LEN);
}

void
sha256_final(const struct sha256 *ctx, uint8_t out[SHA256_LEN])
{
	uint8_t tail[2 * SHA256_BLOCK_LEN];
	uint32_t state[8];
	size_t n =
	    sha256_pad(tail, ctx->block, ctx->len % SHA256_BLOCK_LEN, ctx->len);

	memcpy(state, ctx->state, sizeof(state));
	sha256_ops()->compress(state, tail, n);
	sha256_put_words(state, out, SHA256_LEN);
}

void
sha256(const void *data, size_t len, uint8_t out[SHA256_LEN])
{
	struct sha256 ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, data, len);
	sha256_final(&ctx, out);
}

size_t
sha256_pad(uint8_t tail[2 * SHA256_BLOCK_LEN], const uint8_t *rest,
    size_t rest_len, uint64_t total)
{
	size_t n = rest_len + 1 + LENGTH_LEN <= SHA256_BLOCK_LEN ? 1 : 2;
	uint8_t *end = tail + n * SHA256_BLOCK_LEN;
	uint64_t bits = total * 8;

	if (rest_len > 0)
		memcpy(tail, rest, rest_len);
	tail[rest_len] = 0x80;
	memset(tail + rest_len + 1, 0,
	    (size_t)(end - tail) - LENGTH_LEN - rest_len - 1);
	for (int i = 1; i <= LENGTH_LEN; i++, bits >>= 8)
		end[-i] = (uint8_t)bits;
	return n;
}

void
sha256_put_words(const uint32_t state[8], uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}
