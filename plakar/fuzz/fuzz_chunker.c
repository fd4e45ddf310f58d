/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The chunker over any bytes: chunks concatenate to the input, lie within
 * the bounds, are where the definition has them, and don't depend on what is
 * handed in with them.
 *
 * Input: minimum u8, average u8 (powers of two), key u8, then the data.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/err.h"

#include "plakar/chunk/chunker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* One byte a step. */
static size_t
reference_cut(const struct chunker *c, const uint8_t *data, size_t len)
{
	size_t end = len < c->params.max ? len : c->params.max;
	uint64_t hash = 0;

	for (size_t i = c->params.min - CHUNKER_WINDOW; i < end; i++) {
		if (i >= c->params.min &&
		    hash < (i < c->turn ? c->hard : c->easy))
			return i;
		hash = (hash << 1) + c->gear[data[i]];
	}
	return end;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct chunker_params params;
	uint8_t key[CHUNKER_KEY_LEN] = { 0 };
	struct chunker c;
	struct err e;

	if (len < 3)
		return 0;
	params.min = CHUNKER_WINDOW + data[0];
	params.avg = UINT32_C(128) << data[1] % 4;
	params.max = params.avg + 1 + data[1];
	key[0] = data[2];
	data += 3;
	len -= 3;
	if (chunker_init(&c, &params, key, &e) == -1) {
		require(params.min > params.avg / 2);
		return 0;
	}
	while (len > 0) {
		size_t n = chunker_cut(&c, data, len, true);

		require(n == reference_cut(&c, data, len));
		require(n <= len && n <= params.max);
		require(n >= params.min || n == len);
		require(chunker_cut(&c, data, n, true) == n);
		if (n < len)
			require(chunker_cut(&c, data, n, false) == n);
		data += n;
		len -= n;
	}
	return 0;
}
