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
#include "plakar/format/field.h"

#include "plakar/format/snapshot.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* Texts are not constant in a snapshot: it may own them. */
static char none[] = "", home[] = "/home", wild[] = "/\xff not UTF-8";
static char nightly[] = "nightly", root[] = "root", seven[] = "seven";
static char host[] = "host", program[] = "plakar 1";

static char *roots[] = { home, wild };
static char *tags[] = { none, nightly };
static struct snapshot_owner users[] = { { 0, root }, { UINT32_MAX, none } };
static struct snapshot_owner groups[] = { { 7, seven } };

static const struct snapshot example = {
	.start = { .sec = INT64_MAX, .nsec = 999999999 },
	.end = { .sec = 0, .nsec = 0 },
	.host = host,
	.user = none,
	.roots = roots,
	.roots_count = N(roots),
	.tags = tags,
	.tags_count = N(tags),
	.tree = { "sixteen bytes.." },
	.sums = { UINT64_MAX, 2, 3, 4 },
	.has_parent = true,
	.has_previous = true,
	.parent = { "the parent" },
	.previous = { "the one before" },
	.partial = true,
	.new_chunks = 5,
	.new_bytes = 6,
	.stored_bytes = UINT64_MAX,
	.users = { users, N(users) },
	.groups = { groups, N(groups) },
	.program = program,
};

static void
snapshot_comes_back(void **state)
{
	struct snapshot s;
	struct buf out = { 0 }, again = { 0 };
	struct err e;

	(void)state;
	snapshot_encode(&example, &out);
	assert_int_equal(snapshot_decode(out.data, out.len, &s, &e), 0);
	assert_true(s.start.sec == INT64_MAX);
	assert_int_equal(s.start.nsec, 999999999);
	assert_int_equal(s.roots_count, N(roots));
	assert_string_equal(s.roots[1], roots[1]);
	assert_string_equal(s.tags[0], "");
	assert_false(s.empty);
	assert_true(s.partial && s.has_parent && s.has_previous);
	assert_true(s.sums.dirs == UINT64_MAX && s.sums.errors == 4);
	assert_true(s.stored_bytes == UINT64_MAX);
	assert_string_equal(snapshot_owner_name(&s.users, UINT32_MAX), "");
	assert_null(snapshot_owner_name(&s.users, 7));
	assert_string_equal(snapshot_owner_name(&s.groups, 7), "seven");
	assert_string_equal(s.program, "plakar 1");
	snapshot_encode(&s, &again);
	assert_int_equal(out.len, again.len);
	assert_memory_equal(out.data, again.data, out.len);
	snapshot_clear(&s);
	buf_free(&again);
	buf_free(&out);
}

static void
least_snapshot_comes_back(void **state)
{
	struct snapshot least = { .host = host,
		.user = none,
		.roots = roots,
		.roots_count = 1,
		.empty = true };
	struct snapshot s;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	snapshot_encode(&least, &out);
	assert_int_equal(snapshot_decode(out.data, out.len, &s, &e), 0);
	assert_true(s.empty);
	assert_false(s.partial || s.has_parent || s.has_previous);
	assert_null(s.program);
	snapshot_clear(&s);
	buf_free(&out);
}

static void
every_cut_is_refused_or_means_less(void **state)
{
	struct snapshot s;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	snapshot_encode(&example, &out);
	for (size_t len = 0; len < out.len; len++)
		if (snapshot_decode(out.data, len, &s, &e) == 0) {
			/* Cut between fields, after the required ones. */
			assert_null(s.program);
			snapshot_clear(&s);
		} else {
			assert_int_equal(e.kind, ERR_CORRUPT);
		}
	buf_free(&out);
}

/* The example's fields, with the value of one in place of what it has. */
static void
encode_with(uint64_t tag, const void *value, size_t len, struct buf *out)
{
	struct field_reader reader;
	struct buf plain = { 0 };
	struct field f;
	struct err e;
	bool put = false;

	snapshot_encode(&example, &plain);
	field_reader_init(&reader, plain.data, plain.len);
	buf_reset(out);
	while (field_next(&reader, &f, &e) == 1) {
		if (f.tag >= tag && !put) {
			put = true;
			if (value != NULL)
				field_put(out, tag, value, len);
		}
		if (f.tag != tag)
			field_put(out, f.tag, f.data, f.len);
	}
	if (!put && value != NULL)
		field_put(out, tag, value, len);
	buf_free(&plain);
}

static void
what_the_page_does_not_allow_is_refused(void **state)
{
	static const char zeros[64];
	static const struct {
		uint64_t tag;
		const char *value; /* NULL: the field is missing */
		size_t len;
	} bad[] = {
		{ 1, NULL, 0 },
		{ 2, NULL, 0 },
		{ 3, NULL, 0 },
		{ 4, NULL, 0 },
		{ 5, NULL, 0 },
		{ 8, NULL, 0 },
		{ 1, zeros, 11 },
		{ 1, zeros, 13 },
		{ 1, "\0\0\0\0\0\0\0\x80\0\0\0\0", 12 },       /* seconds */
		{ 2, "\0\0\0\0\0\0\0\0\x00\xca\x9a\x3b", 12 }, /* nanoseconds */
		{ 3, "a\0b", 3 },
		{ 4, zeros, 1 },
		{ 5, "", 0 },
		{ 5, "relative", 8 },
		{ 5, "/\0", 2 },
		{ 6, zeros, 1 },
		{ 7, zeros, 15 },
		{ 8, zeros, 31 },
		{ 8, zeros, 40 },
		{ 9, zeros, 31 },
		{ 10, zeros, 33 },
		{ 11, zeros, 1 },
		{ 11, "\x02", 1 },
		{ 11, "\x01\x01", 2 },
		{ 12, zeros, 16 },
		{ 13, zeros, 3 },
		{ 13, zeros, 5 },
		{ 14, zeros, 0 },
		{ 15, zeros, 1 },
	};
	struct snapshot s;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		encode_with(bad[i].tag, bad[i].value, bad[i].len, &out);
		if (snapshot_decode(out.data, out.len, &s, &e) == 0)
			fail_msg(
			    "accepted: field %d, case %zu", (int)bad[i].tag, i);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	buf_free(&out);
}

static void
fields_stand_once_and_in_order(void **state)
{
	struct snapshot s;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	snapshot_encode(&example, &out);
	field_put_str(&out, 15, "again");
	assert_int_equal(snapshot_decode(out.data, out.len, &s, &e), -1);
	buf_reset(&out);
	snapshot_encode(&example, &out);
	field_put_str(&out, 14, "\1\1\1\1late");
	assert_int_equal(snapshot_decode(out.data, out.len, &s, &e), -1);
	buf_free(&out);
}

static void
unknown_fields_are_skipped(void **state)
{
	struct snapshot s;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	snapshot_encode(&example, &out);
	field_put_str(&out, 16, "reserved");
	field_put_str(&out, 31, "later");
	field_put_str(&out, UINT64_MAX, "much later");
	field_put_str(&out, UINT64_MAX, "again");
	assert_int_equal(snapshot_decode(out.data, out.len, &s, &e), 0);
	assert_string_equal(s.program, "plakar 1");
	snapshot_clear(&s);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_comes_back),
		cmocka_unit_test(least_snapshot_comes_back),
		cmocka_unit_test(every_cut_is_refused_or_means_less),
		cmocka_unit_test(what_the_page_does_not_allow_is_refused),
		cmocka_unit_test(fields_stand_once_and_in_order),
		cmocka_unit_test(unknown_fields_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
