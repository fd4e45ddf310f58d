/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as the parts of a pack.  The first byte chooses the part; what
 * is accepted is the same when it is written again, the chunks of a block
 * fill it, and a trailer points into its pack.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_block(const uint8_t *data, size_t len, enum chunk_class class)
{
	struct block_view view;
	struct block_iter it = { 0 };
	struct block_chunk chunk;
	const uint8_t *end = data + len;
	size_t total = 0, count = 0;
	struct err e;

	if (block_view_open(&view, data, len, class, &e) == -1)
		return;
	while (block_view_next(&view, &it, &chunk)) {
		assert(it.slot == count && chunk_class_of(chunk.kind) == class);
		assert(chunk.data + chunk.len <= end);
		assert(chunk.len > 0);
		count++;
		total += chunk.len;
	}
	assert(count == view.count && count <= BLOCK_CHUNKS_MAX);
	assert(total <= BLOCK_PAYLOAD_MAX && 4 + 4 * count + total == len);
}

static void
check_heads(const uint8_t *data, size_t len)
{
	uint8_t out[PACK_ROW_LEN];
	struct pack_head head;
	struct pack_row row;
	struct block_head block;
	struct err e;

	if (len >= PACK_HEAD_LEN && pack_head_decode(data, &head, &e) == 0) {
		pack_head_encode(&head, out);
		assert(memcmp(out, data, PACK_HEAD_LEN) == 0);
		assert(pack_body_offset(head.rows) < PACK_LEN_MAX);
	}
	if (len >= PACK_ROW_LEN && pack_row_decode(data, &row, &e) == 0) {
		pack_row_encode(&row, out);
		assert(memcmp(out, data, PACK_ROW_LEN) == 0);
	}
	if (len >= BLOCK_HEAD_LEN && block_head_decode(data, &block, &e) == 0) {
		block_head_encode(&block, out);
		assert(memcmp(out, data, BLOCK_HEAD_LEN) == 0);
	}
}

/* The last bytes of a pack of len bytes. */
static void
check_trailer(const uint8_t *data, size_t len)
{
	uint8_t out[PACK_TRAILER_LEN];
	const uint8_t *tail;
	struct pack_trailer t;
	struct err e;

	if (len < PACK_TRAILER_LEN)
		return;
	tail = data + len - PACK_TRAILER_LEN;
	if (pack_trailer_decode(tail, len, &t, &e) == -1)
		return;
	assert(t.toc_offset >= pack_body_offset(1));
	assert((uint64_t)t.toc_offset + t.padding + BLOCK_HEAD_LEN +
		BLOCK_TAG_LEN + PACK_TRAILER_LEN <=
	    len);
	pack_trailer_encode(&t, out);
	assert(memcmp(out, tail, PACK_TRAILER_LEN) == 0);
}

struct table {
	struct buf toc;
	uint32_t blocks;
};

static int
copy_block(
    void *ctx, uint32_t len, const uint8_t *ids, uint16_t count, struct err *e)
{
	struct table *table = ctx;

	(void)e;
	assert(len > 0 && count > 0 && count <= BLOCK_CHUNKS_MAX);
	pack_toc_add(&table->toc, len, (const void *)ids, count);
	table->blocks++;
	return 0;
}

static void
check_toc(const uint8_t *data, size_t len)
{
	struct table table = { 0 };
	struct buf out = { 0 };
	struct err e;

	if (pack_toc_each(data, len, copy_block, &table, &e) == 0) {
		assert(table.blocks <= PACK_BLOCKS_MAX);
		pack_toc_finish(&table.toc, table.blocks, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	buf_free(&table.toc);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	switch (data[0]) {
	case 'd':
		check_block(data + 1, len - 1, CLASS_DATA);
		break;
	case 'm':
		check_block(data + 1, len - 1, CLASS_METADATA);
		break;
	case 'h':
		check_heads(data + 1, len - 1);
		break;
	case 't':
		check_trailer(data + 1, len - 1);
		break;
	case 'c':
		check_toc(data + 1, len - 1);
		break;
	default:
		break;
	}
	return 0;
}
