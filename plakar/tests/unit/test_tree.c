/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "plakar/tests/support/memstore.h"
#include "plakar/tree/builder.h"
#include "plakar/tree/cursor.h"

#define KEY_LEN 32

static const uint8_t boundary_key[NODE_BOUNDARY_KEY] = "boundary key 16";

/* The key of entry i: even numbers are in the trees, odd ones are not. */
static size_t
make_key(size_t i, char key[KEY_LEN])
{
	return (size_t)snprintf(key, KEY_LEN, "dir%03zu/%08zu", i / 100, i);
}

/* Entry i of a tree; those of version 1 differ where i is a multiple of 1000. */
static void
add_entry(struct tree_builder *tb, size_t i, unsigned version)
{
	const struct node_sums one = { .others = 1, .bytes = i };
	char key[KEY_LEN], entry[200];
	size_t len = make_key(i, key);
	struct err e;

	memset(entry, (int)('a' + i % 26), sizeof(entry));
	if (i % 1000 == 0)
		entry[0] = (char)version;
	assert_int_equal(tree_builder_add(tb, (const uint8_t *)key, len,
			     (const uint8_t *)entry, 80 + i % 120, &one, &e),
	    0);
}

static struct tree_root
build(struct memstore *ms, size_t n, unsigned version)
{
	struct chunk_sink sink = memstore_sink(ms);
	struct tree_builder *tb = tree_builder_new(&sink, boundary_key);
	struct tree_root root;
	struct err e;

	for (size_t i = 0; i < 2 * n; i += 2)
		add_entry(tb, i, version);
	assert_int_equal(tree_builder_root(tb, &root, &e), 0);
	tree_builder_free(tb);
	return root;
}

static void
empty_tree_has_no_root(void **state)
{
	struct memstore *ms = memstore_new();
	struct tree_root root = build(ms, 0, 0);

	(void)state;
	assert_true(root.empty);
	assert_int_equal(memstore_count(ms), 0);
	memstore_free(ms);
}

static void
entries_come_back_in_order_both_ways(void **state)
{
	static const size_t sizes[] = { 1, 2, 50, 3000, 40000 };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct memstore *ms = memstore_new();
		struct tree_root root = build(ms, sizes[s], 0);
		struct chunk_source source = memstore_source(ms);
		struct tree_cursor *tc = tree_cursor_new(&source, &root.id);
		struct node_item item;
		struct err e;
		char key[KEY_LEN];

		assert_true(root.sums.others == sizes[s]);
		for (size_t i = 0; i < sizes[s]; i++) {
			size_t len = make_key(2 * i, key);

			assert_int_equal(tree_cursor_next(tc, &item, &e), 1);
			assert_int_equal(item.key_len, len);
			assert_memory_equal(item.key, key, len);
		}
		assert_int_equal(tree_cursor_next(tc, &item, &e), 0);
		assert_int_equal(tree_cursor_end(tc, &e), 0);
		for (size_t i = sizes[s]; i > 0; i--) {
			size_t len = make_key(2 * (i - 1), key);

			assert_int_equal(tree_cursor_prev(tc, &item, &e), 1);
			assert_int_equal(item.key_len, len);
			assert_memory_equal(item.key, key, len);
		}
		assert_int_equal(tree_cursor_prev(tc, &item, &e), 0);
		tree_cursor_free(tc);
		memstore_free(ms);
	}
}

static void
seek_stands_before_the_next_key(void **state)
{
	struct memstore *ms = memstore_new();
	struct tree_root root = build(ms, 5000, 0);
	struct chunk_source source = memstore_source(ms);
	struct tree_cursor *tc = tree_cursor_new(&source, &root.id);
	struct node_item item;
	struct err e;
	char key[KEY_LEN];

	(void)state;
	for (size_t i = 0; i < 9998; i += 7) {
		size_t len = make_key(i, key);
		int found =
		    tree_cursor_find(tc, (const uint8_t *)key, len, &item, &e);

		assert_int_equal(found, i % 2 == 0);
		assert_int_equal(
		    tree_cursor_seek(tc, (const uint8_t *)key, len, &e), 0);
		assert_int_equal(tree_cursor_next(tc, &item, &e), 1);
		len = make_key(i + i % 2, key);
		assert_int_equal(item.key_len, len);
		assert_memory_equal(item.key, key, len);
	}
	assert_int_equal(tree_cursor_seek(tc, (const uint8_t *)"z", 1, &e), 0);
	assert_int_equal(tree_cursor_next(tc, &item, &e), 0);
	tree_cursor_free(tc);
	memstore_free(ms);
}

static void
small_changes_share_most_nodes(void **state)
{
	struct memstore *ms = memstore_new();
	struct tree_root first = build(ms, 40000, 0);
	size_t nodes = memstore_count(ms);
	struct tree_root again = build(ms, 40000, 0);
	struct tree_root changed;

	(void)state;
	assert_memory_equal(&first.id, &again.id, sizeof(first.id));
	assert_int_equal(memstore_count(ms), nodes);
	changed = build(ms, 40000, 1);
	assert_memory_not_equal(&first.id, &changed.id, sizeof(first.id));
	/* 80 entries changed: a leaf each at most, and the way up. */
	assert_in_range(memstore_count(ms) - nodes, 2, 100);
	memstore_free(ms);
}

static void
root_on_the_way_is_the_root_of_what_was_added(void **state)
{
	struct memstore *ms = memstore_new();
	struct chunk_sink sink = memstore_sink(ms);
	struct tree_builder *tb = tree_builder_new(&sink, boundary_key);
	struct tree_root half, whole, expected;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 4000; i += 2)
		add_entry(tb, i, 0);
	assert_int_equal(tree_builder_root(tb, &half, &e), 0);
	for (size_t i = 4000; i < 8000; i += 2)
		add_entry(tb, i, 0);
	assert_int_equal(tree_builder_root(tb, &whole, &e), 0);
	tree_builder_free(tb);
	expected = build(ms, 2000, 0);
	assert_memory_equal(&half.id, &expected.id, sizeof(half.id));
	expected = build(ms, 4000, 0);
	assert_memory_equal(&whole.id, &expected.id, sizeof(whole.id));
	memstore_free(ms);
}

/* Keys so long that almost any would end a node, but for the rule of 8.3. */
static void
longest_keys_make_a_tree(void **state)
{
	enum {
		LEN = 20000,
		COUNT = 6000
	};
	static const uint8_t entry[100];
	const struct node_sums one = { .others = 1 };
	struct memstore *ms = memstore_new();
	struct chunk_sink sink = memstore_sink(ms);
	struct chunk_source source = memstore_source(ms);
	struct tree_builder *tb = tree_builder_new(&sink, boundary_key);
	struct tree_cursor *tc;
	struct tree_root root;
	struct node_item item;
	uint8_t *key = malloc(LEN);
	size_t n = 0;
	struct err e;

	(void)state;
	assert_non_null(key);
	memset(key, 'k', LEN);
	for (size_t i = 0; i < COUNT; i++) {
		key[LEN - 2] = (uint8_t)(1 + i / 200);
		key[LEN - 1] = (uint8_t)(1 + i % 200);
		assert_int_equal(tree_builder_add(tb, key, LEN, entry,
				     sizeof(entry), &one, &e),
		    0);
	}
	assert_int_equal(tree_builder_root(tb, &root, &e), 0);
	tree_builder_free(tb);
	tc = tree_cursor_new(&source, &root.id);
	while (tree_cursor_next(tc, &item, &e) == 1)
		n++;
	assert_int_equal(n, COUNT);
	tree_cursor_free(tc);
	free(key);
	memstore_free(ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_tree_has_no_root),
		cmocka_unit_test(entries_come_back_in_order_both_ways),
		cmocka_unit_test(seek_stands_before_the_next_key),
		cmocka_unit_test(small_changes_share_most_nodes),
		cmocka_unit_test(root_on_the_way_is_the_root_of_what_was_added),
		cmocka_unit_test(longest_keys_make_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
