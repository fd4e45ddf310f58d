/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/filter/line.h"
#include "smtpd/filters/libfilter/line.h"

static const struct filter_time at = { 1700000000, 42 };

#define LINE_HEAD                                                              \
	"filter|0.7|1700000000.000042|smtp-in|data-line|00000000000000ff|"     \
	"0123456789abcdef|"

static void
lines_are_written_byte_for_byte(void **state)
{
	static const char *const fields[] = { "mx.example.org", "pass",
		"[::1]:25", "1.2.3.4:25" };
	static const char want[] =
	    "config|protocol|0.7\n"
	    "config|ready\n"
	    "report|0.7|1700000000.000042|smtp-in|link-connect|"
	    "00000000000000ff|mx.example.org|pass|[::1]:25|1.2.3.4:25\n"
	    "report|0.7|1700000000.000042|smtp-out|link-disconnect|"
	    "00000000000000ff\n"
	    "filter|0.7|1700000000.000042|smtp-in|commit|00000000000000ff|"
	    "0123456789abcdef|\n" LINE_HEAD "..a|b\n" LINE_HEAD "\n" LINE_HEAD
	    "..\n" LINE_HEAD ".a|b\n";
	struct buf b = { 0 };

	(void)state;
	assert_true(filter_put_config(&b, "protocol", "0.7"));
	assert_true(filter_put_config(&b, "ready", NULL));
	assert_true(filter_put_report(
	    &b, at, false, FILTER_LINK_CONNECT, 0xff, fields, 4));
	assert_true(filter_put_report(
	    &b, at, true, FILTER_LINK_DISCONNECT, 0xff, NULL, 0));
	assert_true(filter_put_request(
	    &b, at, FILTER_COMMIT, 0xff, 0x0123456789abcdef, ""));
	filter_put_datalines(
	    &b, at, 0xff, 0x0123456789abcdef, ".a|b\n\nc\r\n.\n", 11);
	assert_true(
	    filter_put_dataline(&b, at, 0xff, 0x0123456789abcdef, ".a|b", 4));
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void
what_would_break_a_line_is_not_written(void **state)
{
	static const char *const bars[] = { "a|b", "c" };
	static const char *const last[] = { "a", "b|c" };
	static const char *const cr[] = { "a\rb" };
	char *big = xcalloc(1, FILTER_OUT_MAX + 1);
	struct buf b = { 0 };

	(void)state;
	memset(big, 'x', FILTER_OUT_MAX);
	assert_false(
	    filter_put_report(&b, at, false, FILTER_TX_DATA, 1, bars, 2));
	assert_true(
	    filter_put_report(&b, at, false, FILTER_TX_DATA, 1, last, 2));
	buf_reset(&b);
	assert_false(
	    filter_put_report(&b, at, false, FILTER_TX_DATA, 1, cr, 1));
	assert_false(filter_put_request(&b, at, FILTER_HELO, 1, 1, "a\nb"));
	assert_false(filter_put_request(&b, at, FILTER_HELO, 1, 1, big));
	assert_false(filter_put_dataline(&b, at, 1, 1, "a\0b", 3));
	assert_int_equal(b.len, 0);
	buf_free(&b);
	free(big);
}

static void
programs_read_what_smtpd_writes(void **state)
{
	struct buf b = { 0 };
	struct filter_line l;
	struct err e;

	(void)state;
	assert_true(filter_put_request(
	    &b, at, FILTER_CONNECT, 0xabc, 7, "mx.example.org|1.2.3.4"));
	b.data[b.len - 1] = '\0';
	assert_int_equal(
	    filter_line_parse((char *)b.data, b.len - 1, &l, &e), 0);
	assert_int_equal(l.kind, FILTER_LINE_REQUEST);
	assert_int_equal(l.token.session, 0xabc);
	assert_string_equal(l.token.text, "0000000000000007");
	assert_string_equal(l.event, "connect");
	assert_string_equal(l.field[1], "1.2.3.4");
	buf_free(&b);
}

static int
parse(const char *text, struct filter_said *s, char **copy)
{
	struct err e;

	*copy = xstrdup(text);
	return filter_said_parse(*copy, strlen(*copy), s, &e);
}

static void
answers_are_read(void **state)
{
	static const struct {
		const char *text;
		enum filter_verdict verdict;
		const char *what;
	} all[] = {
		{ "filter-result|ff|a1|proceed", FILTER_PROCEED, "" },
		{ "filter-result|ff|a1|proceed\r", FILTER_PROCEED, "" },
		{ "filter-result|FF|A1|junk", FILTER_JUNK, "" },
		{ "filter-result|00000000000000ff|00000000000000a1|junk",
		    FILTER_JUNK, "" },
		{ "filter-result|ff|a1|reject|550 a|b", FILTER_REJECT,
		    "550 a|b" },
		{ "filter-result|ff|a1|disconnect|421 x", FILTER_DISCONNECT,
		    "421 x" },
		{ "filter-result|ff|a1|rewrite|", FILTER_REWRITE, "" },
		{ "filter-result|ff|a1|report|t", FILTER_SAY, "t" },
	};
	struct filter_said s;
	char *copy;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(parse(all[i].text, &s, &copy), 0);
		assert_int_equal(s.kind, FILTER_SAID_RESULT);
		assert_int_equal(s.session, 0xff);
		assert_int_equal(s.token, 0xa1);
		assert_int_equal(s.verdict, all[i].verdict);
		assert_string_equal(s.text, all[i].what);
		free(copy);
	}
	assert_int_equal(parse("filter-dataline|1|2|a|b", &s, &copy), 0);
	assert_int_equal(s.kind, FILTER_SAID_LINE);
	assert_string_equal(s.text, "a|b");
	assert_int_equal(s.len, 3);
	free(copy);
	assert_int_equal(parse("register|report|smtp-out|*", &s, &copy), 0);
	assert_true(s.smtp_out);
	assert_int_equal(s.events, FILTER_ALL_EVENTS);
	free(copy);
	assert_int_equal(
	    parse("register|filter|smtp-in|mail-from", &s, &copy), 0);
	assert_int_equal(s.phase, FILTER_MAIL_FROM);
	free(copy);
}

static void
what_is_no_line_is_refused(void **state)
{
	static const char *const all[] = { "", "hello", "register", "register|",
		"register|ready|x", "register|report|smtp-in",
		"register|report|smtp-in|lunch",
		"register|filter|smtp-out|helo",
		"register|report|smtp-in|timeout|x", "filter-result|1|2",
		"filter-result|1|2|perhaps", "filter-result|1|2|proceed|x",
		"filter-result|1|2|reject", "filter-result||2|proceed",
		"filter-result|1|x|proceed",
		"filter-result|11111111111111111|2|proceed",
		"filter-dataline|1|2", "filter-dataline|1|2|a\rb", "report|1",
		"report|1|smtp-up|1|x", "report|1|smtp-in|1" };
	struct filter_said s;
	char *copy;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (parse(all[i], &s, &copy) != -1)
			fail_msg("taken: %s", all[i]);
		free(copy);
	}
}

static void
names_go_both_ways(void **state)
{
	enum filter_phase phase;
	enum filter_event event;

	(void)state;
	for (unsigned i = 0; i < FILTER_PHASES; i++) {
		assert_true(filter_phase_find(filter_phase_name(i), &phase));
		assert_int_equal(phase, i);
	}
	for (unsigned i = 0; i < FILTER_EVENTS; i++) {
		assert_true(filter_event_find(filter_event_name(i), &event));
		assert_int_equal(event, i);
	}
	assert_string_equal(filter_response_name(FILTER_CONNECT), "connected");
	assert_string_equal(filter_response_name(FILTER_STARTTLS), "tls");
	assert_true(filter_reply_valid("550 x"));
	assert_false(filter_reply_valid("550"));
	assert_false(filter_reply_valid("250 ok"));
	assert_false(filter_reply_valid(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_written_byte_for_byte),
		cmocka_unit_test(what_would_break_a_line_is_not_written),
		cmocka_unit_test(programs_read_what_smtpd_writes),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(what_is_no_line_is_refused),
		cmocka_unit_test(names_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
