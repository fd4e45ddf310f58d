/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/key.h"

static bool
name_valid(const char *name, size_t len)
{
	if (len == 0 || memchr(name, '/', len) != NULL)
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

bool
key_valid(const void *key, size_t len)
{
	const char *p = key;
	const char *end = p + len;

	if (len == 0)
		return true;
	if (len > KEY_MAX)
		return false;
	for (;;) {
		const char *zero = memchr(p, '\0', (size_t)(end - p));

		if (zero == NULL)
			return false; /* ended within the stem */
		if (zero == p)
			break;
		if (!name_valid(p, (size_t)(zero - p)))
			return false;
		p = zero + 1;
	}
	p++;
	return name_valid(p, (size_t)(end - p)) &&
	    memchr(p, '\0', (size_t)(end - p)) == NULL;
}

size_t
key_parent_stem_len(const void *key, size_t len)
{
	const char *name;
	size_t name_len;

	assert(len > 0);
	name = key_name(key, len, &name_len);
	return (size_t)(name - (const char *)key) - 1;
}

const char *
key_name(const void *key, size_t len, size_t *name_len)
{
	const char *start = key;
	const char *zero;

	if (len == 0) {
		*name_len = 0;
		return start;
	}
	zero = memrchr(start, '\0', len);
	assert(zero != NULL);
	*name_len = (size_t)(start + len - (zero + 1));
	return zero + 1;
}

void
key_stem(const void *key, size_t len, struct buf *out)
{
	const char *name;
	size_t name_len;

	if (len == 0)
		return;
	name = key_name(key, len, &name_len);
	buf_add(out, key, len - name_len - 1);
	buf_add(out, name, name_len);
	buf_add_u8(out, 0);
}

void
key_from_stem(const void *stem, size_t len, struct buf *out)
{
	const char *start = stem;
	const char *zero;
	size_t parent;

	if (len == 0)
		return;
	zero = memrchr(start, '\0', len - 1);
	parent = zero == NULL ? 0 : (size_t)(zero - start) + 1;
	key_child(start, parent, start + parent, len - 1 - parent, out);
}

void
key_child(const void *stem, size_t stem_len, const void *name, size_t name_len,
    struct buf *out)
{
	buf_add(out, stem, stem_len);
	buf_add_u8(out, 0);
	buf_add(out, name, name_len);
}

bool
key_parent(const void *key, size_t len, struct buf *out)
{
	if (len == 0)
		return false;
	key_from_stem(key, key_parent_stem_len(key, len), out);
	return true;
}

int
key_from_path(const char *path, size_t len, struct buf *out, struct err *e)
{
	const char *end = path + len;
	struct buf stem = { 0 };
	int rc = -1;

	if (len == 0 || path[0] != '/') {
		err_set(e, ERR_USAGE, "a path here starts with a slash");
		return -1;
	}
	if (memchr(path, '\0', len) != NULL) {
		err_set(e, ERR_USAGE, "a path has no zero byte");
		return -1;
	}
	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t n = (size_t)((slash != NULL ? slash : end) - path);

		if (n == 2 && memcmp(path, "..", 2) == 0) {
			err_set(e, ERR_USAGE, "\"..\" in a path");
			goto out;
		}
		if (n > 0 && !(n == 1 && path[0] == '.')) {
			buf_add(&stem, path, n);
			buf_add_u8(&stem, 0);
		}
		path += n + 1;
	}
	/* A key is exactly as long as the stem of what it names. */
	if (stem.len > KEY_MAX) {
		err_set(e, ERR_LIMIT, "a path of more than %d bytes", KEY_MAX);
		goto out;
	}
	key_from_stem(stem.data, stem.len, out);
	rc = 0;
out:
	buf_free(&stem);
	return rc;
}

void
key_to_path(const void *key, size_t len, struct buf *out)
{
	const char *p = key;
	const char *end = p + len;

	if (len == 0)
		buf_add_u8(out, '/');
	while (p < end) {
		const char *zero = memchr(p, '\0', (size_t)(end - p));
		size_t n = (size_t)((zero != NULL ? zero : end) - p);

		/* The empty piece is the second zero, before the name. */
		if (n > 0) {
			buf_add_u8(out, '/');
			buf_add(out, p, n);
		}
		p += n + 1;
	}
}

void
key_children(const void *key, size_t len, struct buf *low, struct buf *high)
{
	key_stem(key, len, low);
	buf_add_u8(low, 0);
	key_stem(key, len, high);
	buf_add_u8(high, 1);
}

void
key_descendants(const void *key, size_t len, struct buf *low, struct buf *high)
{
	if (len == 0) {
		buf_add_u8(low, 0);
		return;
	}
	key_stem(key, len, low);
	key_stem(key, len, high);
	high->data[high->len - 1] = 1;
}
