/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The bytes are calls: each first byte says what to read next.  Whatever
 * they are, a reader never leaves its buffer (the sanitizers watch), stays
 * bad once it is, and what it reads as a number is written as the same bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* Read one value as kind says, and write it again. */
static void
read_one(struct wire *w, uint8_t kind, struct buf *b)
{
	uint8_t bytes[16];

	switch (kind % 8) {
	case 0:
		buf_add_u8(b, wire_u8(w));
		break;
	case 1:
		wire_put_u16(b, wire_u16(w));
		break;
	case 2:
		wire_put_u32(b, wire_u32(w));
		break;
	case 3:
		wire_put_u64(b, wire_u64(w));
		break;
	case 4:
		wire_put_varint(b, wire_varint(w));
		break;
	case 5:
		wire_put_svarint(b, wire_svarint(w));
		break;
	case 6:
		wire_copy(w, bytes, kind / 16);
		buf_add(b, bytes, kind / 16);
		break;
	default:
		buf_add(b, wire_bytes(w, kind / 8), wire_ok(w) ? kind / 8 : 0);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf b = { 0 };
	struct wire w;

	wire_init(&w, data, len);
	while (w.left > 0 && wire_ok(&w)) {
		uint8_t kind = wire_u8(&w);
		const uint8_t *before = w.p;

		buf_reset(&b);
		read_one(&w, kind, &b);
		if (!wire_ok(&w))
			break;
		require((size_t)(w.p - before) == b.len);
		require(b.len == 0 || memcmp(before, b.data, b.len) == 0);
	}
	require(wire_done(&w) == (wire_ok(&w) && w.left == 0));
	if (!wire_ok(&w)) {
		require(wire_u64(&w) == 0 && wire_varint(&w) == 0);
		require(wire_bytes(&w, 0) == NULL && !wire_ok(&w));
	}
	buf_free(&b);
	return 0;
}
