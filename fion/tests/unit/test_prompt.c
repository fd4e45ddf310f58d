/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A line as it is typed, completed and remembered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <xkbcommon/xkbcommon-keysyms.h>

#include "fion/prompt/prompt.h"

static struct prompt_history history;
static struct prompt p;

static int
begin(void **state)
{
	(void)state;
	prompt_init(&p, "run", &history);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	prompt_clear(&p);
	history_clear(&history);
	return 0;
}

static void
type(const char *text)
{
	char one[2] = "";

	for (; *text != '\0'; text++) {
		one[0] = *text;
		assert_int_equal(
		    prompt_key(&p, (uint8_t)*text, false, one), PROMPT_GOING);
	}
}

static enum prompt_result
press(uint32_t sym)
{
	return prompt_key(&p, sym, false, "");
}

static void
shows(const char *text)
{
	assert_string_equal(prompt_text(&p), text);
}

static void
test_a_line_is_edited(void **state)
{
	(void)state;
	shows("");
	press(XKB_KEY_BackSpace);
	press(XKB_KEY_Delete);
	press(XKB_KEY_Left);
	type("xterm");
	press(XKB_KEY_Home);
	press(XKB_KEY_Delete);
	type("u");
	shows("uterm");
	press(XKB_KEY_End);
	type(" -e top");
	prompt_key(&p, XKB_KEY_w, true, "\x17");
	shows("uterm -e ");
	prompt_key(&p, XKB_KEY_u, true, "\x15");
	shows("");
	assert_int_equal(press(XKB_KEY_Return), PROMPT_DONE);
	assert_int_equal(press(XKB_KEY_Escape), PROMPT_CANCELLED);
	assert_int_equal(
	    prompt_key(&p, XKB_KEY_c, true, "\x03"), PROMPT_CANCELLED);
}

static void
test_characters_are_whole(void **state)
{
	(void)state;
	prompt_key(&p, XKB_KEY_eacute, false, "\xc3\xa9");
	prompt_key(&p, XKB_KEY_EuroSign, false, "\xe2\x82\xac");
	prompt_key(&p, 0x101d11e, false, "\xf0\x9d\x84\x9e");
	assert_int_equal(p.cursor, 9);
	press(XKB_KEY_Left);
	assert_int_equal(p.cursor, 5);
	press(XKB_KEY_BackSpace);
	shows("\xc3\xa9\xf0\x9d\x84\x9e");
	press(XKB_KEY_Delete);
	shows("\xc3\xa9");
	press(XKB_KEY_Home);
	press(XKB_KEY_Right);
	assert_int_equal(p.cursor, 2);
}

static void
test_a_line_has_an_end(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * PROMPT_BYTES; i++)
		type("a");
	assert_int_equal(strlen(prompt_text(&p)), PROMPT_BYTES - 1);
	/* Half of a character does not fit in. */
	press(XKB_KEY_BackSpace);
	prompt_key(&p, XKB_KEY_eacute, false, "\xc3\xa9");
	assert_int_equal(strlen(prompt_text(&p)), PROMPT_BYTES - 2);
}

static void
test_completion_goes_around(void **state)
{
	static const char *const words[] = { "xterm", "top", "xclock", "top",
		"fixterm", "" };

	(void)state;
	for (size_t i = 0; i < 6; i++)
		words_add(&p.words, words[i]);
	words_sort(&p.words);
	assert_int_equal(p.words.n, 4);
	type("XT");
	assert_string_equal(prompt_match(&p, 0), "xterm");
	assert_string_equal(prompt_match(&p, 1), "fixterm");
	assert_null(prompt_match(&p, 2));
	press(XKB_KEY_Tab);
	shows("xterm");
	press(XKB_KEY_Tab);
	shows("fixterm");
	press(XKB_KEY_Tab);
	shows("xterm");
	press(XKB_KEY_Tab);
	press(XKB_KEY_ISO_Left_Tab);
	shows("xterm");
	/* What is typed goes on from there. */
	type(" -e top");
	assert_null(prompt_match(&p, 0));
	press(XKB_KEY_Tab);
	shows("xterm -e top");
}

static void
test_only_a_window_is_picked_unfinished(void **state)
{
	struct prompt w;

	(void)state;
	prompt_init(&w, "window", &history);
	words_add(&w.words, "editor  (Emacs 0x1)");
	prompt_key(&w, XKB_KEY_e, false, "e");
	assert_int_equal(
	    prompt_key(&w, XKB_KEY_Return, false, ""), PROMPT_DONE);
	assert_string_equal(prompt_text(&w), "editor  (Emacs 0x1)");
	prompt_clear(&w);
	words_add(&p.words, "editor");
	type("e");
	press(XKB_KEY_Return);
	shows("e");
}

static void
test_lines_are_remembered_by_kind(void **state)
{
	(void)state;
	history_add(&history, "run", "one");
	history_add(&history, "ssh", "host");
	history_add(&history, "run", "two");
	history_add(&history, "run", "one"); /* again: now it is the last */
	history_add(&history, "run", "");
	assert_int_equal(history.n, 3);
	press(XKB_KEY_Up);
	shows("one");
	press(XKB_KEY_Up);
	shows("two");
	press(XKB_KEY_Up);
	shows("two");
	press(XKB_KEY_Down);
	shows("one");
	press(XKB_KEY_Down);
	shows("");
}

static void
test_history_survives_a_file(void **state)
{
	static const char broken[] = "run a\nnospace\n\nrun b\nrun c\0d\nssh e";
	struct prompt_history again = { .n = 0 };
	struct buf b = { 0 };
	char line[32];

	(void)state;
	for (int i = 0; i < 2 * PROMPT_HISTORY; i++) {
		snprintf(line, sizeof(line), "line %d", i);
		history_add(&history, "run", line);
	}
	assert_int_equal(history.n, PROMPT_HISTORY);
	history_dump(&history, &b);
	history_load(&again, buf_str(&b), b.len);
	assert_int_equal(again.n, PROMPT_HISTORY);
	assert_string_equal(again.lines[PROMPT_HISTORY - 1], "run line 399");
	history_clear(&again);
	history_load(&again, broken, sizeof(broken) - 1);
	assert_int_equal(again.n, 4);
	assert_string_equal(again.lines[2], "run c");
	assert_string_equal(again.lines[3], "ssh e");
	history_clear(&again);
	buf_free(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_line_is_edited),
		TEST(test_characters_are_whole),
		TEST(test_a_line_has_an_end),
		TEST(test_completion_goes_around),
		TEST(test_only_a_window_is_picked_unfinished),
		TEST(test_lines_are_remembered_by_kind),
		TEST(test_history_survives_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
