/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "plakar/hash/sha256.h"
#include "plakar/hash/sha256_internal.h"

#define LENGTH_LEN 8 /* of the bit count that ends the last block */

const uint32_t sha256_initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372,
	0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

void
sha256_init(struct sha256 *ctx)
{
	memcpy(ctx->state, sha256_initial, sizeof(ctx->state));
	ctx->len = 0;
}

void
sha256_update(struct sha256 *ctx, const void *data, size_t len)
{
	sha256_compress_cb compress = sha256_compress();
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
	sha256_compress()(state, tail, n);
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
