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
#include "plakar/format/segment.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* Two packs, three rows. */
static uint32_t offsets_a[] = { 116, 200, 300 };
static uint32_t offsets_b[] = { 116, 400 };
static struct segment_pack packs[] = {
	{ .name = { "pack a" },
	    .class = CLASS_DATA,
	    .size = 1000,
	    .blocks = 2,
	    .offsets = offsets_a },
	{ .name = { "pack b" },
	    .class = CLASS_METADATA,
	    .size = PACK_LEN_MAX,
	    .blocks = 1,
	    .offsets = offsets_b },
};
static struct segment_row rows[] = {
	{ .id = { "an id" }, .pack = 0, .block = 1, .slot = 0 },
	{ .id = { "an id" }, .pack = 1, .block = 0, .slot = 1 },
	{ .id = { "my id" }, .pack = 0, .block = 0, .slot = 8191 },
};
static const struct segment example = { N(packs), packs, N(rows), rows };

/* Where things stand in its encoding. */
#define PACK_A 4
#define PACK_B (PACK_A + 32 + 7 + 12)
#define ROWS   (PACK_B + 32 + 7 + 8)
#define IDS    (ROWS + 4)
#define PLACES (IDS + 3 * CHUNK_ID_LEN)
#define BLOCKS (PLACES + 3 * 2)
#define SLOTS  (BLOCKS + 3 * 2)
#define LEN    (SLOTS + 3 * 2)

static void
segment_comes_back(void **state)
{
	struct segment seg;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	segment_encode(&example, &out);
	assert_int_equal(out.len, LEN);
	assert_int_equal(segment_decode(out.data, out.len, &seg, &e), 0);
	assert_int_equal(seg.packs_count, 2);
	assert_int_equal(seg.rows_count, 3);
	assert_int_equal(seg.packs[0].offsets[2], 300);
	assert_int_equal(seg.packs[1].size, PACK_LEN_MAX);
	assert_memory_equal(seg.rows, rows, sizeof(rows));
	segment_free(&seg);
	buf_free(&out);
}

static void
every_cut_is_refused(void **state)
{
	struct segment seg;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	segment_encode(&example, &out);
	for (size_t len = 0; len < out.len; len++) {
		assert_int_equal(segment_decode(out.data, len, &seg, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	buf_add_u8(&out, 0);
	assert_int_equal(segment_decode(out.data, out.len, &seg, &e), -1);
	buf_free(&out);
}

static void
what_the_page_does_not_allow_is_refused(void **state)
{
	static const struct {
		const char *why;
		size_t offset;
		uint8_t value;
	} bad[] = {
		{ "65,536 packs more", 2, 1 },
		{ "class 0", PACK_A + 32, 0 },
		{ "class 3", PACK_A + 32, 3 },
		{ "pack above 512 MiB", PACK_B + 33, 1 },
		{ "table outside its pack", PACK_A + 34, 0 },
		{ "more blocks than there are", PACK_A + 37, 200 },
		{ "block in the head", PACK_A + 39, 115 },
		{ "blocks overlap", PACK_A + 43, 150 },
		{ "table in a block", PACK_A + 48, 0 },
		{ "a row more", ROWS, 4 },
		{ "a row less", ROWS, 2 },
		{ "too many rows", ROWS + 2, 0xff },
		{ "rows descend", IDS + CHUNK_ID_LEN, 'A' },
		{ "no such pack", PLACES, 2 },
		{ "no such block", BLOCKS, 2 },
		{ "slot 8,192", SLOTS + 5, 0x20 },
	};
	struct segment seg;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		buf_reset(&out);
		segment_encode(&example, &out);
		out.data[bad[i].offset] = bad[i].value;
		if (segment_decode(out.data, out.len, &seg, &e) == 0)
			fail_msg("accepted: %s", bad[i].why);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	buf_free(&out);
}

/* As many rows as there may be, sorted from the wrong order; one more. */
static void
fullest_segment_comes_back(void **state)
{
	struct segment seg = {
		.packs_count = 1, .packs = packs, .rows_count = SEGMENT_ROWS_MAX
	};
	struct segment back;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	seg.rows = calloc(SEGMENT_ROWS_MAX + 1, sizeof(*seg.rows));
	assert_non_null(seg.rows);
	for (uint32_t i = 0; i < SEGMENT_ROWS_MAX; i++) {
		uint32_t v = SEGMENT_ROWS_MAX - i;

		for (size_t j = 0; j < 4; j++)
			seg.rows[i].id.bytes[j] = (uint8_t)(v >> (24 - 8 * j));
		seg.rows[i].slot = (uint16_t)(v % BLOCK_CHUNKS_MAX);
	}
	segment_sort(seg.rows, seg.rows_count);
	segment_encode(&seg, &out);
	assert_in_range(out.len, 1, SEGMENT_LEN_MAX);
	assert_int_equal(segment_decode(out.data, out.len, &back, &e), 0);
	assert_int_equal(back.rows_count, SEGMENT_ROWS_MAX);
	for (uint32_t i = 0; i < SEGMENT_ROWS_MAX; i++)
		assert_int_equal(back.rows[i].slot, (i + 1) % BLOCK_CHUNKS_MAX);
	segment_free(&back);

	memset(&seg.rows[SEGMENT_ROWS_MAX].id, 0xff, CHUNK_ID_LEN);
	seg.rows_count++;
	buf_reset(&out);
	segment_encode(&seg, &out);
	assert_int_equal(segment_decode(out.data, out.len, &back, &e), -1);
	free(seg.rows);
	buf_free(&out);
}

static void
empty_segment_comes_back(void **state)
{
	static const struct segment none = { 0 };
	struct segment back;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	segment_encode(&none, &out);
	assert_int_equal(segment_decode(out.data, out.len, &back, &e), 0);
	assert_int_equal(back.rows_count + back.packs_count, 0);
	segment_free(&back);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segment_comes_back),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(what_the_page_does_not_allow_is_refused),
		cmocka_unit_test(fullest_segment_comes_back),
		cmocka_unit_test(empty_segment_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
