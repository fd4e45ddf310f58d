/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/* filters/senderscore/nets: addresses of reports, and lists of networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"

#include "smtpd/filters/senderscore/nets.h"

static const char list[] = "# friends\n"
			   "192.0.2.0/25\n"
			   "  198.51.100.7 # one\r\n"
			   "\n"
			   "2001:db8::/33\n"
			   "203.0.113.9/32";

static void
takes_the_address_from_a_source(void **state)
{
	static const struct {
		const char *text;
		size_t len; /* 0: none */
	} cases[] = {
		{ "192.0.2.1:25", 4 },
		{ "[2001:db8::1]:25", 16 },
		{ "[::ffff:192.0.2.1]:25", 4 },
		{ "unix:/run/smtpd.sock", 0 },
		{ "local", 0 },
		{ "", 0 },
		{ "[", 0 },
		{ "1.2.3:25", 0 },
		{ "[2001:db8::1", 0 },
		{ "00000000000000000000000000000000000000000000000000000000"
		  "000000000000000000000000000000001.2.3.4:25",
		    0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr a = { 0 };
		bool found = net_addr_parse_source(cases[i].text, &a);

		assert_int_equal(found, cases[i].len != 0);
		if (found)
			assert_int_equal(a.len, cases[i].len);
	}
}

static void
knows_what_is_local(void **state)
{
	static const struct {
		const char *text;
		bool local;
	} cases[] = {
		{ "127.0.0.1:1", true },
		{ "10.255.0.1:1", true },
		{ "172.31.0.1:1", true },
		{ "172.32.0.1:1", false },
		{ "100.127.1.1:1", true },
		{ "100.128.1.1:1", false },
		{ "192.0.2.1:1", false },
		{ "[::1]:1", true },
		{ "[::2]:1", false },
		{ "[fe80::1]:1", true },
		{ "[febf::1]:1", true },
		{ "[fec0::1]:1", false },
		{ "[fd00::1]:1", true },
		{ "[2001:db8::1]:1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr a = { 0 };

		assert_true(net_addr_parse_source(cases[i].text, &a));
		assert_int_equal(net_addr_is_local(&a), cases[i].local);
	}
}

static void
a_list_holds_its_networks_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		bool held;
	} cases[] = {
		{ "192.0.2.127:1", true },
		{ "192.0.2.128:1", false },
		{ "[::ffff:192.0.2.1]:1", true },
		{ "198.51.100.7:1", true },
		{ "198.51.100.6:1", false },
		{ "[2001:db8:7fff::1]:1", true },
		{ "[2001:db8:8000::1]:1", false },
		{ "203.0.113.9:1", true },
	};
	struct err e = { 0 };
	struct nets *nets = nets_parse(list, strlen(list), &e);

	(void)state;
	assert_non_null(nets);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr a = { 0 };

		assert_true(net_addr_parse_source(cases[i].text, &a));
		assert_int_equal(nets_hold(nets, &a), cases[i].held);
		assert_false(nets_hold(NULL, &a));
	}
	nets_free(nets);
}

static void
a_bad_line_is_named(void **state)
{
	static const char *const bad[] = { "\n1.2.3.4/33\n", "\nexample.org",
		"\n1.2.3.4/", "\n1.2.3.4/-1", "\n::/129", "\n1.2.3.4 5.6.7.8\n",
		"\n1.2.3\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		assert_null(nets_parse(bad[i], strlen(bad[i]), &e));
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_non_null(strstr(e.msg, "line 2"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_address_from_a_source),
		cmocka_unit_test(knows_what_is_local),
		cmocka_unit_test(a_list_holds_its_networks_and_nothing_else),
		cmocka_unit_test(a_bad_line_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
