/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"

#include "smtpd/filters/libfilter/line.h"

#define SESSION "7641df9771b4ed00"

static char text[512];

static int
parse(const char *line, struct filter_line *l)
{
	struct err e;

	snprintf(text, sizeof(text), "%s", line);
	return filter_line_parse(text, strlen(text), l, &e);
}

static void
reads_a_connection(void **state)
{
	struct filter_line l;

	(void)state;
	assert_int_equal(
	    parse("report|0.7|15.006099|smtp-in|link-connect|" SESSION
		  "|mx.example.org|pass|[::1]:33174|[::1]:25",
		&l),
	    0);
	assert_int_equal(l.kind, FILTER_LINE_REPORT);
	assert_int_equal(l.seconds, 15);
	assert_true(l.token.session == 0x7641df9771b4ed00U);
	assert_int_equal(l.n, 4);
	assert_string_equal(l.field[0], "mx.example.org");
	assert_string_equal(l.field[3], "[::1]:25");
}

static void
reads_every_version_in_the_order_of_the_newest(void **state)
{
	static const char *const mails[] = {
		"report|0.5|1.0|smtp-in|tx-mail|" SESSION "|0a|a|b@c|ok",
		"report|0.6|1.0|smtp-in|tx-mail|" SESSION "|0a|ok|a|b@c",
		"report|0.7|1.0|smtp-in|tx-mail|" SESSION "|0a|ok|a|b@c",
	};
	static const char *const auths[] = {
		"report|0.6|1.0|smtp-in|link-auth|" SESSION "|a|b|pass",
		"report|0.7|1.0|smtp-in|link-auth|" SESSION "|pass|a|b",
	};
	struct filter_line l;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(parse(mails[i], &l), 0);
		assert_string_equal(l.field[0], "0a");
		assert_string_equal(l.field[1], "ok");
		assert_string_equal(l.field[2], "a|b@c");
	}
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(parse(auths[i], &l), 0);
		assert_string_equal(l.field[0], "pass");
		assert_string_equal(l.field[1], "a|b");
	}
}

static void
keeps_bars_in_the_last_field(void **state)
{
	struct filter_line l;

	(void)state;
	assert_int_equal(
	    parse("filter|0.7|1.0|smtp-in|data-line|" SESSION "|00ff|a|b|", &l),
	    0);
	assert_int_equal(l.kind, FILTER_LINE_REQUEST);
	assert_string_equal(l.token.text, "00ff");
	assert_string_equal(l.field[0], "a|b|");
	assert_int_equal(parse("filter|0.7|1.0|smtp-in|connect|" SESSION
			       "|00ff|mx.example.org|[::1]",
			     &l),
	    0);
	assert_string_equal(l.field[0], "mx.example.org");
	assert_string_equal(l.field[1], "[::1]");
}

static void
refuses_lines_that_are_cut_or_wrong(void **state)
{
	static const char *const bad[] = {
		"config",
		"report",
		"report|0.7",
		"report|1.0|1.0|smtp-in|timeout|" SESSION,
		"report|0.7|x|smtp-in|timeout|" SESSION,
		"report|0.7|1.0|smtp-in|timeout",
		"report|0.7|1.0|smtp-in|timeout|",
		"report|0.7|1.0|smtp-in|timeout|" SESSION "0",
		"report|0.7|1.0|smtp-in|timeout|-641df9771b4ed00",
		"report|0.7|1.0|smtp-in|link-connect|" SESSION "|a|pass|b",
		"report|0.7|1.0|smtp-in|tx-mail|" SESSION "|0a|ok",
		"report|0.5|1.0|smtp-in|tx-mail|" SESSION "|0a",
		"report|0.6|1.0|smtp-in|link-auth|" SESSION,
		"filter|0.7|1.0|smtp-in|helo|" SESSION,
		"filter|0.7|1.0|smtp-in|helo|" SESSION "||x",
		"filter|0.7|1.0|smtp-in|helo|" SESSION
		"|000000000000000000000000000000000|x",
	};
	struct filter_line l;
	struct err e;
	char nul[] = "config|a\0b";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &l), -1);
	assert_int_equal(filter_line_parse(nul, sizeof(nul) - 1, &l, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void
lets_the_future_pass(void **state)
{
	struct filter_line l;

	(void)state;
	assert_int_equal(parse("gossip|x", &l), 0);
	assert_int_equal(l.kind, FILTER_LINE_UNKNOWN);
	assert_int_equal(
	    parse("report|0.12|1.0|smtp-in|link-dance|" SESSION "|a|b", &l), 0);
	assert_string_equal(l.event, "link-dance");
	assert_string_equal(l.field[0], "a|b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_connection),
		cmocka_unit_test(
		    reads_every_version_in_the_order_of_the_newest),
		cmocka_unit_test(keeps_bars_in_the_last_field),
		cmocka_unit_test(refuses_lines_that_are_cut_or_wrong),
		cmocka_unit_test(lets_the_future_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
