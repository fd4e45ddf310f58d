/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <sodium.h>
#include <string.h>

#include "lib/err.h"
#include "lib/wire.h"

#include "plakar/chunk/chunker.h"

/* Two bits harder and two bits easier than the average asks for. */
#define HARD_FACTOR 4
#define EASY_FACTOR 4

static bool
params_valid(const struct chunker_params *p)
{
	return p->min >= CHUNKER_WINDOW && p->min <= p->avg / 2 &&
	    p->avg < p->max && p->max <= CHUNKER_MAX &&
	    (p->avg & (p->avg - 1)) == 0;
}

int
chunker_init(struct chunker *c, const struct chunker_params *params,
    const uint8_t key[CHUNKER_KEY_LEN], struct err *e)
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	uint8_t table[sizeof(c->gear)];
	uint64_t average;

	if (!params_valid(params)) {
		err_set(e, ERR_LIMIT,
		    "chunk sizes %u/%u/%u: need %d <= minimum <= average / 2, "
		    "average < maximum <= %d, the average a power of two",
		    params->min, params->avg, params->max, CHUNKER_WINDOW,
		    CHUNKER_MAX);
		return -1;
	}
	c->params = *params;
	c->turn = params->avg - params->min / 2;
	average = (UINT64_C(1) << 63) / (params->avg / 2);
	c->hard = average / HARD_FACTOR;
	c->easy = average * EASY_FACTOR;
	crypto_stream_chacha20(table, sizeof(table), nonce, key);
	for (size_t i = 0; i < 256; i++)
		c->gear[i] = wire_load64(table + 8 * i);
	sodium_memzero(table, sizeof(table));
	return 0;
}

void
chunker_clear(struct chunker *c)
{
	sodium_memzero(c, sizeof(*c));
}

/*
 * The first place from "from" on and before "to" whose hash is below limit,
 * or 0.  *hash is that of the place before, on return of the last one seen.
 * Two bytes a step: what the pair adds is worked out beside the hash, so that
 * one step waits for the one before only by a shift and an addition.
 */
static size_t
scan(const struct chunker *c, const uint8_t *data, size_t from, size_t to,
    uint64_t limit, uint64_t *hash)
{
	uint64_t h = *hash;
	size_t i = from;

	for (; i + 1 < to; i += 2) {
		uint64_t a = c->gear[data[i - 1]];
		uint64_t b = c->gear[data[i]];
		uint64_t first = (h << 1) + a;

		h = (h << 2) + ((a << 1) + b);
		if (first < limit)
			return i;
		if (h < limit)
			return i + 1;
	}
	if (i < to) {
		h = (h << 1) + c->gear[data[i - 1]];
		if (h < limit)
			return i;
	}
	*hash = h;
	return 0;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
chunker_cut(const struct chunker *c, const uint8_t *data, size_t len, bool last)
{
	size_t min = c->params.min, max = c->params.max;
	uint64_t hash = 0;
	size_t at;

	if (len < min)
		return last ? len : 0;
	for (size_t i = min - CHUNKER_WINDOW; i < min - 1; i++)
		hash = (hash << 1) + c->gear[data[i]];
	at = scan(c, data, min, smaller(c->turn, len + 1), c->hard, &hash);
	if (at == 0 && len >= c->turn)
		at = scan(
		    c, data, c->turn, smaller(max, len + 1), c->easy, &hash);
	if (at > 0)
		return at;
	if (len >= max)
		return max;
	return last ? len : 0;
}
