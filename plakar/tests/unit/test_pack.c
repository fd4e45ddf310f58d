/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/wire.h"

#include "plakar/format/pack.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* A block's plaintext: the words, then len bytes of chunks. */
static void
make_block(struct buf *out, const uint32_t *words, uint32_t count, size_t len)
{
	buf_reset(out);
	wire_put_u32(out, count);
	for (uint32_t i = 0; i < count; i++)
		wire_put_u32(out, words[i]);
	buf_add_zero(out, len);
}

static uint32_t
word(enum chunk_kind kind, uint32_t len)
{
	return (uint32_t)kind << BLOCK_KIND_SHIFT | len;
}

static void
fullest_block_is_read(void **state)
{
	uint32_t *words = calloc(BLOCK_CHUNKS_MAX, sizeof(*words));
	struct block_iter it = { 0 };
	struct block_chunk chunk;
	struct block_view view;
	struct buf raw = { 0 };
	size_t total = 0;
	struct err e;

	(void)state;
	assert_non_null(words);
	for (size_t i = 0; i < BLOCK_CHUNKS_MAX; i++)
		words[i] = word(
		    CHUNK_TREE + i % 3, BLOCK_PAYLOAD_MAX / BLOCK_CHUNKS_MAX);
	make_block(&raw, words, BLOCK_CHUNKS_MAX, BLOCK_PAYLOAD_MAX);
	assert_int_equal(raw.len, BLOCK_RAW_MAX);
	assert_int_equal(
	    block_view_open(&view, raw.data, raw.len, CLASS_METADATA, &e), 0);
	while (block_view_next(&view, &it, &chunk)) {
		assert_int_equal(chunk.kind, CHUNK_TREE + it.slot % 3);
		total += chunk.len;
	}
	assert_int_equal(it.slot, BLOCK_CHUNKS_MAX - 1);
	assert_int_equal(total, BLOCK_PAYLOAD_MAX);
	assert_ptr_equal(chunk.data + chunk.len, raw.data + raw.len);
	free(words);
	buf_free(&raw);
}

static void
bad_blocks_are_refused(void **state)
{
	const struct {
		uint32_t count;
		uint32_t words[3];
		size_t len;
		enum chunk_class class;
	} bad[] = {
		{ 0, { 0 }, 0, CLASS_DATA },
		{ 1, { word(CHUNK_DATA, 5) }, 4, CLASS_DATA },
		{ 1, { word(CHUNK_DATA, 5) }, 6, CLASS_DATA },
		{ 1, { word(CHUNK_DATA, 5) }, 5, CLASS_METADATA },
		{ 1, { word(CHUNK_TREE, 5) }, 5, CLASS_DATA },
		{ 1, { word(0, 5) }, 5, CLASS_METADATA },
		{ 1, { word(CHUNK_XATTR + 1, 5) }, 5, CLASS_METADATA },
		{ 2, { word(CHUNK_DATA, 5), word(CHUNK_DATA, 0) }, 5,
		    CLASS_DATA },
		{ 1, { word(CHUNK_DATA, BLOCK_PAYLOAD_MAX + 1) },
		    BLOCK_PAYLOAD_MAX + 1, CLASS_DATA },
		{ 3,
		    { word(CHUNK_DATA, BLOCK_PAYLOAD_MAX),
			word(CHUNK_DATA, BLOCK_LEN_MASK), word(CHUNK_DATA, 1) },
		    10, CLASS_DATA },
	};
	struct block_view view;
	struct buf raw = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		make_block(&raw, bad[i].words, bad[i].count, bad[i].len);
		assert_int_equal(
		    block_view_open(&view, raw.data, raw.len, bad[i].class, &e),
		    -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	buf_reset(&raw);
	wire_put_u32(&raw, BLOCK_CHUNKS_MAX + 1);
	for (uint32_t i = 0; i <= BLOCK_CHUNKS_MAX; i++)
		wire_put_u32(&raw, word(CHUNK_DATA, 1));
	buf_add_zero(&raw, BLOCK_CHUNKS_MAX + 1);
	assert_int_equal(
	    block_view_open(&view, raw.data, raw.len, CLASS_DATA, &e), -1);
	for (size_t len = 0; len < 8; len++)
		assert_int_equal(
		    block_view_open(&view, raw.data, len, CLASS_DATA, &e), -1);
	buf_free(&raw);
}

static void
bad_block_heads_are_refused(void **state)
{
	static const struct block_head good[] = {
		{ .marker = BLOCK_CHUNKS,
		    .row = 0xffff,
		    .codec = CODEC_ZSTD,
		    .number = 7,
		    .len = BLOCK_RAW_MAX },
		{ .marker = BLOCK_TOC,
		    .number = PACK_TOC_NUMBER,
		    .len = BLOCK_RAW_MAX + 1 },
	};
	static const struct {
		size_t which, offset;
		uint8_t value;
	} bad[] = {
		{ 0, 0, 'x' }, /* marker */
		{ 0, 6, 2 },   /* codec */
		{ 0, 7, 1 },   /* zero */
		{ 0, 16, 1 },  /* zero */
		{ 0, 19, 1 },
		{ 0, 15, 1 }, /* length */
		{ 1, 15, 0x80 },
		{ 1, 4, 1 }, /* the table's row, codec, number */
		{ 1, 6, 1 },
		{ 1, 8, 0 },
	};
	uint8_t bytes[BLOCK_HEAD_LEN];
	struct block_head head;
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		block_head_encode(&good[i], bytes);
		assert_int_equal(block_head_decode(bytes, &head, &e), 0);
		assert_memory_equal(&head, &good[i], sizeof(head));
	}
	for (size_t i = 0; i < N(bad); i++) {
		block_head_encode(&good[bad[i].which], bytes);
		bytes[bad[i].offset] = bad[i].value;
		assert_int_equal(block_head_decode(bytes, &head, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	block_head_encode(&good[0], bytes);
	memset(bytes + 12, 0, 4);
	assert_int_equal(block_head_decode(bytes, &head, &e), -1);
}

static void
bad_pack_heads_are_refused(void **state)
{
	const struct pack_head good = { .class = CLASS_DATA,
		.rows = PACK_ROWS_MAX };
	static const struct {
		size_t offset;
		uint8_t value;
		enum err_kind kind;
	} bad[] = {
		{ 0, 'p', ERR_CORRUPT },
		{ 8, 0, ERR_UNSUPPORTED }, /* version */
		{ 8, 2, ERR_UNSUPPORTED }, { 9, 1, ERR_UNSUPPORTED },
		{ 10, 0, ERR_CORRUPT }, /* class */
		{ 10, 3, ERR_CORRUPT }, { 11, 1, ERR_CORRUPT },
		{ 12, 1, ERR_CORRUPT }, /* 4,097 rows */
		{ 13, 0, ERR_CORRUPT }, /* none */
	};
	uint8_t bytes[PACK_ROW_LEN] = { 0 };
	struct pack_head head;
	struct pack_row row;
	struct err e;

	(void)state;
	pack_head_encode(&good, bytes);
	assert_int_equal(pack_head_decode(bytes, &head, &e), 0);
	assert_int_equal(head.rows, PACK_ROWS_MAX);
	for (size_t i = 0; i < N(bad); i++) {
		pack_head_encode(&good, bytes);
		bytes[bad[i].offset] = bad[i].value;
		assert_int_equal(pack_head_decode(bytes, &head, &e), -1);
		assert_int_equal(e.kind, bad[i].kind);
	}
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(pack_row_decode(bytes, &row, &e), 0);
	bytes[3] = 1;
	assert_int_equal(pack_row_decode(bytes, &row, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
}

static void
trailer_points_into_its_pack(void **state)
{
	static const struct {
		uint32_t offset, padding;
		uint64_t pack_len;
		int rc;
	} cases[] = {
		{ 116, 0, 116 + 36 + 48, 0 },
		{ 115, 0, 116 + 36 + 48, -1 },
		{ 116, 0, 116 + 36 + 47, -1 },
		{ 116, 1, 116 + 36 + 48, -1 },
		{ 116, 1000, 116 + 36 + 48 + 1000, 0 },
		{ UINT32_MAX, UINT32_MAX, 300, -1 },
		{ 116, UINT32_MAX, 300, -1 },
	};
	uint8_t bytes[PACK_TRAILER_LEN];
	struct pack_trailer t = { .hash = "thirty-two bytes of a SHA-256.." };
	struct pack_trailer back;
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		t.toc_offset = cases[i].offset;
		t.padding = cases[i].padding;
		pack_trailer_encode(&t, bytes);
		assert_int_equal(
		    pack_trailer_decode(bytes, cases[i].pack_len, &back, &e),
		    cases[i].rc);
		if (cases[i].rc == 0)
			assert_memory_equal(&t, &back, sizeof(t));
	}
	bytes[PACK_TRAILER_LEN - 1] ^= 1;
	assert_int_equal(pack_trailer_decode(bytes, 1000, &back, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static int
count_block(
    void *ctx, uint32_t len, const uint8_t *ids, uint16_t count, struct err *e)
{
	size_t *chunks = ctx;

	(void)e;
	assert_true(len > 0 && ids != NULL);
	*chunks += count;
	return 0;
}

static int
each(const struct buf *toc, uint32_t blocks, size_t more, size_t *chunks)
{
	struct buf out = { 0 };
	struct err e;
	int rc;

	*chunks = 0;
	pack_toc_finish(toc, blocks, &out);
	buf_add_zero(&out, more);
	rc = pack_toc_each(out.data, out.len, count_block, chunks, &e);
	if (rc == -1)
		assert_int_equal(e.kind, ERR_CORRUPT);
	buf_free(&out);
	return rc;
}

static void
tables_are_held_to_the_limits(void **state)
{
	struct chunk_id *ids = calloc(BLOCK_CHUNKS_MAX + 1, sizeof(*ids));
	struct buf toc = { 0 };
	size_t chunks;

	(void)state;
	assert_non_null(ids);
	pack_toc_add(&toc, 1, ids, 1);
	pack_toc_add(&toc, BLOCK_RAW_MAX, ids, BLOCK_CHUNKS_MAX);
	assert_int_equal(each(&toc, 2, 0, &chunks), 0);
	assert_int_equal(chunks, 1 + BLOCK_CHUNKS_MAX);
	assert_int_equal(each(&toc, 2, 1, &chunks), -1);
	assert_int_equal(each(&toc, 3, 0, &chunks), -1);
	assert_int_equal(each(&toc, 1, 0, &chunks), -1);
	assert_int_equal(each(&toc, 0, 0, &chunks), -1);
	buf_reset(&toc);
	assert_int_equal(each(&toc, 0, 0, &chunks), -1);
	pack_toc_add(&toc, 0, ids, 1);
	assert_int_equal(each(&toc, 1, 0, &chunks), -1);
	buf_reset(&toc);
	pack_toc_add(&toc, BLOCK_RAW_MAX + 1, ids, 1);
	assert_int_equal(each(&toc, 1, 0, &chunks), -1);
	buf_reset(&toc);
	pack_toc_add(&toc, 1, ids, BLOCK_CHUNKS_MAX + 1);
	assert_int_equal(each(&toc, 1, 0, &chunks), -1);
	buf_reset(&toc);
	pack_toc_add(&toc, 1, ids, 0);
	assert_int_equal(each(&toc, 1, 0, &chunks), -1);
	buf_reset(&toc);
	for (uint32_t i = 0; i <= PACK_BLOCKS_MAX; i++)
		pack_toc_add(&toc, 1, ids, 1);
	assert_int_equal(each(&toc, PACK_BLOCKS_MAX + 1, 0, &chunks), -1);
	toc.len -= 6 + CHUNK_ID_LEN;
	assert_int_equal(each(&toc, PACK_BLOCKS_MAX, 0, &chunks), 0);
	assert_int_equal(chunks, PACK_BLOCKS_MAX);
	free(ids);
	buf_free(&toc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fullest_block_is_read),
		cmocka_unit_test(bad_blocks_are_refused),
		cmocka_unit_test(bad_block_heads_are_refused),
		cmocka_unit_test(bad_pack_heads_are_refused),
		cmocka_unit_test(trailer_points_into_its_pack),
		cmocka_unit_test(tables_are_held_to_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
