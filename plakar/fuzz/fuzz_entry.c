/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as an entry: what is accepted is the same when it is written
 * again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf out = { 0 };
	struct entry ent;
	struct err e;

	if (entry_decode(data, len, &ent, &e) == -1) {
		assert(e.kind == ERR_CORRUPT);
		return 0;
	}
	entry_encode(&ent, &out);
	assert(out.len == len && memcmp(out.data, data, len) == 0);
	assert(entry_same_version(&ent, &ent));
	buf_free(&out);
	return 0;
}
