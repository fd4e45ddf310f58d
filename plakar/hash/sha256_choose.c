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

struct code {
	const char *name;
	bool (*present)(void);
	sha256_compress_cb compress;
	sha256_compress3_cb compress3;
};

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
#endif

static bool
always_present(void)
{
	return true;
}

static const struct code codes[SHA256_CODES] = {
#ifdef __x86_64__
	[SHA256_SHANI_X3] = { "SHA-NI, three streams", shani_present,
	    sha256_compress_shani, sha256_compress3_shani },
	[SHA256_SHANI_X1] = { "SHA-NI, one stream", shani_present,
	    sha256_compress_shani, NULL },
#else
	[SHA256_SHANI_X3] = { "SHA-NI, three streams", NULL, NULL, NULL },
	[SHA256_SHANI_X1] = { "SHA-NI, one stream", NULL, NULL, NULL },
#endif
	[SHA256_OPENSSL] = { "OpenSSL", always_present, sha256_compress_openssl,
	    NULL },
};

static _Atomic(const struct code *) chosen;

/* Whether c can be used here: does it compress a block of zeros right? */
static bool
works(const struct code *c)
{
	static const uint32_t expected[8] = { 0xda5698be, 0x17b9b469,
		0x62335799, 0x779fbeca, 0x8ce5d491, 0xc0d26243, 0xbafef9ea,
		0x1837a9d8 };
	static const uint8_t zeros[SHA256_BLOCK_LEN];
	uint32_t states[SHA256_LANES][8];
	uint32_t *const lanes[SHA256_LANES] = { states[0], states[1],
		states[2] };
	const uint8_t *const blocks[SHA256_LANES] = { zeros, zeros, zeros };

	if (c->present == NULL || !c->present())
		return false;
	for (int i = 0; i < SHA256_LANES; i++)
		memcpy(states[i], sha256_initial, sizeof(states[i]));
	if (c->compress3 != NULL) {
		c->compress3(lanes, blocks, 1);
		for (int i = 0; i < SHA256_LANES; i++) {
			if (memcmp(states[i], expected, sizeof(expected)) != 0)
				return false;
		}
		memcpy(states[0], sha256_initial, sizeof(states[0]));
	}
	c->compress(states[0], zeros, 1);
	return memcmp(states[0], expected, sizeof(expected)) == 0;
}

static const struct code *
choice(void)
{
	const struct code *c =
	    atomic_load_explicit(&chosen, memory_order_relaxed);

	/* Two threads may both choose: they choose the same. */
	for (int i = 0; c == NULL; i++) {
		if (i == SHA256_CODES - 1 || works(&codes[i]))
			c = &codes[i];
	}
	atomic_store_explicit(&chosen, c, memory_order_relaxed);
	return c;
}

sha256_compress_cb
sha256_compress(void)
{
	return choice()->compress;
}

sha256_compress3_cb
sha256_compress3(void)
{
	return choice()->compress3;
}

enum sha256_code
sha256_code(void)
{
	return (enum sha256_code)(choice() - codes);
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
