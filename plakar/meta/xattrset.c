/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/wire.h"

#include "plakar/meta/xattrset.h"

void
xattrset_add(struct buf *set, const char *name, size_t name_len,
    const void *value, size_t value_len)
{
	wire_put_varint(set, name_len);
	buf_add(set, name, name_len);
	wire_put_varint(set, value_len);
	buf_add(set, value, value_len);
}

static bool
read_one(struct wire *w, struct xattr *one)
{
	uint64_t len = wire_varint(w);

	if (len == 0 || len > XATTRSET_NAME_MAX)
		return false;
	one->name_len = (size_t)len;
	one->name = (const char *)wire_bytes(w, one->name_len);
	len = wire_varint(w);
	if (!wire_ok(w) || len > w->left)
		return false;
	one->value_len = (size_t)len;
	one->value = wire_bytes(w, one->value_len);
	return memchr(one->name, '\0', one->name_len) == NULL;
}

bool
xattrset_next(const void *set, size_t len, size_t *offset, struct xattr *one)
{
	struct wire w;
	bool ok;

	if (*offset == len)
		return false;
	wire_init(&w, (const uint8_t *)set + *offset, len - *offset);
	ok = read_one(&w, one);
	assert(ok);
	*offset = len - w.left;
	return true;
}

static int
compare(const struct xattr *a, const char *name, size_t len)
{
	size_t n = a->name_len < len ? a->name_len : len;
	int order = memcmp(a->name, name, n);

	return order != 0 ? order : (a->name_len > len) - (a->name_len < len);
}

int
xattrset_check(const void *set, size_t len, struct err *e)
{
	struct xattr one, before = { 0 };
	struct wire w;

	wire_init(&w, set, len);
	if (len > XATTRSET_MAX) {
		err_set(e, ERR_CORRUPT, "attributes of %zu bytes", len);
		return -1;
	}
	while (w.left > 0) {
		if (!read_one(&w, &one)) {
			err_set(e, ERR_CORRUPT, "malformed attributes");
			return -1;
		}
		if (before.name != NULL &&
		    compare(&before, one.name, one.name_len) >= 0) {
			err_set(e, ERR_CORRUPT, "attributes out of order");
			return -1;
		}
		before = one;
	}
	return 0;
}

bool
xattrset_have(const void *set, size_t len, const char *name)
{
	struct xattr one;
	size_t offset = 0;

	while (xattrset_next(set, len, &offset, &one))
		if (compare(&one, name, strlen(name)) == 0)
			return true;
	return false;
}
