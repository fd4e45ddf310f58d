/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as an index segment: what is accepted is the same when it is
 * written again, in order, and names only what stands in its table.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/pack.h"
#include "plakar/format/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct segment seg;
	struct buf out = { 0 };
	struct err e;

	if (segment_decode(data, len, &seg, &e) == -1)
		return 0;
	for (size_t i = 0; i < seg.rows_count; i++) {
		const struct segment_row *row = &seg.rows[i];

		assert(row->pack < seg.packs_count);
		assert(row->block < seg.packs[row->pack].blocks);
		assert(
		    i == 0 || memcmp(&row[-1].id, &row->id, CHUNK_ID_LEN) <= 0);
	}
	for (size_t i = 0; i < seg.packs_count; i++) {
		const struct segment_pack *pack = &seg.packs[i];

		assert(pack->size <= PACK_LEN_MAX);
		for (uint32_t j = 1; j <= pack->blocks; j++)
			assert(pack->offsets[j - 1] < pack->offsets[j]);
		assert(pack->offsets[pack->blocks] < pack->size);
	}
	segment_encode(&seg, &out);
	assert(out.len == len && memcmp(out.data, data, len) == 0);
	buf_free(&out);
	segment_free(&seg);
	return 0;
}
