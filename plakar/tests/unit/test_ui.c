/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

#include "plakar/ui/progress.h"
#include "plakar/ui/text.h"
#include "plakar/ui/ui.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static void
control_characters_are_shown_as_numbers(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain text", "plain text" },
		{ "two\nlines", "two\\x0alines" },
		{ "\033[2Jgone\007", "\\x1b[2Jgone\\x07" },
		{ "back\\slash\x7f", "back\\x5cslash\\x7f" },
		{ "caf\xc3\xa9 \xff", "caf\xc3\xa9 \xff" },
		{ "\xc2\x9b"
		  "2J",
		    "\\xc2\\x9b2J" },
		{ "\xc2", "\xc2" },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct buf out = { 0 };

		text_escape(&out, cases[i].text, strlen(cases[i].text));
		assert_string_equal(buf_str(&out), cases[i].want);
		buf_free(&out);
	}
}

static void
json_holds_any_bytes(void **state)
{
	json_t *o = json_object();

	(void)state;
	text_json(o, "good", "caf\xc3\xa9", 5);
	text_json(o, "bad", "caf\xe9", 4);
	assert_string_equal(
	    json_string_value(json_object_get(o, "good")), "caf\xc3\xa9");
	assert_null(json_object_get(o, "bad"));
	assert_string_equal(
	    json_string_value(json_object_get(o, "bad_hex")), "636166e9");
	json_decref(o);
}

static void
progress_tells_what_is_known(void **state)
{
	static const struct {
		struct ui_sample s;
		double seconds;
		size_t columns;
		const char *want;
	} cases[] = {
		{ { .verb = "pushing" }, 0, 79, "pushing 0 files  0B" },
		{ { .verb = "pushing",
		      .files = 12,
		      .files_all = 47,
		      .bytes = 1024,
		      .bytes_all = 4096 },
		    0.1, 79, "pushing 12/47 files  1.0KB/4.0KB" },
		{ { .verb = "pulling",
		      .files = 12,
		      .files_all = 47,
		      .bytes = 1024,
		      .bytes_all = 4096,
		      .all_known = true },
		    4, 79,
		    "pulling 12/47 files  1.0KB/4.0KB 25%  12s left  256B/s" },
		{ { .verb = "pushing",
		      .files = 9,
		      .bytes = 3072,
		      .new_bytes = 1024,
		      .has_new_bytes = true },
		    3, 79, "pushing 9 files  3.0KB  1.0KB/s  dedup 3.0x" },
		{ { .verb = "pushing",
		      .files = 9,
		      .bytes = 3072,
		      .new_bytes = 1024,
		      .has_new_bytes = true },
		    3, 30, "pushing 9 files  3.0KB" },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct buf line = { 0 };

		progress_line(
		    &cases[i].s, cases[i].seconds, cases[i].columns, &line);
		assert_string_equal(buf_str(&line), cases[i].want);
		buf_free(&line);
	}
}

static void
progress_never_exceeds_its_columns(void **state)
{
	const struct ui_sample s = { .verb = "checking",
		.files = UINT64_MAX,
		.files_all = UINT64_MAX,
		.bytes = UINT64_MAX / 2,
		.bytes_all = UINT64_MAX,
		.new_bytes = 1,
		.has_new_bytes = true,
		.all_known = true };
	struct buf line = { 0 };

	(void)state;
	for (size_t columns = 0; columns < 200; columns++) {
		progress_line(&s, 1e9, columns, &line);
		assert_true(line.len <= columns);
	}
	buf_free(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_shown_as_numbers),
		cmocka_unit_test(json_holds_any_bytes),
		cmocka_unit_test(progress_tells_what_is_known),
		cmocka_unit_test(progress_never_exceeds_its_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
