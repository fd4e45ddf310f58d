/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * SHA-256 by the SHA extension of x86, one stream or three interleaved.
 *
 * Two rounds take four cycles from start to end, but the unit takes the next
 * two, of another stream, after three cycles or fewer: three streams keep it
 * busy.  How much that gives depends on the processor; micro_hash tells.
 *
 * This file has flags of its own in meson.build: -O3, for without unrolling a
 * third of the speed is lost; and never AVX, for the compiler would then use
 * VEX forms around instructions that only exist in the old encoding, and the
 * mixture runs a hundred times slower on some processors.
 */
#include <immintrin.h>

#include "plakar/hash/sha256_internal.h"

#define ROUND_GROUPS 16 /* of four rounds */

struct lane {
	__m128i abef, cdgh;
	__m128i w[4]; /* the last 16 words of the message schedule */
};

/* From the words a..h to the order that the instructions want. */
static inline void
lane_load(struct lane *l, const uint32_t state[8])
{
	__m128i abcd = _mm_loadu_si128((const __m128i *)(const void *)state);
	__m128i efgh =
	    _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
	__m128i cdab = _mm_shuffle_epi32(abcd, 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(efgh, 0x1b);

	l->abef = _mm_alignr_epi8(cdab, hgfe, 8);
	l->cdgh = _mm_blend_epi16(hgfe, cdab, 0xf0);
}

static inline void
lane_store(const struct lane *l, uint32_t state[8])
{
	__m128i feba = _mm_shuffle_epi32(l->abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);

	_mm_storeu_si128(
	    (__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128(
	    (__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Rounds 4g to 4g + 3 of the block at p. */
static inline __attribute__((always_inline)) void
lane_rounds(struct lane *l, const uint8_t *p, int g)
{
	const __m128i swap =
	    _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i *w = &l->w[g % 4];
	__m128i k;

	if (g < 4)
		*w = _mm_shuffle_epi8(
		    _mm_loadu_si128((const __m128i *)(const void *)p + g),
		    swap);
	else
		*w = _mm_sha256msg2_epu32(
		    _mm_add_epi32(_mm_sha256msg1_epu32(*w, l->w[(g + 1) % 4]),
			_mm_alignr_epi8(
			    l->w[(g + 3) % 4], l->w[(g + 2) % 4], 4)),
		    l->w[(g + 3) % 4]);
	k = _mm_add_epi32(*w,
	    _mm_load_si128(
		(const __m128i *)(const void *)&sha256_constants[4 * g]));
	l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, k);
	l->abef =
	    _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(k, 0x0e));
}

void
sha256_compress_shani(uint32_t state[8], const uint8_t *blocks, size_t n)
{
	struct lane l;

	lane_load(&l, state);
	for (; n > 0; n--, blocks += 64) {
		__m128i abef = l.abef, cdgh = l.cdgh;

#pragma GCC unroll 16
		for (int g = 0; g < ROUND_GROUPS; g++)
			lane_rounds(&l, blocks, g);
		l.abef = _mm_add_epi32(l.abef, abef);
		l.cdgh = _mm_add_epi32(l.cdgh, cdgh);
	}
	lane_store(&l, state);
}

void
sha256_compress3_shani(
    uint32_t *const *states, const uint8_t *const *blocks, size_t n)
{
	const uint8_t *p0 = blocks[0], *p1 = blocks[1], *p2 = blocks[2];
	struct lane l0, l1, l2;

	lane_load(&l0, states[0]);
	lane_load(&l1, states[1]);
	lane_load(&l2, states[2]);
	for (; n > 0; n--, p0 += 64, p1 += 64, p2 += 64) {
		const struct lane s0 = l0, s1 = l1, s2 = l2;

#pragma GCC unroll 16
		for (int g = 0; g < ROUND_GROUPS; g++) {
			lane_rounds(&l0, p0, g);
			lane_rounds(&l1, p1, g);
			lane_rounds(&l2, p2, g);
		}
		l0.abef = _mm_add_epi32(l0.abef, s0.abef);
		l0.cdgh = _mm_add_epi32(l0.cdgh, s0.cdgh);
		l1.abef = _mm_add_epi32(l1.abef, s1.abef);
		l1.cdgh = _mm_add_epi32(l1.cdgh, s1.cdgh);
		l2.abef = _mm_add_epi32(l2.abef, s2.abef);
		l2.cdgh = _mm_add_epi32(l2.cdgh, s2.cdgh);
	}
	lane_store(&l0, states[0]);
	lane_store(&l1, states[1]);
	lane_store(&l2, states[2]);
}
