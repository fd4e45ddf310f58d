/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

#include "smtpd/proc/auth/limit.h"
#include "smtpd/smtp/header.h"
#include "smtpd/smtp/sasl.h"

static void
known(struct sasl *s, const char *reply, const char *user, const char *password)
{
	assert_null(reply);
	assert_int_equal(s->state, SASL_DONE);
	assert_string_equal(s->user, user);
	assert_string_equal(s->password, password);
	sasl_clear(s);
	assert_string_equal(s->password, "");
}

static void
plain_comes_in_one_line_or_two(void **state)
{
	struct sasl s = { 0 };

	(void)state;
	known(&s, sasl_begin(&s, "PLAIN AGFsaWNlAHNlY3JldA=="), "alice",
	    "secret");
	assert_string_equal(sasl_begin(&s, "plain"), "334 ");
	known(&s, sasl_line(&s, "AGFsaWNlAHNlY3JldA=="), "alice", "secret");
	/* as herself */
	known(&s, sasl_begin(&s, "PLAIN YWxpY2UAYWxpY2UAc2VjcmV0"), "alice",
	    "secret");
}

static void
login_asks_for_both(void **state)
{
	struct sasl s = { 0 };

	(void)state;
	assert_string_equal(sasl_begin(&s, "LOGIN"), "334 VXNlcm5hbWU6");
	assert_string_equal(sasl_line(&s, "YWxpY2U="), "334 UGFzc3dvcmQ6");
	known(&s, sasl_line(&s, "c2VjcmV0"), "alice", "secret");
	assert_string_equal(
	    sasl_begin(&s, "LOGIN YWxpY2U="), "334 UGFzc3dvcmQ6");
	known(&s, sasl_line(&s, "c2VjcmV0"), "alice", "secret");
}

static void
what_is_no_exchange_is_refused_with_its_code(void **state)
{
	static const char *const cases[][2] = {
		{ "", "501 5.5.4" }, { "CRAM-MD5", "504 5.5.4" },
		{ "PLAINX", "504 5.5.4" }, { "PLAIN =", "535" },
		{ "PLAIN !!!!", "501 5.5.2" },
		{ "PLAIN AGFsaWNlAHNlY3JldA", "501 5.5.2" }, /* no padding */
		{ "PLAIN AGFs=WNlAHNlY3JldA==", "501 5.5.2" },
		{ "PLAIN A===", "501 5.5.2" }, { "PLAIN *", "501 5.7.0" },
		{ "PLAIN YWxpY2U=", "535" },                 /* no NUL */
		{ "PLAIN AGFsaWNl", "535" },                 /* one NUL */
		{ "PLAIN AGFsaWNlAA==", "535" },             /* no password */
		{ "PLAIN Ym9iAGFsaWNlAHNlY3JldA==", "535" }, /* as bob */
		{ "PLAIN AGEAYgBj", "535" },                 /* NUL in it */
		{ "PLAIN AGEKYgBi", "535" }, /* LF in the name */
		{ "PLAIN AGEAYg1j", "535" }, /* CR in it */
	};
	char long_one[1100] = "PLAIN ";
	struct sasl s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *reply = sasl_begin(&s, cases[i][0]);

		assert_non_null(reply);
		if (strncmp(reply, cases[i][1], strlen(cases[i][1])) != 0)
			fail_msg("%s: %s", cases[i][0], reply);
		assert_int_equal(s.state, SASL_IDLE);
	}
	memset(long_one + 6, 'A', sizeof(long_one) - 7);
	long_one[sizeof(long_one) - 1] = '\0';
	assert_string_equal(sasl_begin(&s, long_one),
	    "500 5.5.6 Authentication exchange too long");
	assert_string_equal(
	    sasl_line(&s, "AAAA"), "503 5.5.1 No authentication is going on");
}

static void
masqueraded(const char *header, const char *want)
{
	struct buf out = { 0 };

	header_masquerade(header, strlen(header), "me@example.org", &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
masquerade_keeps_the_name_and_nothing_else(void **state)
{
	(void)state;
	masqueraded("Subject: x\nFrom: Al Ice <a@b>\nTo: c@d\n",
	    "Subject: x\nFrom: Al Ice <me@example.org>\nTo: c@d\n");
	masqueraded("From: a@b\n", "From: <me@example.org>\n");
	masqueraded("From: \"A, <x@y>\" <a@b>\nFROM: z@z\nX-From: q\n",
	    "From: \"A, <x@y>\" <me@example.org>\nX-From: q\n");
	masqueraded(
	    "from:\n\ta@b,\n\tc@d\nA: b\n", "From: <me@example.org>\nA: b\n");
	masqueraded("From: a <b@c>, d <e@f>\n", "From: <me@example.org>\n");
	masqueraded("From: \"a <b@c>\n", "From: <me@example.org>\n");
}

static void
an_address_is_shut_out_for_a_while(void **state)
{
	static struct limit l;
	char other[LIMIT_TEXT];

	(void)state;
	for (int i = 0; i < LIMIT_FAILURES; i++) {
		assert_false(limit_reached(&l, "192.0.2.1", 100));
		limit_failed(&l, "192.0.2.1", 100 + i);
	}
	assert_true(limit_reached(&l, "192.0.2.1", 110));
	assert_false(limit_reached(&l, "192.0.2.2", 110));
	assert_true(limit_reached(&l, "192.0.2.1", 108 + LIMIT_SECONDS));
	assert_false(limit_reached(&l, "192.0.2.1", 109 + LIMIT_SECONDS));
	/* Then it begins anew. */
	limit_failed(&l, "192.0.2.1", 110 + LIMIT_SECONDS);
	assert_false(limit_reached(&l, "192.0.2.1", 110 + LIMIT_SECONDS));
	/* A network of IPv6 is one. */
	for (int i = 0; i < LIMIT_FAILURES; i++) {
		snprintf(other, sizeof(other), "2001:db8::%x", i + 1);
		limit_failed(&l, other, 800);
	}
	assert_true(limit_reached(&l, "2001:db8::ffff", 801));
	assert_false(limit_reached(&l, "2001:db8:0:1::1", 801));
	limit_forget(&l, "2001:db8::1");
	assert_false(limit_reached(&l, "2001:db8::ffff", 801));
}

static void
the_oldest_address_gives_way(void **state)
{
	static struct limit l;
	char address[LIMIT_TEXT];

	(void)state;
	for (int i = 0; i < LIMIT_SOURCES + 1; i++) {
		snprintf(
		    address, sizeof(address), "10.0.%d.%d", i / 256, i % 256);
		for (int n = 0; n < LIMIT_FAILURES; n++)
			limit_failed(&l, address, 100 + (i != 0));
	}
	assert_int_equal(l.n, LIMIT_SOURCES);
	assert_false(limit_reached(&l, "10.0.0.0", 102));
	assert_true(limit_reached(&l, "10.0.0.1", 102));
	assert_true(limit_reached(&l, address, 102));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_comes_in_one_line_or_two),
		cmocka_unit_test(login_asks_for_both),
		cmocka_unit_test(what_is_no_exchange_is_refused_with_its_code),
		cmocka_unit_test(masquerade_keeps_the_name_and_nothing_else),
		cmocka_unit_test(an_address_is_shut_out_for_a_while),
		cmocka_unit_test(the_oldest_address_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
