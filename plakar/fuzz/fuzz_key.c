/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes, taken as a key and as a path: what is accepted comes back the
 * same from the other form, and a key's parts make the key again.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_key(const void *key, size_t len)
{
	struct buf path = { 0 }, back = { 0 }, stem = { 0 }, again = { 0 };
	const char *name;
	size_t name_len;
	struct err e;
	bool ok;
	int rc;

	key_to_path(key, len, &path);
	rc = key_from_path((const char *)path.data, path.len, &back, &e);
	assert(rc == 0);
	assert(back.len == len);
	assert(len == 0 || memcmp(back.data, key, len) == 0);

	key_stem(key, len, &stem);
	assert(stem.len == len);
	key_from_stem(stem.data, stem.len, &again);
	assert(again.len == len);
	assert(len == 0 || memcmp(again.data, key, len) == 0);
	if (len > 0) {
		name = key_name(key, len, &name_len);
		buf_reset(&again);
		key_child(
		    key, key_parent_stem_len(key, len), name, name_len, &again);
		assert(again.len == len && memcmp(again.data, key, len) == 0);
		buf_reset(&again);
		ok = key_parent(key, len, &again);
		assert(ok);
		assert(key_valid(again.data, again.len));
	}
	buf_free(&path);
	buf_free(&back);
	buf_free(&stem);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf key = { 0 };
	struct err e;

	if (key_valid(data, len))
		check_key(data, len);
	if (key_from_path((const char *)data, len, &key, &e) == 0) {
		assert(key_valid(key.data, key.len));
		check_key(key.data, key.len);
	}
	buf_free(&key);
	return 0;
}
