/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * What clients say, out of bytes that may be anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fion/text/text.h"
#include "fion/x/props.h"

static void
becomes(const char *bytes, size_t len, bool latin1, const char *text)
{
	char *got = text_clean((const uint8_t *)bytes, len, latin1);

	assert_string_equal(got, text);
	free(got);
}

#define BECOMES(bytes, text) becomes(bytes, sizeof(bytes) - 1, false, text)

static void
test_texts_are_fit_to_be_shown(void **state)
{
	(void)state;
	BECOMES("", "");
	BECOMES("a\tb\nc\x7f", "abc");
	BECOMES("a\0b", "ab");
	BECOMES("\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e",
	    "\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e");
	/* Too long a form, a surrogate, beyond the end, a stray byte. */
	BECOMES("a\xc0\x80z", "a\xef\xbf\xbd\xef\xbf\xbdz");
	BECOMES("\xed\xa0\x80z",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	    "z");
	BECOMES("\xf4\x90\x80\x80",
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	BECOMES("\x80z", "\xef\xbf\xbdz");
	/* Turned around, marked, or cut. */
	BECOMES("a\xe2\x80\xae"
		"b\xe2\x81\xa6"
		"c\xef\xbb\xbf",
	    "abc");
	BECOMES("a\xc2\x9b"
		"b",
	    "ab");
	BECOMES("a\xe2\x82", "a");
	BECOMES("a\xf0\x9d\x84", "a");
	becomes("caf\xe9\x85\n", 6, true, "caf\xc3\xa9");
}

static void
test_texts_end_on_a_character(void **state)
{
	static const char *const letters[] = { "a", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9d\x84\x9e" };
	char text[TEXT_BYTES * 2 + 8];

	(void)state;
	for (size_t size = 1; size <= 4; size++) {
		for (size_t lead = 0; lead < 4; lead++) {
			size_t len = lead;
			char *got;

			memset(text, 'x', lead);
			while (len < TEXT_BYTES * 2) {
				memcpy(text + len, letters[size - 1], size);
				len += size;
			}
			got = text_clean((uint8_t *)text, len, false);
			assert_true(strlen(got) <= TEXT_BYTES);
			assert_true(strlen(got) > TEXT_BYTES - size);
			assert_int_equal((strlen(got) - lead) % size, 0);
			free(got);
		}
	}
}

static void
test_classes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *instance, *class;
	} cases[] = { { "xterm\0XTerm\0", 12, "xterm", "XTerm" },
		{ "xterm\0XTerm", 11, "xterm", "XTerm" },
		{ "xterm", 5, "xterm", "" }, { "xterm\0", 6, "xterm", "" },
		{ "", 0, "", "" }, { "\0\0\0", 3, "", "" },
		{ "a\0b\0c", 5, "a", "b" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *instance, *class;

		props_class((const uint8_t *)cases[i].bytes, cases[i].len,
		    &instance, &class);
		assert_string_equal(instance, cases[i].instance);
		assert_string_equal(class, cases[i].class);
		free(instance);
		free(class);
	}
}

static void
test_what_is_absent_says_nothing(void **state)
{
	struct props_hints h = props_hints(NULL, 0);
	struct props_size s = props_size(NULL, 0);
	struct props_strut strut;
	int w = 100, height = 50;

	(void)state;
	assert_true(h.input && !h.urgent && !h.iconic);
	props_constrain(&s, &w, &height);
	assert_true(w == 100 && height == 50);
	assert_false(props_strut(NULL, 0, false, &strut));
	assert_false(props_has(NULL, 0, 0));
	assert_false(props_motif_plain(NULL, 0));
	assert_true(props_shown(NULL, 0));
	assert_int_equal(props_card(NULL, 0, 0, 7), 7);
}

static void
test_sizes_are_kept_to(void **state)
{
	/* A terminal: at least 20 by 20, in steps of 7 by 13 from 4 by 4. */
	const uint32_t term[18] = { 16 | 64 | 256, [5] = 20, [6] = 20, [9] = 7,
		[10] = 13, [15] = 4, [16] = 4 };
	/* A film: 4 to 3, at most 800 wide; and one that makes no sense. */
	const uint32_t film[18] = { 32 | 128, [7] = 800, [8] = 900, [11] = 4,
		[12] = 3, [13] = 4, [14] = 3 };
	const uint32_t mad[18] = { 16 | 32 | 64, [5] = 500, [6] = 0xffffffff,
		[7] = 100, [8] = 0, [9] = 0, [10] = 0x80000000 };
	struct props_size s;
	int w = 100, h = 100;

	(void)state;
	s = props_size((const uint8_t *)term, sizeof(term));
	props_constrain(&s, &w, &h);
	assert_int_equal(w, 4 + 13 * 7);
	assert_int_equal(h, 4 + 7 * 13);
	w = h = 1;
	props_constrain(&s, &w, &h);
	assert_true(w == 20 && h == 20);
	s = props_size((const uint8_t *)film, sizeof(film));
	w = 600;
	h = 600;
	props_constrain(&s, &w, &h);
	assert_true(w == 600 && h == 450);
	w = 2000;
	h = 100;
	props_constrain(&s, &w, &h);
	assert_true(w == 133 && h == 100);
	s = props_size((const uint8_t *)mad, sizeof(mad));
	w = h = 300;
	props_constrain(&s, &w, &h);
	assert_true(w == 500 && h == 300);
}

static void
test_struts(void **state)
{
	const uint32_t whole[4] = { 0, 0, 24, 0 };
	const uint32_t part[12] = { 0, 0, 24, 0, [8] = 640, [9] = 1279 };
	const uint32_t huge[4] = { 0xffffffff, 0, 0, 0 };
	struct props_strut s;

	(void)state;
	assert_true(
	    props_strut((const uint8_t *)whole, sizeof(whole), false, &s));
	assert_int_equal(s.top, 24);
	assert_true(s.top_from == 0 && s.top_to > 30000);
	assert_false(
	    props_strut((const uint8_t *)whole, sizeof(whole), true, &s));
	assert_true(props_strut((const uint8_t *)part, sizeof(part), true, &s));
	assert_true(s.top_from == 640 && s.top_to == 1279);
	assert_false(
	    props_strut((const uint8_t *)huge, sizeof(huge), false, &s));
}

static void
test_flags(void **state)
{
	const uint32_t hints[9] = { 1 | 2 | 256, 0, 3 };
	const uint32_t short_one[1] = { 1 | 2 };
	const uint32_t plain[5] = { 2, 0, 0 }, framed[5] = { 2, 0, 1 };
	const uint32_t hidden[2] = { 0, 0 }, shown[2] = { 0, 1 };
	struct props_hints h;

	(void)state;
	h = props_hints((const uint8_t *)hints, sizeof(hints));
	assert_true(!h.input && h.urgent && h.iconic);
	h = props_hints((const uint8_t *)short_one, sizeof(short_one));
	assert_true(h.input && !h.iconic);
	assert_true(props_motif_plain((const uint8_t *)plain, sizeof(plain)));
	assert_false(
	    props_motif_plain((const uint8_t *)framed, sizeof(framed)));
	assert_false(props_shown((const uint8_t *)hidden, sizeof(hidden)));
	assert_true(props_shown((const uint8_t *)shown, sizeof(shown)));
	assert_true(props_has((const uint8_t *)plain, sizeof(plain), 2));
	assert_false(props_has((const uint8_t *)plain, 3, 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts_are_fit_to_be_shown),
		cmocka_unit_test(test_texts_end_on_a_character),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_what_is_absent_says_nothing),
		cmocka_unit_test(test_sizes_are_kept_to),
		cmocka_unit_test(test_struts),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
