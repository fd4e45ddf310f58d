/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Tests of spf: the terms of RFC 7208, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "smtpd/ctl/spf.h"

static void
test_version(void **state)
{
	const char *rest;

	(void)state;
	assert_true(spf_is_record("v=spf1 -all", &rest));
	assert_string_equal(rest, " -all");
	assert_true(spf_is_record("V=SPF1", &rest));
	assert_false(spf_is_record("v=spf10 -all", &rest));
	assert_false(spf_is_record("v=spf", &rest));
	assert_false(spf_is_record(" v=spf1", &rest));
}

static void
test_terms(void **state)
{
	const char *p = "  a/24//64 -mx:x.org//48 ?IP4:10.0.0.0/8 "
			"ip6:fd00::/7 exp=%{d} redirect=y.org";
	struct spf_term t;

	(void)state;
	assert_int_equal(spf_next(&p, &t), 1);
	assert_int_equal(t.kind, SPF_A);
	assert_string_equal(t.name, "");
	assert_int_equal(t.bits4, 24);
	assert_int_equal(t.bits6, 64);
	assert_int_equal(spf_next(&p, &t), 1);
	assert_int_equal(t.kind, SPF_MX);
	assert_int_equal(t.qualifier, '-');
	assert_string_equal(t.name, "x.org");
	assert_int_equal(t.bits4, 32);
	assert_int_equal(t.bits6, 48);
	assert_int_equal(spf_next(&p, &t), 1);
	assert_int_equal(t.kind, SPF_IP4);
	assert_int_equal(t.qualifier, '?');
	assert_int_equal(t.bits4, 8);
	assert_int_equal(spf_next(&p, &t), 1);
	assert_int_equal(t.kind, SPF_IP6);
	assert_string_equal(t.name, "fd00::");
	assert_int_equal(t.bits6, 7);
	assert_int_equal(spf_next(&p, &t), 1);
	assert_int_equal(t.kind, SPF_OTHER);
	assert_int_equal(spf_next(&p, &t), 1);
	assert_int_equal(t.kind, SPF_REDIRECT);
	assert_string_equal(t.name, "y.org");
	assert_int_equal(spf_next(&p, &t), 0);
}

static void
test_what_is_no_term(void **state)
{
	static const char *const bad[] = { "ip4", "ip4:", "ip4:x",
		"ip4:1.2.3.4/33", "ip4:1.2.3.4//8", "ip6:1.2.3.4", "ip6:::/129",
		"all:x", "all/8", "include", "include:", "exists", "a:", "a/",
		"a/x", "a//129", "a/8//", "redirect=", "7x=y", "nothing",
		"--all", "+" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *p = bad[i];
		struct spf_term t;

		if (spf_next(&p, &t) != -1)
			fail_msg("\"%s\" is taken", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_what_is_no_term),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
