/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a snapshot: one that is accepted means the same when it is
 * written and read again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct snapshot s, back;
	struct buf out = { 0 }, again = { 0 };
	struct err e;
	int rc;

	if (snapshot_decode(data, len, &s, &e) == -1)
		return 0;
	assert(s.host != NULL && s.user != NULL && s.roots_count > 0);
	for (size_t i = 0; i < s.roots_count; i++)
		assert(s.roots[i][0] == '/');
	snapshot_encode(&s, &out);
	rc = snapshot_decode(out.data, out.len, &back, &e);
	assert(rc == 0);
	snapshot_encode(&back, &again);
	assert(again.len == out.len);
	assert(memcmp(again.data, out.data, out.len) == 0);
	snapshot_clear(&s);
	snapshot_clear(&back);
	buf_free(&out);
	buf_free(&again);
	return 0;
}
