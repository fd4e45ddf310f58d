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
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/queue/relay.h"
#include "smtpd/smtp/dot.h"
#include "smtpd/smtp/relayurl.h"
#include "smtpd/smtp/reply.h"

static enum smtp_reply_status
read_reply(struct smtp_reply *r, const char *text, size_t *used)
{
	return smtp_reply_read(r, text, strlen(text), used);
}

static void
a_reply_is_read_line_by_line(void **state)
{
	static const struct {
		const char *text, *line; /* NULL: bad */
	} cases[] = {
		{ "250 ok\r\n", "250 ok" },
		{ "250\r\n", "250 " },
		{ "250 bare lf\n", "250 bare lf" },
		{ "550-5.1.1 no\r\n550 5.1.1 user\r\n", "550 5.1.1 no user" },
		{ "550-5.1.1 a\r\n550 5.7.1 b\r\n", "550 5.1.1 a 5.7.1 b" },
		{ "550-one\r\n550-two\r\n550 three\r\n", "550 one two three" },
		{ "450 \x1b[1m\xc3\xa9\t\r\n", "450 ?[1m???" },
		{ "150 no\r\n", NULL },
		{ "650 no\r\n", NULL },
		{ "25x no\r\n", NULL },
		{ "250_no\r\n", NULL },
		{ "\r\n", NULL },
		{ "250-a\r\n251 b\r\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_reply r = { 0 };
		char text[SMTP_REPLY_TEXT];
		size_t used;

		assert_int_equal(read_reply(&r, cases[i].text, &used),
		    cases[i].line == NULL ? SMTP_REPLY_BAD : SMTP_REPLY_DONE);
		if (cases[i].line != NULL) {
			assert_string_equal(
			    smtp_reply_text(&r, text), cases[i].line);
			assert_int_equal(used, strlen(cases[i].text));
		}
		smtp_reply_clear(&r);
	}
}

static void
a_reply_ends_where_the_next_begins(void **state)
{
	struct smtp_reply r = { 0 };
	size_t used;

	(void)state;
	assert_int_equal(read_reply(&r, "250-a\r\n250 b\r\n550 c\r\n", &used),
	    SMTP_REPLY_DONE);
	assert_int_equal(used, 14);
	smtp_reply_clear(&r);
	assert_int_equal(read_reply(&r, "250-a\r\n25", &used), SMTP_REPLY_MORE);
	assert_int_equal(used, 9);
	smtp_reply_clear(&r);
}

static void
a_reply_has_limits(void **state)
{
	struct smtp_reply r = { 0 };
	char *line = xcalloc(1, SMTP_REPLY_LINE + 2);
	size_t used;

	(void)state;
	memset(line, '2', SMTP_REPLY_LINE + 1);
	assert_int_equal(read_reply(&r, line, &used), SMTP_REPLY_BAD);
	assert_int_equal(read_reply(&r, "250 ok\r\n", &used), SMTP_REPLY_BAD);
	smtp_reply_clear(&r);
	for (int i = 0; i < SMTP_REPLY_LINES; i++)
		assert_int_equal(
		    read_reply(&r, "250-x\r\n", &used), SMTP_REPLY_MORE);
	assert_int_equal(read_reply(&r, "250-x\r\n", &used), SMTP_REPLY_BAD);
	smtp_reply_clear(&r);
	free(line);
}

static void
features_are_read_by_name(void **state)
{
	struct smtp_reply r = { 0 };
	struct smtp_features f;
	size_t used;

	(void)state;
	assert_int_equal(read_reply(&r,
			     "250-PIPELINING is my name\r\n250-size 1000\r\n"
			     "250-8BITMIMES\r\n250-AUTH=LOGIN\r\n250-dsn\r\n"
			     "250-AUTH CRAM-MD5 PLAIN\r\n250 STARTTLS\r\n",
			     &used),
	    SMTP_REPLY_DONE);
	smtp_features_read(&r, &f);
	assert_false(f.pipelining);
	assert_false(f.eight_bit);
	assert_false(f.utf8);
	assert_true(f.size && f.size_max == 1000);
	assert_true(f.dsn && f.starttls && f.auth_plain && f.auth_login);
	smtp_reply_clear(&r);
}

static void
data_cannot_end_early(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} cases[] = {
		{ "", 0, ".\r\n" },
		{ "a\n", 2, "a\r\n.\r\n" },
		{ "a", 1, "a\r\n.\r\n" },
		{ ".\n", 2, "..\r\n.\r\n" },
		{ "a\n.\nb\n", 6, "a\r\n..\r\nb\r\n.\r\n" },
		{ "a\r\n.\r\nb", 7, "a\r\n..\r\nb\r\n.\r\n" },
		{ "a\r.\rb\n", 6, "a.b\r\n.\r\n" },
		{ "\0.\n", 3, "..\r\n.\r\n" },
		{ "\r.\n", 3, "..\r\n.\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t cut = 0; cut <= cases[i].len; cut++) {
			struct smtp_dot d = { 0 };
			struct buf b = { 0 };

			smtp_dot_add(&d, cases[i].in, cut, &b);
			smtp_dot_add(
			    &d, cases[i].in + cut, cases[i].len - cut, &b);
			smtp_dot_end(&d, &b);
			assert_string_equal(buf_str(&b), cases[i].out);
			buf_free(&b);
		}
	}
}

#define LONG "12345678901234567890123456789012345"

static void
names_of_relays_are_understood(void **state)
{
	static const struct {
		const char *text, *scheme, *label, *host; /* host NULL: bad */
		uint16_t port;
	} cases[] = {
		{ "mx.org", "smtp", "", "mx.org", 25 },
		{ "smtp://mx.org", "smtp", "", "mx.org", 25 },
		{ "smtp+tls://me@mx.org:587", "smtp+tls", "me", "mx.org", 587 },
		{ "smtps://a.b@mx.org", "smtps", "a.b", "mx.org", 465 },
		{ "smtp+notls://mx.org:26", "smtp+notls", "", "mx.org", 26 },
		{ "smtp://[IPv6:::1]:26", "smtp", "", "[IPv6:::1]", 26 },
		{ "smtp://192.0.2.1", "smtp", "", "192.0.2.1", 25 },
		{ "lmtp://mx.org:24", "lmtp", "", "mx.org", 24 },
		{ "lmtp+tls://mx.org:24", "lmtp+tls", "", "mx.org", 24 },
		{ "lmtp://mx.org", "", "", NULL, 0 },
		{ "lmtp:///run/a b/l@m:tp", "lmtp+notls", "", "", 0 },
		{ "lmtp+notls:///run/lmtp", "lmtp+notls", "", "", 0 },
		{ "lmtp+tls:///run/lmtp", "", "", NULL, 0 },
		{ "smtp:///run/lmtp", "", "", NULL, 0 },
		{ "/run/lmtp", "", "", NULL, 0 },
		{ "lmtp://me@/run/lmtp", "", "", NULL, 0 },
		{ "lmtp:///run/\nlmtp", "", "", NULL, 0 },
		{ "lmtp:///" LONG LONG LONG "12", "", "", NULL, 0 },
		{ "lmtp:///" LONG LONG LONG "1", "lmtp+notls", "", "", 0 },
		{ "smtp://me@mx.org", "", "", NULL, 0 },
		{ "http://mx.org", "", "", NULL, 0 },
		{ "smtp://", "", "", NULL, 0 },
		{ "smtp://mx.org:0", "", "", NULL, 0 },
		{ "smtp://mx.org:99999", "", "", NULL, 0 },
		{ "smtp://mx org", "", "", NULL, 0 },
		{ "smtps://@mx.org", "", "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct relay_url u;
		struct err e;
		int rc = relay_url_parse(cases[i].text, false, &u, &e);

		assert_int_equal(rc, cases[i].host == NULL ? -1 : 0);
		if (rc == -1)
			continue;
		assert_string_equal(u.host, cases[i].host);
		assert_string_equal(u.path,
		    u.host[0] == '\0' ? strstr(cases[i].text, "://") + 3 : "");
		assert_string_equal(u.label, cases[i].label);
		assert_string_equal(relay_url_scheme(&u), cases[i].scheme);
		assert_int_equal(u.port, cases[i].port);
	}
}

static void
a_label_needs_tls_of_the_host_or_of_the_action(void **state)
{
	struct relay_url u;
	struct err e;

	(void)state;
	assert_int_equal(relay_url_parse("me@mx.org:587", false, &u, &e), -1);
	assert_int_equal(relay_url_parse("me@mx.org:587", true, &u, &e), 0);
	assert_int_equal(u.tls, RELAY_TLS_REQUIRED);
	assert_string_equal(u.label, "me");
	assert_int_equal(relay_url_parse("smtps://mx.org", true, &u, &e), 0);
	assert_int_equal(u.tls, RELAY_TLS_IMPLICIT);
	assert_int_equal(
	    relay_url_parse("smtp+notls://mx.org", true, &u, &e), -1);
	assert_int_equal(relay_url_parse("lmtp:///run/lmtp", true, &u, &e), -1);
}

static void
tasks_survive_the_way_and_no_cut(void **state)
{
	struct relay_rcpt rcpt = { .id = 7,
		.notify = 3,
		.to = { "a", "x.org" },
		.orcpt = (char[]){ "rfc822;a" } };
	struct relay_task t = { .number = 1,
		.msgid = 0xfffffffe,
		.body_len = 1u << 30,
		.action = (char[]){ "out" },
		.domain = (char[]){ "x.org" },
		.envid = (char[]){ "q" },
		.from = { "s", "y.org" },
		.rcpts = &rcpt,
		.n = 1 };
	struct relay_task back;
	struct buf b = { 0 };

	(void)state;
	relay_task_encode(&t, &b);
	assert_true(relay_task_decode(b.data, b.len, &back));
	assert_int_equal(back.msgid, t.msgid);
	assert_int_equal(back.body_len, t.body_len);
	assert_string_equal(back.rcpts[0].orcpt, "rfc822;a");
	assert_true(address_equal(&back.rcpts[0].to, &rcpt.to));
	relay_task_clear(&back);
	for (size_t len = 0; len < b.len; len++)
		assert_false(relay_task_decode(b.data, len, &back));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_is_read_line_by_line),
		cmocka_unit_test(a_reply_ends_where_the_next_begins),
		cmocka_unit_test(a_reply_has_limits),
		cmocka_unit_test(features_are_read_by_name),
		cmocka_unit_test(data_cannot_end_early),
		cmocka_unit_test(names_of_relays_are_understood),
		cmocka_unit_test(
		    a_label_needs_tls_of_the_host_or_of_the_action),
		cmocka_unit_test(tasks_survive_the_way_and_no_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
