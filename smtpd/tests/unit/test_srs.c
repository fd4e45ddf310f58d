/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Tests of srs: there and back, over one host and over two, and what must not
 * be believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "smtpd/smtp/srs.h"

#define DAY 86400

static const uint64_t now = 1763700000;
static const struct srs_key ours = { "our key", NULL, 4 * DAY };
static const struct srs_key theirs = { "their key", NULL, 4 * DAY };

static struct address
address(const char *text)
{
	struct address a;

	assert_true(address_parse(text, strlen(text), true, &a));
	return a;
}

static void
assert_address(const struct address *a, const char *text)
{
	char got[ADDRESS_TEXT_LEN];

	assert_string_equal(address_text(a, got), text);
}

static void
test_there_and_back(void **state)
{
	struct address a = address("alice+tag=x@example.org"), there, back;

	(void)state;
	assert_true(srs_forward(&ours, &a, "mx.here.example", now, &there));
	assert_string_equal(there.domain, "mx.here.example");
	assert_int_equal(strncmp(there.local, "SRS0=", 5), 0);
	assert_true(srs_is(&there));
	assert_true(srs_reverse(&ours, &there, now, &back));
	assert_true(address_equal(&a, &back));
}

static void
test_case_does_not_count(void **state)
{
	struct address a = address("alice@example.org"), there, back;

	(void)state;
	assert_true(srs_forward(&ours, &a, "here.example", now, &there));
	for (char *p = there.local; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	assert_true(srs_reverse(&ours, &there, now, &back));
	assert_true(address_equal(&a, &back));
}

static void
test_a_second_host_keeps_the_first(void **state)
{
	struct address a = address("alice@example.org"), one, two, three, back;

	(void)state;
	assert_true(srs_forward(&theirs, &a, "one.example", now, &one));
	assert_true(srs_forward(&ours, &one, "two.example", now, &two));
	assert_int_equal(strncmp(two.local, "SRS1=", 5), 0);
	assert_true(srs_reverse(&ours, &two, now, &back));
	assert_true(address_equal(&one, &back));
	/* A third one: mail comes back to it, and goes to the first. */
	assert_true(srs_forward(&theirs, &two, "three.example", now, &three));
	assert_true(srs_reverse(&theirs, &three, now, &back));
	assert_true(address_equal(&one, &back));
	assert_true(srs_reverse(&theirs, &back, now, &back));
	assert_true(address_equal(&a, &back));
}

static void
test_ours_and_nobody_stay(void **state)
{
	struct address a = address("alice@HERE.example"), out;

	(void)state;
	assert_true(srs_forward(&ours, &a, "here.example", now, &out));
	assert_address(&out, "alice@HERE.example");
	memset(&a, 0, sizeof(a));
	assert_true(srs_forward(&ours, &a, "here.example", now, &out));
	assert_true(address_is_null(&out));
}

static void
test_old_and_changed_are_refused(void **state)
{
	struct address a = address("alice@example.org"), there, bad, back;

	(void)state;
	assert_true(srs_forward(&ours, &a, "here.example", now, &there));
	assert_true(srs_reverse(&ours, &there, now + 4 * DAY, &back));
	assert_false(srs_reverse(&ours, &there, now + 5 * DAY, &back));
	assert_false(srs_reverse(&ours, &there, now - DAY, &back));
	assert_false(srs_reverse(&theirs, &there, now, &back));
	bad = there;
	bad.local[strlen(bad.local) - 1] = 'x';
	assert_false(srs_reverse(&ours, &bad, now, &back));
	bad = there;
	bad.local[5] = bad.local[5] == 'A' ? 'B' : 'A';
	assert_false(srs_reverse(&ours, &bad, now, &back));
}

static void
test_the_backup_key_is_believed(void **state)
{
	const struct srs_key turned = { "new key", "our key", 4 * DAY };
	struct address a = address("alice@example.org"), there, back;

	(void)state;
	assert_true(srs_forward(&ours, &a, "here.example", now, &there));
	assert_true(srs_reverse(&turned, &there, now, &back));
	assert_true(address_equal(&a, &back));
	assert_true(srs_forward(&turned, &a, "here.example", now, &there));
	assert_false(srs_reverse(&ours, &there, now, &back));
}

static void
test_what_does_not_fit_is_told(void **state)
{
	char text[ADDRESS_TEXT_LEN];
	struct address a, out;

	(void)state;
	memset(text, 'x', 120);
	memcpy(text + 120, "@example.org", sizeof("@example.org"));
	a = address(text);
	assert_false(srs_forward(&ours, &a, "here.example", now, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_case_does_not_count),
		cmocka_unit_test(test_a_second_host_keeps_the_first),
		cmocka_unit_test(test_ours_and_nobody_stay),
		cmocka_unit_test(test_old_and_changed_are_refused),
		cmocka_unit_test(test_the_backup_key_is_believed),
		cmocka_unit_test(test_what_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
