/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

#include "smtpd/dns/dns.h"

static uint32_t
zero(void)
{
	return 0;
}

static void
names_are_read_whole_or_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *name; /* NULL: refused */
	} cases[] = {
		{ "\2mx\3org", 8, "mx.org" },
		{ "", 1, "." },
		{ "\2mx", 3, NULL },     /* no end */
		{ "\2mx\0x", 5, NULL },  /* more after the end */
		{ "\3a\nb", 5, NULL },   /* a line end */
		{ "\3a b", 5, NULL },    /* a blank */
		{ "\xc0\x0c", 3, NULL }, /* a pointer */
		{ "\5_dmar\1-", 9, "_dmar.-" },
		{ "\77short", 7, NULL },
	};
	char name[DNS_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = dns_read_name(cases[i].data, cases[i].len, name);

		assert_int_equal(ok, cases[i].name != NULL);
		if (ok)
			assert_string_equal(name, cases[i].name);
	}
}

static void
an_mx_has_a_preference_and_a_name(void **state)
{
	struct dns_host h;

	(void)state;
	assert_true(dns_read_mx("\1\2\1a", 5, &h));
	assert_int_equal(h.preference, 258);
	assert_string_equal(h.name, "a");
	assert_true(dns_read_mx("\0\0\0", 3, &h));
	assert_string_equal(h.name, ".");
	assert_false(dns_read_mx("\0\1", 2, &h));
}

static void
hosts_are_sorted_and_our_own_dropped(void **state)
{
	struct dns_host h[4] = { { .preference = 30, .name = "c" },
		{ .preference = 10, .name = "a" },
		{ .preference = 20, .name = "We.Example" },
		{ .preference = 20, .name = "b" } };

	(void)state;
	dns_sort(h, 4, zero);
	assert_string_equal(h[0].name, "a");
	assert_string_equal(h[3].name, "c");
	assert_int_equal(dns_drop_own(h, 4, "other"), 4);
	assert_int_equal(dns_drop_own(h, 4, "we.example"), 1);
	assert_string_equal(h[0].name, "a");
	assert_int_equal(dns_drop_own(h, 1, "a"), 0);
}

static void
equals_come_in_any_order(void **state)
{
	bool seen[2] = { false, false };

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct dns_host h[2] = { { .name = "a" }, { .name = "b" } };

		dns_sort(h, 2, arc4random);
		seen[h[0].name[0] == 'b'] = true;
	}
	assert_true(seen[0] && seen[1]);
}

static void
addresses_are_read_written_and_reversed(void **state)
{
	char text[DNS_ADDRESS_TEXT], name[DNS_REVERSE_MAX];
	struct dns_address a;

	(void)state;
	assert_true(dns_parse_address("[IPv6:2001:db8::1]", &a));
	dns_format_address(&a, text);
	assert_string_equal(text, "2001:db8::1");
	dns_reverse(&a, name);
	assert_string_equal(name,
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0."
	    "1.0.0.2.ip6.arpa");
	assert_true(dns_parse_address("192.0.2.7", &a));
	dns_reverse(&a, name);
	assert_string_equal(name, "7.2.0.192.in-addr.arpa");
	assert_false(dns_parse_address("example.org", &a));
	assert_false(dns_parse_address("", &a));
}

static void
answers_survive_the_way(void **state)
{
	struct dns_host h = { .preference = 5, .name = "mx.example.org" };
	struct dns_answer a = { 7, DNS_MX, DNS_OK, &h, 1 }, back;
	struct buf b = { 0 };

	(void)state;
	for (unsigned i = 0; i < DNS_ADDRESSES_MAX + 3; i++)
		dns_add_address(&h, "\177\0\0\1", 4);
	assert_int_equal(h.n, DNS_ADDRESSES_MAX);
	dns_answer_encode(&a, &b);
	assert_true(dns_answer_decode(b.data, b.len, &back));
	assert_int_equal(back.n, 1);
	assert_memory_equal(back.hosts, &h, sizeof(h));
	dns_answer_clear(&back);
	for (size_t len = 0; len < b.len; len++) {
		/* Cut after the head, it is an answer without hosts. */
		if (dns_answer_decode(b.data, len, &back)) {
			assert_int_equal(len, 6);
			dns_answer_clear(&back);
		}
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_read_whole_or_refused),
		cmocka_unit_test(an_mx_has_a_preference_and_a_name),
		cmocka_unit_test(hosts_are_sorted_and_our_own_dropped),
		cmocka_unit_test(equals_come_in_any_order),
		cmocka_unit_test(addresses_are_read_written_and_reversed),
		cmocka_unit_test(answers_survive_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
