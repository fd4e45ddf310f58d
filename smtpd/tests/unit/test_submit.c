/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"

#include "smtpd/submit/submission.h"
#include "smtpd/submit/transaction.h"

static void
make(struct submission *s)
{
	memset(s, 0, sizeof(*s));
	assert_true(submission_set(s, SUBMISSION_FROM, "a@b.org"));
	assert_true(submission_set(s, SUBMISSION_USER, "mabel"));
	assert_true(submission_set(s, SUBMISSION_ENVID, "x+20y"));
	assert_true(submission_add_rcpt(s, "c@d.org", 7));
	assert_true(submission_add_rcpt(s, "root", 4));
	buf_add_str(&s->text, "Subject: x\n\n.dot\rted");
}

static void
a_submission_comes_back_as_it_was(void **state)
{
	struct submission s, t;
	struct buf b = { 0 };
	struct err e;

	(void)state;
	make(&s);
	submission_encode(&s, &b);
	assert_int_equal(submission_decode(b.data, b.len, &t, &e), 0);
	for (unsigned i = 0; i < SUBMISSION_WORDS; i++)
		assert_string_equal(t.words[i], s.words[i]);
	assert_int_equal(t.n_rcpts, 2);
	assert_string_equal(t.rcpts[0].domain, "d.org");
	assert_string_equal(t.rcpts[1].local, "root");
	assert_int_equal(t.text.len, s.text.len);
	assert_memory_equal(t.text.data, s.text.data, s.text.len);
	submission_free(&s);
	submission_free(&t);
	buf_free(&b);
}

/* Only of the message may anything be missing. */
static void
decode_refuses_an_envelope_cut_short_anywhere(void **state)
{
	struct submission s, t;
	struct buf b = { 0 };
	struct err e;
	size_t whole;

	(void)state;
	make(&s);
	submission_encode(&s, &b);
	whole = b.len - s.text.len;
	for (size_t len = 0; len < whole; len++) {
		assert_int_equal(submission_decode(b.data, len, &t, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	assert_int_equal(submission_decode(b.data, whole, &t, &e), 0);
	assert_int_equal(t.text.len, 0);
	submission_free(&s);
	submission_free(&t);
	buf_free(&b);
}

static void
words_that_would_be_commands_are_refused(void **state)
{
	static const char *const bad[] = { "a@b.org\r\nRCPT TO:<x@y.org>",
		"a@b.org>", "a b@c.org", "a@b.org RET=FULL", "\x7f@b.org" };
	struct submission s = { 0 };
	char name[SUBMISSION_WORD_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(submission_set(&s, SUBMISSION_FROM, bad[i]));
		assert_false(submission_add_rcpt(&s, bad[i], strlen(bad[i])));
		assert_string_equal(s.words[SUBMISSION_FROM], "");
	}
	assert_false(submission_set(&s, SUBMISSION_NOTIFY, "NEVER\nQUIT"));
	assert_false(submission_set(&s, SUBMISSION_USER, ""));
	assert_true(submission_set(&s, SUBMISSION_FROM, ""));
	memset(name, 'x', sizeof(name));
	name[SUBMISSION_WORD_MAX] = '\0';
	assert_false(submission_set(&s, SUBMISSION_ENVID, name));
	assert_int_equal(s.n_rcpts, 0);
}

static void
recipients_are_limited_and_each_counts_once(void **state)
{
	struct submission s = { 0 };
	char rcpt[32];

	(void)state;
	for (int i = 0; i < SUBMISSION_RCPTS; i++) {
		int n = snprintf(rcpt, sizeof(rcpt), "u%d@b.org", i);

		assert_true(submission_add_rcpt(&s, rcpt, (size_t)n));
	}
	assert_int_equal(s.n_rcpts, SUBMISSION_RCPTS);
	assert_false(submission_add_rcpt(&s, "one@b.org", 9));
	submission_free(&s);
	assert_true(submission_add_rcpt(&s, "one@b.org", 9));
	assert_true(submission_add_rcpt(&s, "one@B.org", 9));
	assert_int_equal(s.n_rcpts, 1);
	submission_free(&s);
}

static void
only_names_of_ours_are_files_that_wait(void **state)
{
	(void)state;
	assert_true(submission_name_valid("0123456789abcdef0123456789abcdef"));
	assert_false(submission_name_valid("0123456789ABCDEF0123456789abcdef"));
	assert_false(submission_name_valid("../../../../../../../../etc/pass"));
	assert_false(
	    submission_name_valid("0123456789abcdef0123456789abcdef.00000001"));
	assert_false(submission_name_valid(""));
}

struct told {
	unsigned n;
	char line[128], rcpt[ADDRESS_TEXT_LEN];
};

static void
tell(void *arg, const struct address *rcpt, const char *line)
{
	struct told *t = arg;

	t->n++;
	snprintf(t->line, sizeof(t->line), "%s", line);
	t->rcpt[0] = '\0';
	if (rcpt != NULL)
		address_text(rcpt, t->rcpt);
}

/* A server that has said its answers already; what it was told is in said. */
static enum submit_result
converse(const char *answers, struct told *told, char *said, size_t size)
{
	struct submission s;
	enum submit_result rc;
	int pair[2];
	ssize_t n;
	struct submit *d;
	struct err e;

	memset(told, 0, sizeof(*told));
	make(&s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(
	    write(pair[0], answers, strlen(answers)), strlen(answers));
	assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
	d = submit_new(pair[1], tell, told, &e);
	assert_non_null(d);
	rc = submit_send(d, &s);
	submit_free(d);
	n = recv(pair[0], said, size - 1, MSG_WAITALL);
	assert_true(n >= 0);
	said[n] = '\0';
	close(pair[0]);
	submission_free(&s);
	return rc;
}

static void
a_message_is_said_with_its_dots_and_line_ends(void **state)
{
	char said[1024];
	struct told t;

	(void)state;
	assert_int_equal(
	    converse(
		"250 ok\r\n250-a\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n",
		&t, said, sizeof(said)),
	    SUBMIT_OK);
	assert_int_equal(t.n, 0);
	assert_string_equal(said,
	    "MAIL FROM:<a@b.org> BODY=8BITMIME ENVID=x+20y\r\n"
	    "RCPT TO:<c@d.org>\r\nRCPT TO:<root>\r\nDATA\r\n"
	    "Subject: x\r\n\r\n..dotted\r\n.\r\n");
}

static void
each_refusal_is_told_and_the_worst_counts(void **state)
{
	char said[1024];
	struct told t;

	(void)state;
	assert_int_equal(converse("250 ok\r\n550 no\r\n451 later\r\n250 ok\r\n",
			     &t, said, sizeof(said)),
	    SUBMIT_REFUSED);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.rcpt, "root");
	assert_string_equal(t.line, "451 later");
	assert_non_null(strstr(said, "RSET\r\n"));
	assert_null(strstr(said, "DATA"));
	assert_int_equal(converse("250 ok\r\n250 ok\r\n451 later\r\n", &t, said,
			     sizeof(said)),
	    SUBMIT_LATER);
}

/* Whether it may be sent once more depends on whether it was sent. */
static void
a_connection_is_lost_before_the_message_or_after(void **state)
{
	char said[1024];
	struct told t;

	(void)state;
	assert_int_equal(converse("", &t, said, sizeof(said)), SUBMIT_LOST);
	assert_int_equal(
	    converse("421 bye\r\n", &t, said, sizeof(said)), SUBMIT_LOST);
	assert_int_equal(
	    converse("250 ok\r\n250 ok\r\n250 ok\r\n", &t, said, sizeof(said)),
	    SUBMIT_LOST);
	assert_int_equal(converse("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n",
			     &t, said, sizeof(said)),
	    SUBMIT_LATER);
	assert_int_equal(
	    converse("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n421 bye\r\n", &t,
		said, sizeof(said)),
	    SUBMIT_LATER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_submission_comes_back_as_it_was),
		cmocka_unit_test(decode_refuses_an_envelope_cut_short_anywhere),
		cmocka_unit_test(words_that_would_be_commands_are_refused),
		cmocka_unit_test(recipients_are_limited_and_each_counts_once),
		cmocka_unit_test(only_names_of_ours_are_files_that_wait),
		cmocka_unit_test(a_message_is_said_with_its_dots_and_line_ends),
		cmocka_unit_test(each_refusal_is_told_and_the_worst_counts),
		cmocka_unit_test(
		    a_connection_is_lost_before_the_message_or_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
