/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * What status commands print: plain lines, and i3bar's protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"

#include "fion/bar/status.h"
#include "fion/text/text.h"

#define HEADER "{\"version\":1,\"click_events\":true}\n[\n"

static struct status s;
static struct err e;

static int
begin(void **state)
{
	(void)state;
	status_init(&s);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	status_clear(&s);
	return 0;
}

static int
feed(const char *text)
{
	return status_feed(&s, (const uint8_t *)text, strlen(text), &e);
}

static void
test_plain_lines(void **state)
{
	(void)state;
	assert_int_equal(feed("load 0."), 0);
	assert_int_equal(feed("42\nload 1"), 1);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.blocks[0].text, "load 0.42");
	assert_int_equal(feed(".00\nlast\n"), 1);
	assert_string_equal(s.blocks[0].text, "last");
	assert_false(s.clicks);
	assert_int_equal(feed("\n"), 1);
	assert_string_equal(s.blocks[0].text, "");
}

static void
test_a_text_for_little_room(void **state)
{
	(void)state;
	assert_int_equal(
	    feed(HEADER "[{\"full_text\":\"long\",\"short_text\":\"s\\u0007\"},"
			"{\"full_text\":\"a\"},"
			"{\"full_text\":\"b\",\"short_text\":7}]"),
	    1);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.blocks[0].text, "long");
	assert_string_equal(s.blocks[0].brief, "s");
	assert_null(s.blocks[1].brief);
	assert_null(s.blocks[2].brief);
	assert_int_equal(feed(",[{\"full_text\":\"c\"}]"), 1);
	assert_null(s.blocks[0].brief);
}

static void
test_plain_lines_are_cleaned(void **state)
{
	static const char line[] = "a\033[31mb\t\xff"
				   "c\xe2\x80\xae"
				   "d\0e\n";
	char wide[3 * TEXT_BYTES];

	(void)state;
	assert_int_equal(
	    status_feed(&s, (const uint8_t *)line, sizeof(line) - 1, &e), 1);
	assert_string_equal(s.blocks[0].text,
	    "a[31mb\xef\xbf\xbd"
	    "cde");
	for (size_t i = 0; i < sizeof(wide); i += 3)
		memcpy(wide + i, "\xe2\x82\xac", 3);
	wide[sizeof(wide) - 1] = '\n';
	status_feed(&s, (const uint8_t *)wide, sizeof(wide), &e);
	assert_int_equal(strlen(s.blocks[0].text), TEXT_BYTES / 3 * 3);
}

static void
test_blocks(void **state)
{
	(void)state;
	assert_int_equal(
	    feed(HEADER "[{\"full_text\":\"a\",\"color\":\"#ff0080\","
			"\"urgent\":true,\"name\":\"n\",\"instance\":\"i\"},"
			"{\"short_text\":\"none\"},"
			"{\"full_text\":\"b]\\\"\\u0007\"}]\n"),
	    1);
	assert_true(s.is_json && s.clicks);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.blocks[0].text, "a");
	assert_true(s.blocks[0].has_colour && s.blocks[0].urgent);
	assert_int_equal(s.blocks[0].colour, 0xff0080);
	assert_string_equal(s.blocks[0].name, "n");
	assert_string_equal(s.blocks[0].instance, "i");
	assert_string_equal(s.blocks[1].text, "b]\"");
	assert_false(s.blocks[1].has_colour);
	/* The last of several counts; what is not whole yet waits. */
	assert_int_equal(
	    feed(",[{\"full_text\":\"x\"}]\n,[{\"full_text\":\"y\"}],[{"), 1);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.blocks[0].text, "y");
	assert_int_equal(feed("\"full_text\":\"z\"}]"), 1);
	assert_string_equal(s.blocks[0].text, "z");
	assert_int_equal(feed("\n,[]\n"), 1);
	assert_int_equal(s.n, 0);
}

static void
test_a_bracket_may_come_later(void **state)
{
	(void)state;
	assert_int_equal(feed("{\"version\":1}"), 0);
	assert_int_equal(feed("\n"), 0);
	assert_int_equal(feed("\n ["), 0);
	assert_int_equal(feed("[{\"full_text\":\"a\"}]"), 1);
	assert_string_equal(s.blocks[0].text, "a");
	assert_false(s.clicks);
}

static void
test_colours_that_are_none(void **state)
{
	(void)state;
	assert_int_equal(
	    feed(HEADER "[{\"full_text\":\"a\",\"color\":\"red\"},"
			"{\"full_text\":\"b\",\"color\":\"#12\"},"
			"{\"full_text\":\"c\",\"color\":7},"
			"{\"full_text\":\"d\",\"color\":\"#zzzzzz\"},"
			"{\"full_text\":\"e\",\"color\":\"#11223344\"}]"),
	    1);
	for (size_t i = 0; i < 4; i++)
		assert_false(s.blocks[i].has_colour);
	assert_int_equal(s.blocks[4].colour, 0x112233);
}

static void
test_nonsense_ends_it(void **state)
{
	static const char *const texts[] = { HEADER "x", HEADER "[}]",
		HEADER "[{\"full_text\":\"\xff\"}]", HEADER "{}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(feed(texts[i]), -1);
		assert_non_null(strstr(e.msg, "status command"));
		status_clear(&s);
	}
}

static void
test_too_much_ends_it(void **state)
{
	char many[4096];

	(void)state;
	memset(many, 'a', sizeof(many));
	for (size_t i = 0; i < STATUS_BYTES / sizeof(many); i++)
		assert_int_equal(
		    status_feed(&s, (uint8_t *)many, sizeof(many), &e), 0);
	assert_int_equal(
	    status_feed(&s, (uint8_t *)many, sizeof(many), &e), -1);
}

static void
test_no_more_blocks_than_there_is_room_for(void **state)
{
	(void)state;
	feed(HEADER "[");
	for (int i = 0; i < 2 * STATUS_BLOCKS; i++)
		feed("{\"full_text\":\"a\"},");
	assert_int_equal(feed("{\"full_text\":\"a\"}]"), 1);
	assert_int_equal(s.n, STATUS_BLOCKS);
}

static void
test_clicks_name_their_block(void **state)
{
	struct buf b = { 0 };

	(void)state;
	feed(HEADER "[{\"full_text\":\"a\"},{\"full_text\":\"b\","
		    "\"name\":\"n\\\"\",\"instance\":\"\\u0001\"}]");
	status_click(&s, 1, 3, &b);
	assert_string_equal(buf_str(&b),
	    "[\n{\"name\":\"n\\\"\",\"instance\":\"\\u0001\",\"button\":3}\n");
	buf_free(&b);
	status_click(&s, 0, 1, &b);
	assert_string_equal(
	    buf_str(&b), ",{\"name\":\"\",\"instance\":\"\",\"button\":1}\n");
	buf_free(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain_lines),
		TEST(test_plain_lines_are_cleaned),
		TEST(test_a_text_for_little_room),
		TEST(test_blocks),
		TEST(test_a_bracket_may_come_later),
		TEST(test_colours_that_are_none),
		TEST(test_nonsense_ends_it),
		TEST(test_too_much_ends_it),
		TEST(test_no_more_blocks_than_there_is_room_for),
		TEST(test_clicks_name_their_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
