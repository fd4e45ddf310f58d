/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/wire.h"

static void
varint_comes_back(void **state)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 300, UINT32_MAX,
		(uint64_t)1 << 63, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct buf b = { 0 };
		struct wire w;

		wire_put_varint(&b, values[i]);
		wire_init(&w, b.data, b.len);
		assert_true(wire_varint(&w) == values[i]);
		assert_true(wire_done(&w));
		buf_free(&b);
	}
}

static void
signed_varint_comes_back(void **state)
{
	static const int64_t values[] = { 0, 1, -1, 63, -64, INT64_MAX,
		INT64_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct buf b = { 0 };
		struct wire w;

		wire_put_svarint(&b, values[i]);
		wire_init(&w, b.data, b.len);
		assert_true(wire_svarint(&w) == values[i]);
		assert_true(wire_done(&w));
		buf_free(&b);
	}
}

static void
varint_refuses_padding_and_overflow(void **state)
{
	static const uint8_t padded[] = { 0x80, 0x00 };
	static const uint8_t overflow[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0x02 };
	struct wire w;

	(void)state;
	wire_init(&w, padded, sizeof(padded));
	assert_true(wire_varint(&w) == 0);
	assert_false(wire_ok(&w));
	wire_init(&w, overflow, sizeof(overflow));
	assert_true(wire_varint(&w) == 0);
	assert_false(wire_ok(&w));
}

static void
reader_stays_bad_after_the_end(void **state)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct wire w;

	(void)state;
	wire_init(&w, data, sizeof(data));
	assert_int_equal(wire_u16(&w), 0x0201);
	assert_int_equal(wire_u32(&w), 0);
	assert_int_equal(wire_u8(&w), 0);
	assert_false(wire_ok(&w));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varint_comes_back),
		cmocka_unit_test(signed_varint_comes_back),
		cmocka_unit_test(varint_refuses_padding_and_overflow),
		cmocka_unit_test(reader_stays_bad_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
