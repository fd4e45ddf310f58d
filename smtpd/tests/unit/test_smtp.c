/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lib/buf.h"

#include "smtpd/smtp/address.h"
#include "smtpd/smtp/command.h"
#include "smtpd/smtp/data.h"
#include "smtpd/smtp/header.h"
#include "smtpd/smtp/proxy.h"
#include "smtpd/smtp/qualify.h"

static bool
parses(const char *text, bool utf8)
{
	struct address a;

	return address_parse(text, strlen(text), utf8, &a);
}

static void
address_takes_what_rfc_5321_allows(void **state)
{
	(void)state;
	assert_true(parses("user@example.org", false));
	assert_true(parses("a.b+tag@sub.example.org", false));
	assert_true(parses("\"a b\\\"c\"@example.org", false));
	assert_true(parses("u@[192.0.2.1]", false));
	assert_true(parses("u@[IPv6:2001:db8::1]", false));
	assert_true(parses("postmaster", false));
	assert_true(parses("gr\xc3\xbc\xc3\x9f@ex\xc3\xa4mple.org", true));
}

static void
address_refuses_the_rest(void **state)
{
	static const char *const bad[] = { "", "@example.org", ".a@b", "a.@b",
		"a..b@c", "a@", "a@-b.c", "a@b-.c", "a@b..c", "a@[1.2.3]",
		"a b@c", "a;b@c\n", "a@b\n", "a@b c", "\"a@b", "a@[IPv6:zz]",
		"a@b.", "<a@b>" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(parses(bad[i], false));
	assert_false(parses("gr\xc3\xbc@b", false));
	assert_false(parses("a\xc3@b", true));
	assert_false(parses("a\xed\xa0\x80@b", true));
}

static void
address_splits_at_the_delimiter(void **state)
{
	struct address a;
	char base[ADDRESS_LOCAL_MAX + 1];

	(void)state;
	assert_true(address_parse("user+tag@b", 10, false, &a));
	assert_string_equal(address_split(&a, '+', base), "tag");
	assert_string_equal(base, "user");
	assert_true(address_parse("+user@b", 7, false, &a));
	assert_string_equal(address_split(&a, '+', base), "");
	assert_string_equal(base, "+user");
}

static void
mail_command_has_its_parameters(void **state)
{
	struct smtp_mail m;

	(void)state;
	assert_null(smtp_parse_mail("FROM:<a@b.c> SIZE=100 BODY=8BITMIME "
				    "RET=HDRS ENVID=x+2By SMTPUTF8",
	    &m));
	assert_string_equal(m.from.local, "a");
	assert_int_equal(m.size, 100);
	assert_int_equal(m.ret, DSN_RET_HDRS);
	assert_string_equal(m.envid, "x+2By");
	assert_true(m.utf8 && m.body_8bit);
	assert_null(smtp_parse_mail("FROM:<>", &m));
	assert_true(address_is_null(&m.from));
	assert_null(smtp_parse_mail("from: <@relay,@x:a@b.c>", &m));
	assert_string_equal(m.from.domain, "b.c");
}

static void
mail_command_refuses_nonsense(void **state)
{
	static const char *const bad[] = { "", "FROM", "FROM:a@b", "FROM:<a@b",
		"FROM:<a@b>x", "FROM:<a@b> SIZE=", "FROM:<a@b> SIZE=x",
		"FROM:<a@b> FOO=1", "FROM:<a@b> ENVID=+0A",
		"FROM:<a@b> BODY=9BIT", "FROM:<;sleep 66;>",
		"FROM:<a\xc3\xbc@b>", "FROM:<a@b> =x" };
	struct smtp_mail m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(smtp_parse_mail(bad[i], &m));
}

static void
rcpt_command_keeps_dsn_to_itself(void **state)
{
	struct smtp_rcpt r;

	(void)state;
	assert_null(smtp_parse_rcpt(
	    "TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@b", false, &r));
	assert_int_equal(r.notify, DSN_SUCCESS | DSN_DELAY);
	assert_string_equal(r.orcpt, "rfc822;a@b");
	assert_null(smtp_parse_rcpt("TO:<c@d>", false, &r));
	assert_int_equal(r.notify, 0);
	assert_string_equal(r.orcpt, "");
	assert_non_null(
	    smtp_parse_rcpt("TO:<a@b> NOTIFY=NEVER,DELAY", false, &r));
	assert_non_null(smtp_parse_rcpt("TO:<a@b> ORCPT=x", false, &r));
	assert_non_null(smtp_parse_rcpt("TO:<>", false, &r));
}

/* Read text split in all two-part ways; the results must agree. */
static void
read_split(const char *text, size_t len, bool done, bool bad, const char *want)
{
	for (size_t cut = 0; cut <= len; cut++) {
		struct smtp_data d;
		struct buf out = { 0 };
		size_t n;

		smtp_data_init(&d, true);
		n = smtp_data_read(&d, (const uint8_t *)text, cut, &out);
		if (n == cut)
			smtp_data_read(
			    &d, (const uint8_t *)text + cut, len - cut, &out);
		assert_int_equal(d.done, done);
		assert_int_equal(smtp_data_problem(&d) != NULL, bad);
		if (want != NULL)
			assert_string_equal(buf_str(&out), want);
		buf_free(&out);
	}
}

#define SPLIT(text, done, bad, want)                                           \
	read_split(text, sizeof(text) - 1, done, bad, want)

static void
data_ends_only_with_crlf_dot_crlf(void **state)
{
	(void)state;
	SPLIT("a\r\n.\r\n", true, false, "a\n");
	SPLIT(".\r\n", true, false, "");
	SPLIT("..x\r\n.y\r\n.\r\n", true, false, ".x\ny\n");
	SPLIT("a\n.\r\n", false, true, NULL);
	SPLIT("a\r\n.\n", false, true, NULL);
	SPLIT("a\n.\n", false, true, NULL);
	SPLIT("a\r.\r\n", false, true, NULL);
	SPLIT("a\r\n.\r\r\n", false, true, NULL);
	SPLIT("a\r\r\n.\r\n", true, true, NULL);
	SPLIT("a\r\n\0.\r\n", false, true, NULL);
	SPLIT("a\r\n.\0\r\n", false, true, NULL);
	SPLIT("a\r\n.\r.\r\n", false, true, NULL);
}

static void
header_is_read_field_by_field(void **state)
{
	static const char text[] =
	    "Received: x\n\ty\nSubject : z\nBcc: secret\n\n\nbody";
	struct header_facts facts;
	struct buf out = { 0 };
	long len = header_length(text, sizeof(text) - 1, false);

	(void)state;
	header_scan(text, (size_t)len, &facts);
	assert_int_equal(facts.received, 1);
	assert_false(facts.bad || facts.date || facts.from);
	header_without_bcc(text, (size_t)len, &out);
	assert_string_equal(buf_str(&out), "Received: x\n\ty\nSubject : z\n");
	buf_free(&out);
	header_scan("no field\n", 9, &facts);
	assert_true(facts.bad);
	assert_int_equal(header_length("a: b\n", 5, false), -1);
	assert_true(header_delivered_to("Delivered-To: a@b\n", 18, "A@b"));
	assert_false(header_delivered_to("Delivered-To: aa@b\n", 19, "a@b"));
}

static void
proxy_takes_both_versions(void **state)
{
	static const uint8_t v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
				    "\xc0\0\2\1\xc0\0\2\2\0\x19\0\x19";
	static const char v1[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\nX";
	struct proxy_header h;

	(void)state;
	for (size_t n = 0; n < sizeof(v2) - 1; n++)
		assert_int_equal(proxy_parse(v2, n, &h), PROXY_MORE);
	assert_int_equal(proxy_parse(v2, sizeof(v2) - 1, &h), PROXY_OK);
	assert_int_equal(h.src.ss_family, AF_INET);
	assert_int_equal(
	    proxy_parse((const uint8_t *)v1, sizeof(v1) - 1, &h), PROXY_OK);
	assert_int_equal(h.len, sizeof(v1) - 2);
	assert_int_equal(
	    proxy_parse((const uint8_t *)"EHLO x\r\n", 8, &h), PROXY_BAD);
	assert_int_equal(
	    proxy_parse((const uint8_t *)"PROXY TCP4 a b 1 2\r\n", 20, &h),
	    PROXY_BAD);
}

/* What becomes of a header, where d.org is missing. */
static char *
qualified(const char *text)
{
	static char kept[8192];
	struct buf out = { 0 };

	qualify_header(text, strlen(text), "d.org", &out);
	assert_true(out.len < sizeof(kept));
	memcpy(kept, buf_str(&out), out.len + 1);
	buf_free(&out);
	return kept;
}

static void
qualify_adds_the_domain_where_there_is_none(void **state)
{
	static const char *const cases[][2] = {
		{ "From: root\n", "From: root@d.org\n" },
		{ "To:a,b@c.org , d\n", "To:a@d.org,b@c.org , d@d.org\n" },
		{ "FROM: root (Cron, (of) <here>)\n",
		    "FROM: root@d.org (Cron, (of) <here>)\n" },
		{ "Cc: \"Last, First\" <mabel>\n",
		    "Cc: \"Last, First\" <mabel@d.org>\n" },
		{ "Cc: Mabel A. Last < mabel >\n",
		    "Cc: Mabel A. Last < mabel@d.org >\n" },
		{ "Reply-To: first.last\n", "Reply-To: first.last@d.org\n" },
		{ "Sender: \"odd \\\" name\"\n",
		    "Sender: \"odd \\\" name\"@d.org\n" },
		{ "To: all: a, <b>, c@e.org;, f\n",
		    "To: all: a@d.org, <b@d.org>, c@e.org;, f@d.org\n" },
		{ "To: a,\n\tb,\n  c\n",
		    "To: a@d.org,\n\tb@d.org,\n  c@d.org\n" },
		{ "Bcc: gr\xc3\xbcn\n", "Bcc: gr\xc3\xbcn@d.org\n" },
		{ "Resent-To: a;b\n", "Resent-To: a@d.org;b@d.org\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(qualified(cases[i][0]), cases[i][1]);
}

static void
qualify_leaves_all_other_bytes_as_they_are(void **state)
{
	static const char *const same[] = {
		"To: a@b.org\n",
		"To: Mabel <a@b.org>, \"x\" <y@[192.0.2.1]>\n",
		"To: Two Words\n",
		"To: undisclosed-recipients:;\n",
		"From: <>\n",
		"To:\n",
		"To: , ,\n",
		"To: a.\n",
		"To: .a\n",
		"To: <@relay.org:a@b.org>\n",
		"To: (only a comment)\n",
		"To: a, (no end\n",
		"To: a, \"no end\n",
		"To: a, <no end\n",
		"To: a, [no end\n",
		"To: a, b>\n",
		"To: a, <b <c>>\n",
		"To: a, :b\n",
		"To: a, b\\c\n",
		"Subject: root,  of   all\n",
		"X-To: root\nDKIM-Signature: v=1; d=b.org;\n\tb=ab cd\n",
		"Comments : a\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_string_equal(qualified(same[i]), same[i]);
}

/* RFC 5322, 2.1.1: 998 bytes at most, whatever is added. */
static void
qualify_folds_what_becomes_too_long(void **state)
{
	char text[2048] = "To: ", plain[8192];
	size_t n = 4, longest = 0, line = 0, k = 0;
	const char *got;

	(void)state;
	for (int i = 0; i < 150; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    i % 2 == 0 ? "user%d," : " user%d,", i);
	memcpy(text + n - 1, "\n", 2);
	got = qualified(text);
	for (const char *p = got; *p != '\0'; p++) {
		line = *p == '\n' ? 0 : line + 1;
		longest = line > longest ? line : longest;
		/* Without the folds, and what was added, it is the same. */
		if (*p == '@') {
			p += 5;
			continue;
		}
		if (*p == '\n' && p[1] != '\0') {
			assert_true(p[1] == ' ' || p[1] == '\t');
			p += p[1] == '\t';
			continue;
		}
		plain[k++] = *p;
	}
	plain[k] = '\0';
	assert_true(longest > 200 && longest < 998);
	assert_string_equal(plain, text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_takes_what_rfc_5321_allows),
		cmocka_unit_test(address_refuses_the_rest),
		cmocka_unit_test(qualify_adds_the_domain_where_there_is_none),
		cmocka_unit_test(qualify_leaves_all_other_bytes_as_they_are),
		cmocka_unit_test(qualify_folds_what_becomes_too_long),
		cmocka_unit_test(address_splits_at_the_delimiter),
		cmocka_unit_test(mail_command_has_its_parameters),
		cmocka_unit_test(mail_command_refuses_nonsense),
		cmocka_unit_test(rcpt_command_keeps_dsn_to_itself),
		cmocka_unit_test(data_ends_only_with_crlf_dot_crlf),
		cmocka_unit_test(header_is_read_field_by_field),
		cmocka_unit_test(proxy_takes_both_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
