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

#include "smtpd/conf/conf.h"
#include "smtpd/conf/source.h"
#include "smtpd/deliver/delivery.h"
#include "smtpd/lookup/aliases.h"
#include "smtpd/lookup/table.h"
#include "smtpd/schedule/schedule.h"

static void
matchers_follow_table_5(void **state)
{
	(void)state;
	assert_true(table_match_domain("*.example.org", "a.Example.org"));
	assert_false(table_match_domain("*", ""));
	assert_false(table_match_domain("example.org", "xexample.org"));
	assert_true(table_match_netaddr("192.0.2.0/24", "192.0.2.77"));
	assert_false(table_match_netaddr("192.0.2.0/25", "192.0.2.200"));
	assert_true(table_match_netaddr("[2001:db8::/32]", "2001:db8::1") ||
	    table_match_netaddr("2001:db8::/32", "IPv6:2001:db8::1"));
	assert_false(table_match_netaddr("0.0.0.0/0", "::1"));
	assert_true(table_match_netaddr("local", "local"));
	assert_false(table_match_netaddr("0.0.0.0/0", "local"));
	assert_true(table_match_mailaddr("user", "user+tag@x"));
	assert_true(table_match_mailaddr("@*.org", "a@b.org"));
	assert_true(table_match_mailaddr("@", "a@b"));
	assert_false(table_match_mailaddr("user+x@b", "user@b"));
	assert_false(table_match_mailaddr("user@b", "user@c"));
}

static void
table_file_is_a_list_or_a_mapping(void **state)
{
	static const char map[] = "# c\nRoot: a, b\n[::1] x\nroot c\n";
	static const char list[] = "# @list\na b\n";
	struct buf value = { 0 };
	struct err e;
	struct table *t = table_parse("map", map, sizeof(map) - 1, &e);

	(void)state;
	assert_non_null(t);
	assert_int_equal(table_lookup(t, TABLE_ALIAS, "ROOT", &value, &e), 1);
	assert_string_equal(buf_str(&value), "c");
	assert_int_equal(table_lookup(t, TABLE_ALIAS, "[::1]", NULL, &e), 1);
	table_free(t);
	t = table_parse("list", list, sizeof(list) - 1, &e);
	assert_int_equal(table_lookup(t, TABLE_STRING, "a b", NULL, &e), 1);
	table_free(t);
	assert_null(table_parse("bad", "a b\nc\n", 6, &e));
	assert_string_equal(e.msg, "bad:2: a key without a value");
	buf_free(&value);
}

/* CVE-2020-35679: a lookup with a regular expression must keep nothing. */
static void
cve_2020_35679_regex_is_compiled_once(void **state)
{
	struct err e;
	struct table *t = table_parse("r", "^a.*z$\n", 7, &e);

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(
		    table_lookup(t, TABLE_REGEX, "abcz", NULL, &e), 1);
	table_free(t);
	t = table_parse("r", "a(b\n", 4, &e);
	assert_int_equal(table_check_regex(t, &e), -1);
	table_free(t);
}

static void
alias_values_are_told_apart(void **state)
{
	static const char text[] =
	    "bob, \\carol,a@b.c, /var/x, \"|cmd a,b\", :include:/f, "
	    "error:550 gone, \"x y\"@d.e # note";
	struct alias_list l = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(aliases_parse(text, sizeof(text) - 1, &l, &e), 0);
	assert_int_equal(l.n, 8);
	assert_int_equal(l.targets[0].kind, ALIAS_USER);
	assert_true(l.targets[1].final);
	assert_string_equal(l.targets[1].text, "carol");
	assert_int_equal(l.targets[2].kind, ALIAS_ADDRESS);
	assert_int_equal(l.targets[3].kind, ALIAS_FILE);
	assert_string_equal(l.targets[4].text, "cmd a,b");
	assert_int_equal(l.targets[5].kind, ALIAS_INCLUDE);
	assert_string_equal(l.targets[6].text, "550 gone");
	assert_string_equal(l.targets[7].address.local, "\"x y\"");
	alias_list_free(&l);
	assert_int_equal(aliases_parse("error:200 x", 11, &l, &e), -1);
	assert_int_equal(aliases_parse("a b", 3, &l, &e), -1);
	assert_int_equal(aliases_parse("", 0, &l, &e), 0);
	assert_int_equal(l.n, 0);
}

static void
retries_lie_further_and_further_apart(void **state)
{
	uint64_t now = 1000, last = 1000;

	(void)state;
	for (unsigned retry = 1; retry < 20; retry++) {
		uint64_t at = schedule_backoff(1000, 400, retry, now, 0);

		assert_true(at > now);
		assert_true(at - last <= 400ULL * retry * retry);
		last = now;
		now = at;
	}
}

static void
schedule_gives_what_is_due_in_order(void **state)
{
	struct schedule *s = schedule_new();
	uint64_t ids[4];

	(void)state;
	schedule_put(s, 1, 30);
	schedule_put(s, 2, 10);
	schedule_put(s, 3, 20);
	schedule_put(s, 1, 5);
	schedule_remove(s, 3);
	assert_int_equal(schedule_next(s), 5);
	assert_int_equal(schedule_take(s, 10, ids, 4), 2);
	assert_int_equal(ids[0], 1);
	assert_int_equal(ids[1], 2);
	assert_int_equal(schedule_next(s), UINT64_MAX);
	schedule_free(s);
}

static void
format_of(const char *text, const char *want)
{
	struct delivery d = { .user = (char[]){ "bob" },
		.home = (char[]){ "/home/bob" },
		.hostname = (char[]){ "h" },
		.delimiter = '+',
		.body_fd = -1 };
	struct buf out = { 0 };
	bool ok;

	assert_true(address_parse("Al;x`y@b.c", 10, false, &d.sender) ||
	    address_parse("Al`x@b.c", 8, false, &d.sender));
	assert_true(address_parse("bob+tag@d.e", 11, false, &d.dest));
	ok = delivery_format(&d, text, &out, NULL);
	if (want == NULL)
		assert_false(ok);
	else
		assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
format_specifiers_expand(void **state)
{
	(void)state;
	format_of("%{user.username}/%{dest.domain}", "bob/d.e");
	format_of("%{user.username[0]}%{user.username[-2:]}", "bob");
	format_of("%{dest|strip}", "bob@d.e");
	format_of("%{sender.user|lowercase}", "al:x");
	format_of("%{sender.user|raw|uppercase}", "AL`X");
	format_of("%{user.username[0:1]|uppercase}", "BO");
	format_of("100%%", "100%");
	format_of("%{nothing}", NULL);
	format_of("%{dest|shout}", NULL);
	format_of("%{dest", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matchers_follow_table_5),
		cmocka_unit_test(table_file_is_a_list_or_a_mapping),
		cmocka_unit_test(cve_2020_35679_regex_is_compiled_once),
		cmocka_unit_test(alias_values_are_told_apart),
		cmocka_unit_test(retries_lie_further_and_further_apart),
		cmocka_unit_test(schedule_gives_what_is_due_in_order),
		cmocka_unit_test(format_specifiers_expand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
