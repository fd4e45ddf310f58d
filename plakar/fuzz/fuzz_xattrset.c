/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/* A set that is accepted is made again, byte for byte, from its attributes. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/meta/xattrset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf again = { 0 };
	struct xattr one;
	size_t offset = 0;
	struct err e;

	if (xattrset_check(data, len, &e) == -1)
		return 0;
	while (xattrset_next(data, len, &offset, &one))
		xattrset_add(
		    &again, one.name, one.name_len, one.value, one.value_len);
	assert(again.len == len);
	assert(len == 0 || memcmp(again.data, data, len) == 0);
	buf_free(&again);
	return 0;
}
