/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * SHA-256 of sixteen streams at once, one in each 32-bit part of the vectors
 * of AVX-512.
 *
 * The SHA extension is made for one stream; plain rotations and additions on
 * sixteen do more bytes a cycle, once there are sixteen streams to be had.
 * This file has flags of its own in meson.build, and nothing in it may be
 * inlined elsewhere.
 */
#include <immintrin.h>

#include "plakar/hash/sha256_internal.h"

#define ROUNDS 64
#define WORDS  16 /* in a block; and lanes: the square that is transposed */

static inline __attribute__((always_inline)) __m512i
add(__m512i a, __m512i b)
{
	return _mm512_add_epi32(a, b);
}

/* a ^ b ^ c */
static inline __attribute__((always_inline)) __m512i
xor3(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

/* The functions of FIPS 180-4, section 4.1.2. */
static inline __attribute__((always_inline)) __m512i
big_sigma0(__m512i x)
{
	return xor3(_mm512_ror_epi32(x, 2), _mm512_ror_epi32(x, 13),
	    _mm512_ror_epi32(x, 22));
}

static inline __attribute__((always_inline)) __m512i
big_sigma1(__m512i x)
{
	return xor3(_mm512_ror_epi32(x, 6), _mm512_ror_epi32(x, 11),
	    _mm512_ror_epi32(x, 25));
}

static inline __attribute__((always_inline)) __m512i
small_sigma0(__m512i x)
{
	return xor3(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18),
	    _mm512_srli_epi32(x, 3));
}

static inline __attribute__((always_inline)) __m512i
small_sigma1(__m512i x)
{
	return xor3(_mm512_ror_epi32(x, 17), _mm512_ror_epi32(x, 19),
	    _mm512_srli_epi32(x, 10));
}

/* Turn rows into columns: word i of row j becomes word j of row i. */
static inline __attribute__((always_inline)) void
transpose(__m512i r[WORDS])
{
	__m512i t[WORDS];

	/* Pairs of words, then of pairs, within each quarter of a row. */
#pragma GCC unroll 8
	for (int i = 0; i < WORDS; i += 2) {
		t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < WORDS; i += 4) {
		r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	/* Then the quarters. */
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
		t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
		t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
		t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
		r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
		r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
		r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
	}
}

/* The next block of each lane, as words of the schedule. */
static inline __attribute__((always_inline)) void
load_blocks(const uint8_t *const *blocks, size_t at, __m512i w[WORDS])
{
	const __m512i swap =
	    _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);

#pragma GCC unroll 16
	for (int i = 0; i < SHA256_WIDE; i++)
		w[i] = _mm512_shuffle_epi8(
		    _mm512_loadu_si512(blocks[i] + at), swap);
	transpose(w);
}

/* s: a to h; round i takes w[i % 16], made anew from round 16 on. */
static inline __attribute__((always_inline)) void
round_of(__m512i s[8], __m512i w[WORDS], int i)
{
	__m512i *a = &s[(64 - i) % 8], *b = &s[(65 - i) % 8];
	__m512i *c = &s[(66 - i) % 8], *d = &s[(67 - i) % 8];
	__m512i *e = &s[(68 - i) % 8], *f = &s[(69 - i) % 8];
	__m512i *g = &s[(70 - i) % 8], *h = &s[(71 - i) % 8];
	__m512i *next = &w[i % 16];
	__m512i t;

	if (i >= 16)
		*next = add(add(*next, small_sigma0(w[(i + 1) % 16])),
		    add(w[(i + 9) % 16], small_sigma1(w[(i + 14) % 16])));
	/* 0xca: choose; 0xe8: majority. */
	t = add(add(*h, *next), _mm512_set1_epi32((int)sha256_constants[i]));
	t = add(t, _mm512_ternarylogic_epi32(*e, *f, *g, 0xca));
	t = add(t, big_sigma1(*e));
	*d = add(*d, t);
	t = add(t, _mm512_ternarylogic_epi32(*a, *b, *c, 0xe8));
	*h = add(t, big_sigma0(*a));
}

void
sha256_compress16_avx512(
    uint32_t *const *states, const uint8_t *const *blocks, size_t n)
{
	__m512i rows[WORDS], s[8];

	for (int i = 0; i < SHA256_WIDE; i++)
		rows[i] = _mm512_castsi256_si512(_mm256_loadu_si256(
		    (const __m256i *)(const void *)states[i]));
	transpose(rows);
	for (int i = 0; i < 8; i++)
		s[i] = rows[i];
	for (size_t at = 0; at < n * SHA256_BLOCK_LEN; at += SHA256_BLOCK_LEN) {
		__m512i w[WORDS], old[8];

		for (int i = 0; i < 8; i++)
			old[i] = s[i];
		load_blocks(blocks, at, w);
#pragma GCC unroll 64
		for (int i = 0; i < ROUNDS; i++)
			round_of(s, w, i);
		for (int i = 0; i < 8; i++)
			s[i] = add(s[i], old[i]);
	}
	for (int i = 0; i < 8; i++)
		rows[i] = rows[i + 8] = s[i];
	transpose(rows);
	for (int i = 0; i < SHA256_WIDE; i++)
		_mm256_storeu_si256((__m256i *)(void *)states[i],
		    _mm512_castsi512_si256(rows[i]));
}
