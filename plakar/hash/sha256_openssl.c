/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * SHA-256 by libcrypto, which has good code for every processor.
 *
 * This uses the old low-level interface on purpose: it is the only one whose
 * state is plain memory, so that a digest can be copied by assignment, and an
 * HMAC can start from a state made once.  Given whole blocks, it neither
 * buffers nor pads.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <string.h>

#include "plakar/hash/sha256_internal.h"

void
sha256_compress_openssl(uint32_t state[8], const uint8_t *blocks, size_t n)
{
	SHA256_CTX ctx = { .md_len = SHA256_DIGEST_LENGTH };

	memcpy(ctx.h, state, sizeof(ctx.h));
	SHA256_Update(&ctx, blocks, n * SHA256_CBLOCK);
	memcpy(state, ctx.h, sizeof(ctx.h));
}
