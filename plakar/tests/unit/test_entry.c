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

#include "plakar/format/content.h"
#include "plakar/format/entry.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* The parts after fields and type: mode, owners, size, times, inode. */
#define REST   "\0\0\0\0\0\0\0\0\0"
#define ID     "0123456789abcdef"
#define FILL10 "0123456789"
#define FILL97                                                                 \
	FILL10 FILL10 FILL10 FILL10 FILL10 FILL10 FILL10 FILL10 FILL10 "0123456"

static const struct entry everything = {
	.type = ENTRY_FILE,
	.mode = 07777,
	.uid = UINT32_MAX,
	.gid = UINT32_MAX,
	.size = INT64_MAX,
	.mtime = { .sec = INT64_MIN, .nsec = 999999999 },
	.ctime = { .sec = INT64_MAX, .nsec = 999999999 },
	.btime = { .sec = -1, .nsec = 1 },
	.has_btime = true,
	.ino = UINT64_MAX,
	.nlink = UINT32_MAX,
	.dev_major = UINT32_MAX,
	.dev_minor = UINT32_MAX,
	.inode_flags = UINT32_MAX,
	.has_xattrs_id = true,
	.xattrs_id = { ID },
	.content_kind = ENTRY_CONTENT_TREE,
	.content_id = { ID },
	.changed = true,
};

/* Write ent, read it, and write that again: the same bytes. */
static void
round_trip(const struct entry *ent, struct entry *back, struct buf *out)
{
	struct buf again = { 0 };
	struct err e;

	buf_reset(out);
	entry_encode(ent, out);
	assert_int_equal(entry_decode(out->data, out->len, back, &e), 0);
	entry_encode(back, &again);
	assert_int_equal(again.len, out->len);
	assert_memory_equal(again.data, out->data, out->len);
	buf_free(&again);
}

static void
extremes_come_back(void **state)
{
	struct entry back;
	struct buf out = { 0 };

	(void)state;
	round_trip(&everything, &back, &out);
	assert_int_equal(back.mode, 07777);
	assert_true(back.mtime.sec == INT64_MIN);
	assert_int_equal(back.mtime.nsec, 999999999);
	assert_true(back.ctime.sec == INT64_MAX);
	assert_true(back.btime.sec == -1 && back.btime.nsec == 1);
	assert_true(back.ino == UINT64_MAX);
	assert_true(back.size == INT64_MAX);
	assert_int_equal(back.nlink, UINT32_MAX);
	assert_memory_equal(back.content_id.bytes, ID, CHUNK_ID_LEN);
	assert_true(back.changed);
	buf_free(&out);
}

static void
longest_parts_come_back(void **state)
{
	static uint8_t bytes[ENTRY_TARGET_MAX];
	const struct entry cases[] = {
		{ .type = ENTRY_SYMLINK,
		    .target = bytes,
		    .target_len = ENTRY_TARGET_MAX },
		{ .type = ENTRY_DIR,
		    .xattrs = bytes,
		    .xattrs_len = ENTRY_XATTRS_MAX,
		    .recorded_only = true },
		{ .type = ENTRY_FILE,
		    .size = ENTRY_INLINE_MAX,
		    .content_kind = ENTRY_CONTENT_INLINE,
		    .content = bytes,
		    .content_len = ENTRY_INLINE_MAX },
		{ .type = ENTRY_SOCKET,
		    .nlink = 2,
		    .error = (const char *)bytes,
		    .error_len = ENTRY_ERROR_MAX },
		{ .type = ENTRY_BLOCK,
		    .rdev_major = UINT32_MAX,
		    .rdev_minor = UINT32_MAX },
		{ .type = ENTRY_CHAR },
		{ .type = ENTRY_FIFO },
	};

	(void)state;
	memset(bytes, 'b', sizeof(bytes));
	for (size_t i = 0; i < N(cases); i++) {
		struct buf out = { 0 };
		struct entry back;

		round_trip(&cases[i], &back, &out);
		assert_int_equal(back.type, cases[i].type);
		assert_int_equal(back.target_len, cases[i].target_len);
		assert_int_equal(back.xattrs_len, cases[i].xattrs_len);
		assert_int_equal(back.content_len, cases[i].content_len);
		assert_int_equal(back.error_len, cases[i].error_len);
		assert_int_equal(back.rdev_major, cases[i].rdev_major);
		buf_free(&out);
	}
}

static void
longest_list_comes_back(void **state)
{
	const struct content_item item = { .len = 5, .id = { ID } };
	struct entry ent = { .type = ENTRY_FILE,
		.size = 5 * ENTRY_LIST_MAX,
		.content_kind = ENTRY_CONTENT_LIST };
	struct buf items = { 0 }, out = { 0 };
	struct entry back;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ENTRY_LIST_MAX; i++)
		content_put(&items, &item);
	ent.content = items.data;
	ent.content_len = items.len;
	round_trip(&ent, &back, &out);
	assert_int_equal(back.content_len, items.len);

	content_put(&items, &item);
	ent.content = items.data;
	ent.content_len = items.len;
	buf_reset(&out);
	entry_encode(&ent, &out);
	assert_int_equal(entry_decode(out.data, out.len, &back, &e), -1);
	buf_free(&items);
	buf_free(&out);
}

static void
every_cut_is_refused(void **state)
{
	struct buf out = { 0 };
	struct entry back;
	struct err e;

	(void)state;
	entry_encode(&everything, &out);
	for (size_t len = 0; len < out.len; len++) {
		assert_int_equal(entry_decode(out.data, len, &back, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	buf_add_u8(&out, 0);
	assert_int_equal(entry_decode(out.data, out.len, &back, &e), -1);
	buf_free(&out);
}

static void
what_the_page_does_not_allow_is_refused(void **state)
{
#define BAD(why, literal)                                                      \
	{                                                                      \
		why, literal, sizeof(literal) - 1                              \
	}
	static const struct {
		const char *why;
		const char *data;
		size_t len;
	} bad[] = {
		BAD("type 0", "\0\0" REST),
		BAD("type 8", "\0\x08" REST),
		BAD("bit 13", "\x80\x40\x01" REST),
		BAD("longer varint", "\x80\0\x01" REST),
		BAD("mode",
		    "\0\x01\x80\x20"
		    "\0\0\0\0\0\0\0\0"),
		BAD("uid",
		    "\0\x01\0\x80\x80\x80\x80\x10"
		    "\0\0\0\0\0\0\0"),
		BAD("size",
		    "\0\x01\0\0\0"
		    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"
		    "\0\0\0\0\0"),
		BAD("nanoseconds",
		    "\0\x01\0\0\0\0\0\x80\x94\xeb\xdc\x03\0\0\0"),
		BAD("links of a directory", "\x02\x02" REST "\x02\0\0"),
		BAD("one link", "\x02\x01" REST "\x01\0\0"),
		BAD("no link", "\x02\x01" REST "\0\0\0"),
		BAD("numbers of no device", "\x04\x01" REST "\0\0"),
		BAD("device without", "\0\x06" REST),
		BAD("target of no link", "\x08\x01" REST "\x01t"),
		BAD("link without", "\0\x03" REST),
		BAD("empty target", "\x08\x03" REST "\0"),
		BAD("no inode flag", "\x10\x01" REST "\0"),
		BAD("empty set", "\x20\x01" REST "\0"),
		BAD("long set",
		    "\x20\x01" REST "\x81\x04" FILL97 FILL97 FILL97 FILL97
			FILL97 FILL10 FILL10 FILL10),
		BAD("two sets", "\x60\x01" REST "\x01s" ID),
		BAD("empty inline", "\x80\x01\x01" REST "\0"),
		BAD("long inline",
		    "\x80\x01\x01\0\0\0\x61\0\0\0\0\0\x61" FILL97),
		BAD("inline of another size",
		    "\x80\x01\x01\0\0\0\x02\0\0\0\0\0\x01x"),
		BAD("empty list", "\x80\x02\x01" REST "\0"),
		BAD("list of nothing", "\x80\x02\x01" REST "\x01\x01"),
		BAD("list and tree", "\x80\x06\x01" REST "\x01\x02" ID ID),
		BAD("inline and tree", "\x80\x05\x01" REST "\x01x" ID),
		BAD("tree of a directory", "\x80\x04\x02" REST ID),
		BAD("empty error", "\x80\x10\x01" REST "\0"),
		BAD("recorded file", "\x80\x20\x01" REST),
	};
	struct entry back;
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		if (entry_decode(bad[i].data, bad[i].len, &back, &e) == 0)
			fail_msg("accepted: %s", bad[i].why);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
}

static void
version_is_size_times_and_inode(void **state)
{
	struct entry other = everything;

	(void)state;
	other.mode = 0;
	assert_true(entry_same_version(&everything, &other));
	other.mtime.nsec--;
	assert_false(entry_same_version(&everything, &other));
	other = everything;
	other.ctime.sec--;
	assert_false(entry_same_version(&everything, &other));
	other = everything;
	other.ino--;
	assert_false(entry_same_version(&everything, &other));
	other = everything;
	other.size--;
	assert_false(entry_same_version(&everything, &other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extremes_come_back),
		cmocka_unit_test(longest_parts_come_back),
		cmocka_unit_test(longest_list_comes_back),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(what_the_page_does_not_allow_is_refused),
		cmocka_unit_test(version_is_size_times_and_inode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
