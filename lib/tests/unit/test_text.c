/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/* The small modules that turn text into values and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/conv.h"
#include "lib/hex.h"
#include "lib/human.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static void
whole_numbers_are_read(void **state)
{
	uint64_t u = 0;
	int64_t i = 0;

	(void)state;
	assert_true(conv_u64("0", 0, UINT64_MAX, &u));
	assert_true(u == 0);
	assert_true(conv_u64("18446744073709551615", 0, UINT64_MAX, &u));
	assert_true(u == UINT64_MAX);
	assert_true(conv_u64("007", 7, 7, &u));
	assert_true(conv_i64("-9223372036854775808", INT64_MIN, 0, &i));
	assert_true(i == INT64_MIN);
	assert_true(conv_i64("9223372036854775807", 0, INT64_MAX, &i));
	assert_true(i == INT64_MAX);
	assert_true(conv_i64("-0", 0, 0, &i));
	assert_true(i == 0);
}

static void
what_is_no_number_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "1.0", "0x10",
		"1e3", "one", "18446744073709551616", "99999999999999999999",
		"-1", "--1", "1-" };
	uint64_t u = 42;
	int64_t i = 42;

	(void)state;
	for (size_t n = 0; n < N(bad); n++) {
		assert_false(conv_u64(bad[n], 0, UINT64_MAX, &u));
		if (strcmp(bad[n], "-1") != 0)
			assert_false(
			    conv_i64(bad[n], INT64_MIN, INT64_MAX, &i));
	}
	assert_false(conv_u64("4", 5, 9, &u));
	assert_false(conv_u64("10", 5, 9, &u));
	assert_false(conv_i64("-6", -5, 9, &i));
	assert_false(conv_i64("9223372036854775808", 0, INT64_MAX, &i));
	assert_false(
	    conv_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &i));
	assert_true(u == 42 && i == 42);
}

static void
sizes_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes; /* 0: refused */
	} cases[] = {
		{ "1", 1 },
		{ "1b", 1 },
		{ "3K", 3072 },
		{ "3k", 3072 },
		{ "3KB", 3072 },
		{ "3KiB", 3072 },
		{ "3Ki", 3072 },
		{ "2m", 2097152 },
		{ "1G", (uint64_t)1 << 30 },
		{ "1T", (uint64_t)1 << 40 },
		{ "16383P", (uint64_t)16383 << 50 },
		{ "16384P", 0 },
		{ "", 0 },
		{ "K", 0 },
		{ "1 K", 0 },
		{ "1KK", 0 },
		{ "1KBB", 0 },
		{ "1X", 0 },
		{ "-1K", 0 },
		{ "1.5G", 0 },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		uint64_t bytes = 0;

		assert_int_equal(
		    conv_size(cases[i].text, &bytes), cases[i].bytes != 0);
		assert_true(bytes == cases[i].bytes);
	}
}

static void
spans_have_units(void **state)
{
	uint64_t s = 0;

	(void)state;
	assert_true(conv_seconds("90", &s) && s == 90);
	assert_true(conv_seconds("90s", &s) && s == 90);
	assert_true(conv_seconds("2m", &s) && s == 120);
	assert_true(conv_seconds("2h", &s) && s == 7200);
	assert_true(conv_seconds("2d", &s) && s == 172800);
	assert_true(conv_seconds("2w", &s) && s == 1209600);
	assert_false(conv_seconds("2y", &s));
	assert_false(conv_seconds("h", &s));
	assert_false(conv_seconds("18446744073709551615w", &s));
	assert_true(s == 1209600);
}

static void
hex_comes_back(void **state)
{
	uint8_t data[256], back[256];
	char text[513];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		data[i] = (uint8_t)i;
	hex_encode(data, 256, text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102030405060708090a0b", 24);
	assert_true(hex_valid(text));
	assert_true(hex_decode(text, 512, back, 256));
	assert_memory_equal(data, back, 256);
}

static void
only_lower_case_hex_of_the_right_length_is_read(void **state)
{
	uint8_t data[2] = { 1, 2 };

	(void)state;
	assert_false(hex_decode("abc", 3, data, 2));
	assert_false(hex_decode("abcde", 5, data, 2));
	assert_false(hex_decode("ABCD", 4, data, 2));
	assert_false(hex_decode("ab:d", 4, data, 2));
	assert_false(hex_decode("abg0", 4, data, 2));
	assert_true(data[0] == 1 && data[1] == 2);
	assert_true(hex_valid(""));
	assert_false(hex_valid("aB"));
}

static void
sizes_read_like_a_person_says_them(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },
		{ 1023, "1023B" },
		{ 1024, "1.0KB" },
		{ 1536, "1.5KB" },
		{ 1048575, "1023.9KB" },
		{ 1048576, "1.0MB" },
		{ 29800000, "28.4MB" },
		{ UINT64_MAX, "15.9EB" },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		char text[HUMAN_LEN];

		human_size(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
spans_read_like_a_person_says_them(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 59, "59s" },
		{ 60, "1m00s" },
		{ 187, "3m07s" },
		{ 18720, "5h12m" },
		{ 86399, "23h59m" },
		{ 273600, "3d04h" },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		char text[HUMAN_LEN];

		human_span(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
times_are_local_or_utc(void **state)
{
	char text[HUMAN_LEN];

	(void)state;
	human_time_utc(1566711241, text);
	assert_string_equal(text, "2019-08-25T05:34:01Z");
	setenv("TZ", "UTC-2", 1); /* two hours east */
	tzset();
	human_time(1566711241, text);
	assert_string_equal(text, "2019-08-25-07:34:01");
	human_time_utc(INT64_MAX, text); /* no such year */
	assert_string_equal(text, "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers_are_read),
		cmocka_unit_test(
		    what_is_no_number_is_refused_and_changes_nothing),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(spans_have_units),
		cmocka_unit_test(hex_comes_back),
		cmocka_unit_test(
		    only_lower_case_hex_of_the_right_length_is_read),
		cmocka_unit_test(sizes_read_like_a_person_says_them),
		cmocka_unit_test(spans_read_like_a_person_says_them),
		cmocka_unit_test(times_are_local_or_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
