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

#include "plakar/format/key.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* A key of literal bytes, which hold zeros. */
#define KEY(s) (s), sizeof(s) - 1

static int
compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;
	int c = len > 0 ? memcmp(a, b, len) : 0;

	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

static void
path_and_key_are_the_same_thing(void **state)
{
	static const struct {
		const char *path, *key;
		size_t key_len;
	} cases[] = {
		{ "/", KEY("") },
		{ "/a", KEY("\0a") },
		{ "/a/b", KEY("a\0\0b") },
		{ "/a/b/c", KEY("a\0b\0\0c") },
		{ "/a/...", KEY("a\0\0...") },
		{ "/\xff\x01/ \n", KEY("\xff\x01\0\0 \n") },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		const char *path = cases[i].path;
		struct buf key = { 0 }, back = { 0 };

		assert_int_equal(
		    key_from_path(path, strlen(path), &key, &e), 0);
		assert_int_equal(key.len, cases[i].key_len);
		if (key.len > 0)
			assert_memory_equal(key.data, cases[i].key, key.len);
		assert_true(key_valid(key.data, key.len));
		key_to_path(key.data, key.len, &back);
		assert_string_equal(buf_str(&back), path);
		buf_free(&key);
		buf_free(&back);
	}
}

static void
untidy_paths_are_tidied(void **state)
{
	static const char *const cases[] = { "/a/b", "//a///b", "/a/b/",
		"/./a/./b/.", "/a/b//" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct buf key = { 0 };

		assert_int_equal(
		    key_from_path(cases[i], strlen(cases[i]), &key, &e), 0);
		assert_int_equal(key.len, 4);
		assert_memory_equal(key.data, "a\0\0b", 4);
		buf_free(&key);
	}
}

static void
impossible_paths_are_refused(void **state)
{
	static const struct {
		const char *path;
		size_t len;
	} cases[] = { { KEY("") }, { KEY("a") }, { KEY("a/b") },
		{ KEY("/a/../b") }, { KEY("/..") }, { KEY("/a\0b") } };
	struct buf key = { 0 };
	struct err e;
	char *longest = malloc(KEY_MAX + 2);

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		assert_int_equal(
		    key_from_path(cases[i].path, cases[i].len, &key, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_int_equal(key.len, 0);
	}
	assert_non_null(longest);
	memset(longest, 'x', KEY_MAX + 2);
	longest[0] = '/';
	assert_int_equal(key_from_path(longest, KEY_MAX, &key, &e), 0);
	assert_int_equal(key.len, KEY_MAX);
	assert_true(key_valid(key.data, key.len));
	buf_reset(&key);
	assert_int_equal(key_from_path(longest, KEY_MAX + 1, &key, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	free(longest);
	buf_free(&key);
}

static void
bytes_that_are_no_key_are_refused(void **state)
{
	static const struct {
		const char *key;
		size_t len;
	} cases[] = {
		{ KEY("a") },        /* no zero at all */
		{ KEY("\0") },       /* empty name */
		{ KEY("a\0") },      /* ends within the stem */
		{ KEY("a\0b") },     /* one zero before the name */
		{ KEY("a\0\0") },    /* empty name */
		{ KEY("a\0\0b\0") }, /* zero in the name */
		{ KEY("\0\0a") },    /* empty component */
		{ KEY("a\0\0\0b") }, /* the same, deeper */
		{ KEY("\0.") },      /* names that are not names */
		{ KEY("\0..") },
		{ KEY("..\0\0a") },
		{ KEY(".\0\0a") },
		{ KEY("a\0..\0\0b") },
		{ KEY("\0a/b") },
		{ KEY("a/b\0\0c") },
	};
	struct buf big = { 0 };

	(void)state;
	for (size_t i = 0; i < N(cases); i++)
		assert_false(key_valid(cases[i].key, cases[i].len));
	buf_add_zero(&big, KEY_MAX + 1);
	memset(big.data + 1, 'x', KEY_MAX);
	assert_true(key_valid(big.data, KEY_MAX));
	assert_false(key_valid(big.data, KEY_MAX + 1));
	buf_free(&big);
}

static void
byte_order_is_walk_order(void **state)
{
	static const char *const order[] = { "/", "/a", "/a!", "/b", "/a/x",
		"/a/y", "/a/x/1", "/a/x/2", "/a/y/1", "/a!/x", "/b/a", "/b/z",
		"/b/a/a" };
	struct buf before = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(order); i++) {
		struct buf key = { 0 };

		assert_int_equal(
		    key_from_path(order[i], strlen(order[i]), &key, &e), 0);
		if (i > 0)
			assert_true(compare(before.data, before.len, key.data,
					key.len) < 0);
		buf_free(&before);
		before = key;
	}
	buf_free(&before);
}

static void
a_key_gives_its_parent_and_name(void **state)
{
	static const struct {
		const char *path, *parent, *name;
	} cases[] = { { "/a", "/", "a" }, { "/a/b", "/a", "b" },
		{ "/a/b/cd", "/a/b", "cd" } };
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct buf key = { 0 }, up = { 0 }, path = { 0 };
		struct buf stem = { 0 }, child = { 0 };
		const char *name;
		size_t len;

		assert_int_equal(key_from_path(cases[i].path,
				     strlen(cases[i].path), &key, &e),
		    0);
		name = key_name(key.data, key.len, &len);
		assert_int_equal(len, strlen(cases[i].name));
		assert_memory_equal(name, cases[i].name, len);
		assert_true(key_parent(key.data, key.len, &up));
		key_to_path(up.data, up.len, &path);
		assert_string_equal(buf_str(&path), cases[i].parent);
		key_stem(up.data, up.len, &stem);
		assert_int_equal(
		    stem.len, key_parent_stem_len(key.data, key.len));
		key_child(stem.data, stem.len, name, len, &child);
		assert_int_equal(child.len, key.len);
		assert_memory_equal(child.data, key.data, key.len);
		buf_free(&key);
		buf_free(&up);
		buf_free(&path);
		buf_free(&stem);
		buf_free(&child);
	}
}

static void
the_root_has_no_parent(void **state)
{
	struct buf out = { 0 };
	size_t len;

	(void)state;
	assert_false(key_parent("", 0, &out));
	key_stem("", 0, &out);
	assert_int_equal(out.len, 0);
	key_name("", 0, &len);
	assert_int_equal(len, 0);
}

static bool
within(const char *path, const struct buf *low, const struct buf *high)
{
	struct buf key = { 0 };
	struct err e;
	bool yes;

	assert_int_equal(key_from_path(path, strlen(path), &key, &e), 0);
	yes = compare(low->data, low->len, key.data, key.len) <= 0 &&
	    (high->len == 0 ||
		compare(key.data, key.len, high->data, high->len) < 0);
	buf_free(&key);
	return yes;
}

static void
ranges_hold_what_is_below_and_nothing_else(void **state)
{
	static const char *const paths[] = { "/", "/a", "/a/b", "/a/b/c",
		"/a/b/\xff", "/a/b/c/d", "/a/b/\x01/\x01", "/a/b!", "/a/b!/c",
		"/a/c", "/a/c/b", "/b", "/a/a/c", "/\xff", "/\xff/\xff/\xff" };
	static const char *const dirs[] = { "/", "/a", "/a/b" };
	struct err e;

	(void)state;
	for (size_t d = 0; d < N(dirs); d++) {
		size_t n = strcmp(dirs[d], "/") == 0 ? 0 : strlen(dirs[d]);
		struct buf key = { 0 }, low = { 0 }, high = { 0 };
		struct buf all_low = { 0 }, all_high = { 0 };

		assert_int_equal(
		    key_from_path(dirs[d], strlen(dirs[d]), &key, &e), 0);
		key_children(key.data, key.len, &low, &high);
		key_descendants(key.data, key.len, &all_low, &all_high);
		for (size_t i = 0; i < N(paths); i++) {
			const char *p = paths[i];
			bool below = strncmp(p, dirs[d], n) == 0 &&
			    p[n] == '/' && p[n + 1] != '\0';
			bool child = below && strchr(p + n + 1, '/') == NULL;

			assert_int_equal(within(p, &low, &high), child);
			assert_int_equal(within(p, &all_low, &all_high), below);
		}
		buf_free(&key);
		buf_free(&low);
		buf_free(&high);
		buf_free(&all_low);
		buf_free(&all_high);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_and_key_are_the_same_thing),
		cmocka_unit_test(untidy_paths_are_tidied),
		cmocka_unit_test(impossible_paths_are_refused),
		cmocka_unit_test(bytes_that_are_no_key_are_refused),
		cmocka_unit_test(byte_order_is_walk_order),
		cmocka_unit_test(a_key_gives_its_parent_and_name),
		cmocka_unit_test(the_root_has_no_parent),
		cmocka_unit_test(ranges_hold_what_is_below_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
