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

#include "plakar/format/node.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define ID       "0123456789abcdef"

/* Read a whole node.  0 or -1. */
static int
read_all(const void *data, size_t len, size_t *items, struct err *e)
{
	struct node_reader nr;
	struct node_item item;
	int got;

	*items = 0;
	if (node_reader_open(&nr, data, len, e) == -1)
		return -1;
	while ((got = node_reader_next(&nr, &item, e)) == 1)
		++*items;
	node_reader_free(&nr);
	return got;
}

static void
leaf_comes_back(void **state)
{
	static const char *const keys[] = { "", "a", "a.b", "ab", "ac", "b" };
	struct node_writer nw = { 0 };
	struct node_reader nr;
	struct node_item item;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(keys); i++) {
		item = (struct node_item){ .key = (const uint8_t *)keys[i],
			.key_len = strlen(keys[i]),
			.entry = (const uint8_t *)keys[N(keys) - 1 - i],
			.entry_len = strlen(keys[N(keys) - 1 - i]) };
		assert_true(node_writer_fits(&nw, &item));
		node_writer_add(&nw, &item);
	}
	node_writer_finish(&nw, &out);
	node_writer_free(&nw);
	assert_int_equal(node_reader_open(&nr, out.data, out.len, &e), 0);
	for (size_t i = 0; i < N(keys); i++) {
		assert_int_equal(node_reader_next(&nr, &item, &e), 1);
		assert_int_equal(item.key_len, strlen(keys[i]));
		assert_memory_equal(item.key, keys[i], item.key_len);
		assert_int_equal(item.entry_len, strlen(keys[N(keys) - 1 - i]));
	}
	assert_int_equal(node_reader_next(&nr, &item, &e), 0);
	node_reader_free(&nr);
	buf_free(&out);
}

/* Keys at their limit, and sums at theirs, in an inner node. */
static void
longest_keys_come_back(void **state)
{
	uint8_t *key = malloc(NODE_KEY_MAX);
	const struct node_sums sums = { UINT64_MAX, 1, UINT64_MAX, 0 };
	struct node_item item = { .key = key,
		.key_len = NODE_KEY_MAX,
		.child = { ID },
		.sums = sums };
	struct node_writer nw = { .level = NODE_LEVELS - 1 };
	struct node_reader nr;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	assert_non_null(key);
	memset(key, 'k', NODE_KEY_MAX);
	node_writer_add(&nw, &item);
	key[0]++;
	assert_true(node_writer_fits(&nw, &item));
	node_writer_add(&nw, &item);
	key[0]++;
	assert_false(node_writer_fits(&nw, &item));
	key[0]--;
	key[NODE_KEY_MAX - 1]++;
	assert_true(node_writer_fits(&nw, &item));
	node_writer_finish(&nw, &out);
	node_writer_free(&nw);
	assert_in_range(out.len, 2 * NODE_KEY_MAX, NODE_LEN_MAX);

	assert_int_equal(node_reader_open(&nr, out.data, out.len, &e), 0);
	assert_int_equal(nr.level, NODE_LEVELS - 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(node_reader_next(&nr, &item, &e), 1);
		assert_int_equal(item.key_len, NODE_KEY_MAX);
		assert_int_equal(item.key[0], 'k' + i);
		assert_memory_equal(&item.sums, &sums, sizeof(sums));
	}
	assert_int_equal(node_reader_next(&nr, &item, &e), 0);
	node_reader_free(&nr);
	buf_free(&out);
	free(key);
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
		BAD("nothing", ""),
		BAD("no count", "\0"),
		BAD("no item", "\0\0"),
		BAD("level 32",
		    "\x20\x01\0\x01"
		    "a\0"),
		BAD("more items than bytes",
		    "\0\x7f\0\x01"
		    "a\0"),
		BAD("one item less",
		    "\0\x02\0\x01"
		    "a\0"),
		BAD("bytes after it",
		    "\0\x01\0\x01"
		    "a\0\0"),
		BAD("first key shares",
		    "\0\x01\x01\x01"
		    "a\0"),
		BAD("shares more than there is",
		    "\0\x02\0\x01"
		    "a\0\x02\x01"
		    "b\0"),
		BAD("same key",
		    "\0\x02\0\x01"
		    "a\0\x01\0\0"),
		BAD("same key, not shared",
		    "\0\x02\0\x01"
		    "a\0\0\x01"
		    "a\0"),
		BAD("shares less than it could",
		    "\0\x02\0\x01"
		    "a\0\0\x02"
		    "ab\0"),
		BAD("descends",
		    "\0\x02\0\x01"
		    "b\0\0\x01"
		    "a\0"),
		BAD("a prefix after",
		    "\0\x02\0\x02"
		    "ab\0\x01\0\0"),
		BAD("key cut short",
		    "\0\x01\0\x05"
		    "ab"),
		BAD("huge key",
		    "\0\x01\0\x81\x80\x10"
		    "ab\0"),
		BAD("entry cut short",
		    "\0\x01\0\x01"
		    "a\x05"
		    "xx"),
		BAD("huge entry",
		    "\0\x01\0\x01"
		    "a"
		    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
		    "x"),
		BAD("child cut short",
		    "\x01\x01\0\x01"
		    "a0123456789abcde"),
		BAD("sums cut short",
		    "\x01\x01\0\x01"
		    "a" ID "\0\0\0"),
	};
	size_t items;
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		if (read_all(bad[i].data, bad[i].len, &items, &e) == 0)
			fail_msg("accepted: %s", bad[i].why);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	assert_int_equal(read_all("\x01\x01\0\x01"
				  "a" ID "\0\0\0\0",
			     25, &items, &e),
	    0);
	assert_int_equal(items, 1);
}

static void
too_long_a_node_is_refused(void **state)
{
	uint8_t *data = calloc(1, NODE_LEN_MAX + 1);
	struct node_reader nr;
	struct err e;

	(void)state;
	assert_non_null(data);
	data[1] = 1;
	assert_int_equal(node_reader_open(&nr, data, NODE_LEN_MAX, &e), 0);
	node_reader_free(&nr);
	assert_int_equal(node_reader_open(&nr, data, NODE_LEN_MAX + 1, &e), -1);
	free(data);
}

/* How many of n keys of key_len bytes end a node. */
static size_t
boundaries(uint8_t level, size_t n, size_t key_len, size_t entry_len)
{
	static const uint8_t secret[NODE_BOUNDARY_KEY] = "a boundary key..";
	uint8_t *key = calloc(1, key_len);
	struct node_item item = {
		.key = key, .key_len = key_len, .entry_len = entry_len
	};
	size_t count = 0;

	assert_non_null(key);
	for (size_t i = 0; i < n; i++) {
		memcpy(key, &i, sizeof(i));
		count += node_boundary(secret, level, &item);
	}
	free(key);
	return count;
}

static void
longer_items_end_nodes_more_often(void **state)
{
	(void)state;
	/* One in 16384 / (24 + 104) = 128, or / (64 + 64); by halves. */
	assert_in_range(boundaries(0, 12800, 64, 104), 60, 140);
	assert_in_range(boundaries(1, 12800, 64, 0), 60, 140);
	assert_in_range(boundaries(1, 1000, 16, 0), 0, 20);
	assert_int_equal(boundaries(0, 100, 16, 70000), 100);
	assert_in_range(boundaries(1, 1000, 100000, 0), 400, 600);
}

static void
keys_compare_as_bytes(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = { { "", "", 0 }, { "", "a", -1 }, { "a", "", 1 },
		{ "a", "ab", -1 }, { "b", "ab", 1 }, { "\xff", "a", 1 } };

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		int order = node_key_compare((const uint8_t *)cases[i].a,
		    strlen(cases[i].a), (const uint8_t *)cases[i].b,
		    strlen(cases[i].b));

		assert_int_equal((order > 0) - (order < 0), cases[i].order);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaf_comes_back),
		cmocka_unit_test(longest_keys_come_back),
		cmocka_unit_test(what_the_page_does_not_allow_is_refused),
		cmocka_unit_test(too_long_a_node_is_refused),
		cmocka_unit_test(longer_items_end_nodes_more_often),
		cmocka_unit_test(keys_compare_as_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
