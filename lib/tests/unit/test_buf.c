/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

static void
bytes_are_appended_in_order(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_add(&b, "ab", 2);
	buf_add(&b, NULL, 0);
	buf_add_u8(&b, 'c');
	buf_add_zero(&b, 2);
	buf_add_zero(&b, 0);
	buf_add_str(&b, "de");
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, "abc\0\0de", 7);
	buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
}

static void
growing_keeps_what_is_there(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buf_add_u8(&b, (uint8_t)(i * 7));
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], (uint8_t)(i * 7));
	buf_free(&b);
}

static void
reserved_room_is_writable(void **state)
{
	struct buf b = { 0 };
	uint8_t *room;

	(void)state;
	assert_non_null(buf_reserve(&b, 0));
	buf_add_u8(&b, 'x');
	room = buf_reserve(&b, 5000);
	memset(room, 'y', 5000);
	assert_ptr_equal(room, b.data + 1);
	assert_int_equal(b.len, 1); /* reserving is not adding */
	buf_free(&b);
}

static void
printf_grows_to_what_it_needs(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_add_str(&b, "-");
	buf_printf(&b, "%*d", 1000, 7);
	buf_printf(&b, "%s", "");
	assert_int_equal(b.len, 1001);
	assert_int_equal(b.data[0], '-');
	assert_int_equal(b.data[1000], '7');
	buf_free(&b);
}

static void
string_ends_where_the_bytes_do(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_add_str(&b, "abc");
	assert_string_equal(buf_str(&b), "abc");
	assert_int_equal(b.len, 3);
	buf_reset(&b);
	assert_string_equal(buf_str(&b), "");
	buf_free(&b);
}

static void
consuming_takes_from_the_front(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_add_str(&b, "abcdef");
	buf_consume(&b, 0);
	buf_consume(&b, 2);
	assert_string_equal(buf_str(&b), "cdef");
	buf_consume(&b, 4);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_appended_in_order),
		cmocka_unit_test(growing_keeps_what_is_there),
		cmocka_unit_test(reserved_room_is_writable),
		cmocka_unit_test(printf_grows_to_what_it_needs),
		cmocka_unit_test(string_ends_where_the_bytes_do),
		cmocka_unit_test(consuming_takes_from_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
