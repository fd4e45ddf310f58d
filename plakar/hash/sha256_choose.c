/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Which code does the hashing on this processor: the best one that it has
 * and that gives the right answer to a known question.
 */
#include <stdatomic.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "plakar/hash/sha256.h"
#include "plakar/hash/sha256_internal.h"

#ifdef __x86_64__
static bool
shani_present(void)
{
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSSE3) == 0 ||
	    (c & bit_SSE4_1) == 0)
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
	    (b & bit_SHA) != 0;
}

/* Both: the few streams that remain go through the SHA extension. */
static bool
avx512_present(void)
{
	return shani_present() && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw");
}
#endif

static bool
always_present(void)
{
	return true;
}

static const struct sha256_code_ops codes[SHA256_CODES] = {
	[SHA256_AVX512] = {
	    .name = "AVX-512, sixteen streams",
#ifdef __x86_64__
	    .present = avx512_present,
	    .compress = sha256_compress_shani,
	    .compress3 = sha256_compress3_shani,
	    .compress16 = sha256_compress16_avx512,
#endif
	},
	[SHA256_SHANI_X3] = {
	    .name = "SHA-NI, three streams",
#ifdef __x86_64__
	    .present = shani_present,
	    .compress = sha256_compress_shani,
	    .compress3 = sha256_compress3_shani,
#endif
	},
	[SHA256_SHANI_X1] = {
	    .name = "SHA-NI, one stream",
#ifdef __x86_64__
	    .present = shani_present,
	    .compress = sha256_compress_shani,
#endif
	},
	[SHA256_OPENSSL] = {
	    .name = "OpenSSL",
	    .present = always_present,
	    .compress = sha256_compress_openssl,
	},
};

static _Atomic(const struct sha256_code_ops *) chosen;

/* Whether streams done together all come out right. */
static bool
many_work(sha256_compress_many_cb compress, const uint8_t *block,
    const uint32_t expected[8], int n)
{
	uint32_t states[SHA256_WIDE][8];
	uint32_t *lanes[SHA256_WIDE];
	const uint8_t *blocks[SHA256_WIDE];

	for (int i = 0; i < n; i++) {
		memcpy(states[i], sha256_initial, sizeof(states[i]));
		lanes[i] = states[i];
		blocks[i] = block;
	}
	compress(lanes, blocks, 1);
	for (int i = 0; i < n; i++) {
		if (memcmp(states[i], expected, sizeof(states[i])) != 0)
			return false;
	}
	return true;
}

/* Whether c can be used here: does it compress a block of zeros right? */
static bool
works(const struct sha256_code_ops *c)
{
	static const uint32_t expected[8] = { 0xda5698be, 0x17b9b469,
		0x62335799, 0x779fbeca, 0x8ce5d491, 0xc0d26243, 0xbafef9ea,
		0x1837a9d8 };
	static const uint8_t zeros[SHA256_BLOCK_LEN];
	uint32_t state[8];

	if (c->present == NULL || !c->present())
		return false;
	memcpy(state, sha256_initial, sizeof(state));
	c->compress(state, zeros, 1);
	if (memcmp(state, expected, sizeof(state)) != 0)
		return false;
	if (c->compress3 != NULL &&
	    !many_work(c->compress3, zeros, expected, SHA256_LANES))
		return false;
	return c->compress16 == NULL ||
	    many_work(c->compress16, zeros, expected, SHA256_WIDE);
}

const struct sha256_code_ops *
sha256_ops(void)
{
	const struct sha256_code_ops *c =
	    atomic_load_explicit(&chosen, memory_order_relaxed);

	if (c != NULL)
		return c;
	/* Two threads may both choose: they choose the same. */
	for (int i = 0; c == NULL; i++) {
		if (i == SHA256_CODES - 1 || works(&codes[i]))
			c = &codes[i];
	}
	atomic_store_explicit(&chosen, c, memory_order_relaxed);
	return c;
}

enum sha256_code
sha256_code(void)
{
	return (enum sha256_code)(sha256_ops() - codes);
}

const char *
sha256_code_name(enum sha256_code code)
{
	return codes[code].name;
}

bool
sha256_use(enum sha256_code code)
{
	if (!works(&codes[code]))
		return false;
	atomic_store(&chosen, &codes[code]);
	return true;
}
