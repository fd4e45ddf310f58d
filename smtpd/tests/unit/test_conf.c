/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "smtpd/conf/conf.h"
#include "smtpd/conf/source.h"

static struct conf *
parse(const char *text, struct buf *problems)
{
	struct conf_source *s =
	    conf_source_memory("t.conf", text, strlen(text));
	struct conf *c = conf_parse(s, "t.conf", NULL, 0, problems);

	conf_source_free(s);
	return c;
}

/* What it prints parses, and prints the same. */
static void
assert_prints_the_same(const struct conf *c)
{
	struct buf first = { 0 }, second = { 0 }, problems = { 0 };
	struct conf *again;

	conf_print(c, &first);
	again = parse(buf_str(&first), &problems);
	if (again == NULL) {
		fail_msg("%s in\n%s", buf_str(&problems), buf_str(&first));
		return;
	}
	assert_int_equal(again->n_lacks, 0);
	conf_print(again, &second);
	assert_string_equal(buf_str(&first), buf_str(&second));
	conf_free(again);
	buf_free(&first);
	buf_free(&second);
	buf_free(&problems);
}

static void
what_is_printed_keeps_odd_texts_and_no_secrets(void **state)
{
	static const char text[] =
	    "table secrets { l = \"user:hunter2\", m = hunter3 }\n"
	    "table users { \"joe\" = \"$2b$10$hunter4\" }\n"
	    "table odd { \"a\\\"b\", 'c\"d', \"e\\\\ f\", \"match\", \"\" }\n"
	    "pki a cert \"/c\" key \"/k\"\n"
	    "srs key hunter5\nsrs key backup hunter6\n"
	    "listen on x tls pki a auth <users> senders <odd> masquerade\n"
	    "action \"relay\" relay host \"smtp://l@h\" auth <secrets> srs\n"
	    "action two relay host \"smtp://l@h\" auth { l = \"u:hunter7\" }\n"
	    "action three relay backup mx \"mx.org\" tls no-verify\n"
	    "match for domain <odd> action \"relay\"\n";
	struct buf problems = { 0 }, out = { 0 };
	struct conf *c = parse(text, &problems), *again;

	(void)state;
	if (c == NULL) {
		fail_msg("%s", buf_str(&problems));
		return;
	}
	assert_prints_the_same(c);
	conf_print(c, &out);
	assert_null(strstr(buf_str(&out), "hunter"));
	assert_non_null(strstr(buf_str(&out), "\"user:***\""));
	again = parse(buf_str(&out), &problems);
	assert_non_null(again);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(conf_find_table(c, "odd")->pairs[i].key,
		    conf_find_table(again, "odd")->pairs[i].key);
	conf_free(again);
	conf_free(c);
	buf_free(&out);
	buf_free(&problems);
}

static void
the_default_file_of_the_reference_parses(void **state)
{
	static const char text[] =
	    "table aliases file:/etc/aliases\n"
	    "listen on socket\n"
	    "listen on lo0 # comment \\\n continued\n"
	    "action \"local_mail\" mbox alias <aliases>\n"
	    "action \"outbound\" relay\n"
	    "match from local for local action \"local_mail\"\n"
	    "match from local for any action outbound\n";
	struct buf problems = { 0 };
	struct conf *c = parse(text, &problems);
	const struct conf_match *m;

	(void)state;
	assert_non_null(c);
	m = TAILQ_FIRST(&c->matches);
	assert_true(m->tests[CONF_TEST_FROM_LOCAL].present);
	assert_string_equal(m->action->name, "local_mail");
	assert_int_equal(c->n_lacks, 0);
	conf_free(c);
	buf_free(&problems);
}

static void
every_kind_of_line_parses(void **state)
{
	static const char text[] =
	    "x = \"lo\"\n"
	    "admd mail.example.org\n"
	    "bounce warn-interval 1h, 2d\n"
	    "pki a.org cert \"/c\" key \"/k\" dhe auto\n"
	    "ca r cert \"/r\"\n"
	    "mda wrapper w \"cmd %{mda}\"\n"
	    "mta max-deferred 10\n"
	    "mta limit max-conn-per-host 3 session-mail-max 10\n"
	    "mta limit for domain A.org inet4 conn-delay-route 7\n"
	    "mta limit session-keepalive 9\n"
	    "mta limit inet6\n"
	    "mda limit max-session 3 max-session-per-user 2\n"
	    "scheduler limit max-inflight 10 max-schedule 5\n"
	    "queue ttl 2d\n"
	    "smtp max-message-size 10M\n"
	    "smtp limit max-rcpt 5 max-mails 6 max-sessions 7 "
	    "max-sessions-per-source 8\n"
	    "smtp sub-addr-delim \"-\"\n"
	    "srs key s\nsrs ttl 4d\n"
	    "proc p \"cmd\" user u\n"
	    "filter f proc p\n"
	    "filter g phase connect match !fcrdns disconnect \"421 no\"\n"
	    "filter h chain { f, g }\n"
	    "table m { a = b, \"c d\" => e\n f = g }\n"
	    "table l { a\n b, c\n }\n"
	    "listen on $x port 25 tls pki a.org auth-optional <m> "
	    "filter { f, g } tag T mask-src hostname h\n"
	    "listen on y smtps pki a.org auth { u = \"$6$h\" } tag T\n"
	    "action a maildir \"/m\" junk virtual <m> userbase <m> "
	    "wrapper w ttl 1h\n"
	    "action b lmtp \"/s\" rcpt-to user v\n"
	    "action c relay host smtp+tls://l@h:25 auth <m> src 1.2.3.4\n"
	    "match ! from src regex { \"^1\" } for domain <l> auth tag T "
	    "helo x tls action a\n"
	    "match from rdns for rcpt-to \"a@b\" mail-from <l> reject\n";
	struct buf problems = { 0 };
	struct conf *c = parse(text, &problems);
	const struct conf_mta_limits *l;

	(void)state;
	if (c == NULL) {
		fail_msg("%s", buf_str(&problems));
		return;
	}
	assert_int_equal(c->warn_at[1], 172800);
	assert_int_equal(c->max_message_size, 10 << 20);
	assert_int_equal(c->limits.max_rcpt, 5);
	assert_int_equal(c->sub_addr_delim, '-');
	assert_prints_the_same(c);
	assert_int_equal(conf_find_table(c, "m")->n_pairs, 3);
	assert_int_equal(conf_find_table(c, "l")->n_pairs, 3);
	l = conf_find_mta_limits(c, "a.ORG");
	assert_int_equal(l->max_conn[CONF_CONN_HOST], 3);
	assert_int_equal(l->delay[CONF_CONN_ROUTE], 7);
	assert_int_equal(l->keepalive, 10);
	assert_int_equal(l->family, AF_INET);
	l = conf_find_mta_limits(c, "b.org");
	assert_int_equal(l->delay[CONF_CONN_ROUTE], 0);
	assert_int_equal(l->keepalive, 9);
	assert_int_equal(l->family, AF_INET6);
	assert_int_equal(c->limits.max_sessions_per_source, 8);
	assert_int_equal(c->n_lacks, 0);
	conf_free(c);
	buf_free(&problems);
}

/* Known by name, and refused by name: see doc/adr/0211. */
static void
limits_of_what_is_not_there_are_lacks(void **state)
{
	static const char *const lines[] = { "mda limit task-hiwat 1\n",
		"mta limit task-lowat 1 task-release 2\n",
		"scheduler limit max-evp-batch-size 1\n",
		"scheduler limit max-msg-batch-size 1\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct buf problems = { 0 }, text = { 0 };
		struct conf *c;

		buf_printf(&text, "%smatch from any reject\n", lines[i]);
		c = parse(buf_str(&text), &problems);
		assert_non_null(c);
		assert_true(c->n_lacks > 0);
		conf_free(c);
		buf_free(&problems);
		buf_free(&text);
	}
}

static void
problem_of(const char *text, const char *want)
{
	struct buf problems = { 0 };
	struct conf *c = parse(text, &problems);

	assert_null(c);
	if (strstr(buf_str(&problems), want) == NULL)
		fail_msg("%s: not: %s", buf_str(&problems), want);
	buf_free(&problems);
}

static void
problems_name_the_place_and_what_was_expected(void **state)
{
	(void)state;
	problem_of("match for any action x\n",
	    "t.conf:1:22: the action \"x\" is not declared above this line");
	problem_of("\nlisten off x\n",
	    "t.conf:2:8: unexpected \"off\": "
	    "expected on");
	problem_of("smtp limit max-sessions 0\n", "max-sessions of at least 1");
	problem_of("mta limit conn-delay-host 86401\n", "of a day at most");
	problem_of("mta limit max-conn 1\n", "no limit is called");
	problem_of("mda limit max-rcpt 1\n", "no limit is called");
	problem_of("accept from any\n", "it is written \"match");
	problem_of("action a mbox junk\n", "junk does not go with mbox");
	problem_of("listen on x tls\n", "tls and smtps need a pki");
	problem_of("listen on x port 1 port 2\n", "port given twice");
	problem_of("queue ttl 4\n", "expected a string");
	problem_of("queue ttl 4x\n", "\"4x\" is not a delay");
	problem_of("$y\n", "the macro \"y\" is not defined");
	problem_of("table t { a, b = c }\n", "either a list or a mapping");
	problem_of("", "no match line");
	problem_of("admd \"x", "a string that does not end");
	problem_of("admd *x\n", "must stand in quotes");
	problem_of("match from any from local reject\n", "from given twice");
}

static void
tls_finds_the_pki_of_its_host_name(void **state)
{
	static const char head[] = "pki a.org cert \"/c\" key \"/k\"\n"
				   "pki \"*\" cert \"/c\" key \"/k\"\n"
				   "match from any for any reject\n"
				   "listen on x tls";
	static const char *const cases[][2] = {
		{ " hostname a.org\n", "a.org" },
		{ " hostname b.org\n", "*" },
		{ "\n", "*" },
		{ " hostname b.org pki a.org\n", "a.org" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf problems = { 0 };
		const struct conf_listen *l;
		struct conf *c;

		snprintf(text, sizeof(text), "%s%s", head, cases[i][0]);
		c = parse(text, &problems);
		if (c == NULL) {
			fail_msg("%s", buf_str(&problems));
			return;
		}
		TAILQ_FOREACH(l, &c->listens, entry) {
			if (l->where == NULL)
				continue;
			assert_int_equal(l->n_pkis, 1);
			assert_string_equal(l->pkis[0]->name, cases[i][1]);
		}
		conf_free(c);
		buf_free(&problems);
	}
}

static void
filters_parse(void **state)
{
	static const char text[] =
	    "table bad { 10.0.0.0/8 }\n"
	    "proc p \"cmd a|b\" user u group g chroot \"/c\"\n"
	    "filter a proc p\n"
	    "filter b proc-exec \"x\" user v\n"
	    "filter c phase mail-from match ! mail-from regex <bad> "
	    "rewrite \"x@y\"\n"
	    "filter d phase helo match helo { \"a\", \"*.b\" } junk\n"
	    "filter e chain { a, c\n d }\n"
	    "listen on x filter { a, b }\n"
	    "listen on socket filter e\n"
	    "action r relay filter a\n"
	    "match from any for any reject\n";
	struct buf problems = { 0 };
	struct conf *c = parse(text, &problems);
	const struct conf_filter *f;

	(void)state;
	if (c == NULL) {
		fail_msg("%s", buf_str(&problems));
		return;
	}
	f = conf_find_filter(c, "a");
	assert_int_equal(f->kind, CONF_FILTER_PROC);
	assert_string_equal(f->proc->command, "cmd a|b");
	assert_string_equal(f->proc->chroot, "/c");
	assert_string_equal(conf_find_filter(c, "b")->proc->user, "v");
	f = conf_find_filter(c, "c");
	assert_int_equal(f->phase, FILTER_MAIL_FROM);
	assert_true(f->negate && f->regex);
	assert_int_equal(f->decision, CONF_FILTER_REWRITE);
	assert_string_equal(f->text, "x@y");
	f = conf_find_filter(c, "e");
	assert_int_equal(f->n_members, 3);
	assert_ptr_equal(f->members[2], conf_find_filter(c, "d"));
	assert_int_equal(TAILQ_FIRST(&c->listens)->filter->n_members, 2);
	assert_ptr_equal(
	    conf_find_action(c, "r")->filter, conf_find_filter(c, "a"));
	conf_free(c);
	buf_free(&problems);
}

static void
problems_of_filters_are_told(void **state)
{
#define PROC "proc p \"c\"\nfilter a proc p\nfilter b proc p\n"
	(void)state;
	problem_of("filter a proc p\n",
	    "t.conf:1:15: the proc \"p\" is not declared above this line");
	problem_of("listen on x filter z\n",
	    "t.conf:1:20: the filter \"z\" is not declared above this line");
	problem_of(PROC "filter c chain { a, a }\n",
	    "t.conf:4:21: the filter \"a\" is in the chain already");
	problem_of(PROC "filter c chain { a, b }\n",
	    "\"a\" and \"b\" are of the same proc");
	problem_of(PROC "filter c chain { a }\nfilter d chain { c }\n",
	    "\"c\" is a chain: a chain holds no chain");
	problem_of(PROC "filter c chain { c }\n", "not declared above");
	problem_of(PROC "filter a proc p\n", "\"a\" is there already");
	problem_of(
	    PROC "listen on x filter a filter b\n", "filter given twice");
	problem_of(
	    PROC "action c mbox filter a\n", "filter does not go with mbox");
	problem_of("proc p \"c\" user a user b\n", "user given twice");
	problem_of("proc p \"c\" chroot \"x\"\n", "not an absolute path");
	problem_of("filter a phase starttls match auth junk\n",
	    "auth is not known in phase starttls");
	problem_of("filter a phase starttls match fcrdns rewrite \"x\"\n",
	    "there is nothing to rewrite in phase starttls");
	problem_of(
	    "filter a phase quit match fcrdns junk\n", "unexpected \"quit\"");
	problem_of("filter a phase starting match fcrdns junk\n",
	    "\"starting\" is not a phase");
	problem_of("filter a phase connect match helo x junk\n",
	    "helo is not known in phase connect");
	problem_of("filter a phase data match rcpt-to x junk\n",
	    "rcpt-to is not known in phase data");
	problem_of("filter a phase commit match fcrdns junk\n",
	    "junk comes too late in phase commit");
	problem_of("filter a phase data match fcrdns rewrite \"x\"\n",
	    "nothing to rewrite in phase data");
	problem_of("filter a phase data match fcrdns reject \"no\"\n",
	    "t.conf:1:41: \"no\" is not a reply: expected 4NN or 5NN");
	problem_of("filter a phase connect match fcrdns\n",
	    "unexpected end of line: expected bypass, disconnect, junk, "
	    "reject, report or rewrite");
#undef PROC
}

static void
sources_travel_whole(void **state)
{
	struct conf_source *s = conf_source_memory("a", "text", 4), *t;
	const uint8_t *data;
	struct buf b = { 0 };
	struct err e;
	size_t len;

	(void)state;
	conf_source_encode(s, conf_source_count(s), &b);
	t = conf_source_decode(b.data, b.len, &e);
	assert_non_null(t);
	assert_int_equal(conf_source_get(t, "a", &data, &len, &e), 0);
	assert_memory_equal(data, "text", 4);
	assert_int_equal(conf_source_get(t, "b", &data, &len, &e), -1);
	assert_null(conf_source_decode(b.data, b.len - 1, &e));
	conf_source_free(s);
	conf_source_free(t);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_file_of_the_reference_parses),
		cmocka_unit_test(every_kind_of_line_parses),
		cmocka_unit_test(
		    what_is_printed_keeps_odd_texts_and_no_secrets),
		cmocka_unit_test(limits_of_what_is_not_there_are_lacks),
		cmocka_unit_test(problems_name_the_place_and_what_was_expected),
		cmocka_unit_test(tls_finds_the_pki_of_its_host_name),
		cmocka_unit_test(filters_parse),
		cmocka_unit_test(problems_of_filters_are_told),
		cmocka_unit_test(sources_travel_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
