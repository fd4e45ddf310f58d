/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "smtpd/queue/dsn.h"
#include "smtpd/queue/envelope.h"
#include "smtpd/queue/record.h"
#include "smtpd/queue/seal.h"
#include "smtpd/queue/spoolfile.h"
#include "smtpd/queue/store.h"
#include "smtpd/smtp/command.h"

static struct envelope
sample(uint32_t msgid, uint32_t n)
{
	struct envelope ev;

	envelope_init(&ev);
	ev.id = (uint64_t)msgid << 32 | n;
	assert_true(address_parse("a@example.org", 13, false, &ev.sender));
	assert_true(address_parse("b@example.org", 13, false, &ev.dest));
	ev.created_at = 1000;
	envelope_set_text(&ev, ENVELOPE_ACTION, "local");
	return ev;
}

static void
envelope_comes_back_as_it_was(void **state)
{
	struct envelope ev = sample(7, 1), back;
	struct buf one = { 0 }, two = { 0 };
	struct err e;

	(void)state;
	envelope_set_text(&ev, ENVELOPE_ERROR, "550 no\r\nmda-exec: rm");
	assert_string_equal(
	    envelope_text(&ev, ENVELOPE_ERROR), "550 no??mda-exec: rm");
	envelope_encode(&ev, &one);
	assert_int_equal(envelope_decode(one.data, one.len, &back, &e), 0);
	envelope_encode(&back, &two);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	for (size_t n = 0; n < one.len; n++) {
		struct envelope part;

		assert_int_equal(envelope_decode(one.data, n, &part, &e), -1);
	}
	envelope_clear(&ev);
	envelope_clear(&back);
	buf_free(&one);
	buf_free(&two);
}

static void
crc32c_is_the_published_one(void **state)
{
	(void)state;
	assert_int_equal(record_crc32c(0, "123456789", 9), 0xe3069283);
}

static void
assert_comes_back(const struct seal *s, const char *text)
{
	struct buf stored = { 0 }, back = { 0 };
	size_t len = strlen(text);
	uint8_t flags;
	struct err e;

	seal_body(s, 7, text, len, &stored, &flags);
	assert_int_equal(
	    unseal_body(s, 7, flags, stored.data, stored.len, len, &back, &e),
	    0);
	assert_string_equal(buf_str(&back), text);
	for (size_t i = 0; i < stored.len && (flags & RECORD_SEALED) != 0;
	     i++) {
		stored.data[i] ^= 1;
		assert_int_equal(unseal_body(s, 7, flags, stored.data,
				     stored.len, len, &back, &e),
		    -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		stored.data[i] ^= 1;
	}
	buf_free(&stored);
	buf_free(&back);
}

static void
sealed_bytes_come_back_and_no_others_do(void **state)
{
	static const uint8_t salt[SEAL_SALT] = "salt";
	struct seal *s = seal_new(), *none = seal_new();
	struct buf stored = { 0 }, back = { 0 };
	char text[300];
	uint8_t check[SEAL_CHECK], other[SEAL_CHECK], flags;
	struct err e;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_comes_back(s, text);
	seal_set_compression(s, true);
	assert_comes_back(s, text);
	assert_comes_back(s, "");
	assert_int_equal(seal_set_key(s, "one key", salt, check, &e), 0);
	assert_int_equal(seal_set_key(none, "another", salt, other, &e), 0);
	assert_memory_not_equal(check, other, SEAL_CHECK);
	assert_comes_back(s, text);
	assert_comes_back(s, "short");
	/* Neither another message's, nor by another key, nor by none. */
	seal_body(s, 7, text, sizeof(text) - 1, &stored, &flags);
	assert_int_equal(flags, RECORD_PACKED | RECORD_SEALED);
	assert_int_equal(unseal_body(s, 8, flags, stored.data, stored.len,
			     sizeof(text) - 1, &back, &e),
	    -1);
	assert_int_equal(unseal_body(none, 7, flags, stored.data, stored.len,
			     sizeof(text) - 1, &back, &e),
	    -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	seal_free(none);
	none = seal_new();
	assert_int_equal(unseal_body(none, 7, flags, stored.data, stored.len,
			     sizeof(text) - 1, &back, &e),
	    -1);
	assert_int_equal(e.kind, ERR_DENIED);
	seal_free(none);
	seal_free(s);
	buf_free(&stored);
	buf_free(&back);
}

/* What says that it comes out longer, or does, is refused. */
static void
decompression_is_bounded(void **state)
{
	struct seal *s = seal_new();
	struct buf stored = { 0 }, back = { 0 };
	char *zeros = calloc(1, 1 << 20);
	uint8_t flags;
	struct err e;

	(void)state;
	seal_set_compression(s, true);
	seal_body(s, 1, zeros, 1 << 20, &stored, &flags);
	assert_true(stored.len < 1000);
	for (uint64_t len = 0; len < 5; len++)
		assert_int_equal(unseal_body(s, 1, flags, stored.data,
				     stored.len, len, &back, &e),
		    -1);
	assert_int_equal(unseal_body(s, 1, flags, stored.data, stored.len,
			     SEAL_BODY_MAX + 1, &back, &e),
	    -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	free(zeros);
	seal_free(s);
	buf_free(&stored);
	buf_free(&back);
}

static char dir[] = "/tmp/test_queue.XXXXXX";

static int
make_dir(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct store *
open_or_fail(void)
{
	struct err e;
	struct store *s = store_open(dir, NULL, &e);

	if (s == NULL)
		fail_msg("%s", e.msg);
	return s;
}

static void
add(struct store *s, uint32_t msgid, uint32_t n)
{
	struct envelope *evs = calloc(n, sizeof(*evs));
	struct err e;
	char body[32];

	snprintf(body, sizeof(body), "body %u\n", msgid);
	for (uint32_t i = 0; i < n; i++)
		evs[i] = sample(msgid, i + 1);
	store_add_message(s,
	    &(struct store_new){ .msgid = msgid,
		.evs = evs,
		.n = n,
		.body = body,
		.body_len = strlen(body) });
	assert_int_equal(store_commit(s, &e), 0);
	for (uint32_t i = 0; i < n; i++)
		envelope_clear(&evs[i]);
	free(evs);
}

static void
assert_body(struct store *s, uint32_t msgid, const char *want)
{
	struct buf b = { 0 };
	struct err e;
	uint64_t len;
	int fd;

	assert_int_equal(store_get_body(s, msgid, &b, &fd, &len, &e), 0);
	assert_int_equal(fd, -1);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void
store_remembers_over_a_restart(void **state)
{
	struct store *s = open_or_fail();
	struct envelope ev;
	uint64_t ids[8];
	struct err e;

	(void)state;
	add(s, 1, 3);
	add(s, 2, 1);
	assert_int_equal(store_get(s, 1ULL << 32 | 2, &ev, &e), 0);
	ev.retry = 5;
	store_add_update(s, &ev);
	store_add_remove(s, 1ULL << 32 | 1);
	store_add_remove(s, 2ULL << 32 | 1);
	assert_int_equal(store_commit(s, &e), 0);
	envelope_clear(&ev);
	store_close(s);

	s = open_or_fail();
	assert_false(store_has_message(s, 2));
	assert_int_equal(store_envelopes(s, 1, ids, 8), 2);
	assert_int_equal(store_get(s, 1ULL << 32 | 2, &ev, &e), 0);
	assert_int_equal(ev.retry, 5);
	envelope_clear(&ev);
	assert_int_equal(store_get(s, 1ULL << 32 | 1, &ev, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_body(s, 1, "body 1\n");
	store_close(s);
}

static void
store_is_opened_once(void **state)
{
	struct store *s = open_or_fail();
	struct err e;

	(void)state;
	assert_null(store_open(dir, NULL, &e));
	assert_int_equal(e.kind, ERR_EXISTS);
	store_close(s);
}

/* Whatever the crash left of the last record, what was synced before it is
 * there, and nothing else. */
static void
store_drops_a_torn_tail(void **state)
{
	struct store_stats stats;
	char path[128];
	struct store *s;
	int fd;

	(void)state;
	for (int cut = 1; cut < 60; cut += 7) {
		assert_int_equal(remove_dir(NULL), 0);
		assert_int_equal(make_dir(NULL), 0);
		s = open_or_fail();
		add(s, 1, 1);
		store_close(s);
		snprintf(path, sizeof(path), "%s/log/00000001.seg", dir);
		fd = open(path, O_RDWR);
		assert_true(fd != -1);
		/* The beginning of a record, as a torn write leaves it. */
		s = NULL;
		{
			uint8_t first[64];

			assert_int_equal(
			    pread(fd, first, sizeof(first), SEGMENT_HEADER),
			    64);
			for (off_t at = SEGMENT_HEADER;; at++) {
				uint8_t zero[64] = { 0 }, here[64] = { 0 };

				(void)!pread(fd, here, sizeof(here), at);
				if (memcmp(here, zero, 64) == 0) {
					assert_int_equal(
					    pwrite(fd, first, (size_t)cut, at),
					    cut);
					break;
				}
			}
		}
		close(fd);
		s = open_or_fail();
		store_get_stats(s, &stats);
		assert_true(stats.torn_bytes > 0);
		assert_int_equal(stats.messages, 1);
		assert_body(s, 1, "body 1\n");
		store_close(s);
	}
}

static void
store_reports_damage_and_reads_on(void **state)
{
	struct store *s = open_or_fail();
	struct store_stats stats;
	char path[128];
	int fd;

	(void)state;
	add(s, 1, 1);
	add(s, 2, 1);
	store_close(s);
	snprintf(path, sizeof(path), "%s/log/00000001.seg", dir);
	fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "\xff", 1, 32 + 20), 1);
	close(fd);
	s = open_or_fail();
	store_get_stats(s, &stats);
	assert_int_equal(stats.damaged, 1);
	assert_false(store_has_message(s, 1));
	assert_body(s, 2, "body 2\n");
	store_close(s);
}

/* Removing must never be forgotten before what it removed. */
static void
store_collects_dead_segments(void **state)
{
	struct store_stats stats;
	struct store *s;
	struct err e;

	(void)state;
	for (uint32_t round = 0; round < 5; round++) {
		s = open_or_fail();
		for (uint32_t i = 1; i <= 20; i++)
			add(s, round * 100 + i, 1);
		for (uint32_t i = 2; i <= 20; i++)
			store_add_remove(
			    s, (uint64_t)(round * 100 + i) << 32 | 1);
		assert_int_equal(store_commit(s, &e), 0);
		assert_int_equal(store_collect(s, &e), 0);
		store_close(s);
	}
	s = open_or_fail();
	store_get_stats(s, &stats);
	assert_int_equal(stats.messages, 5);
	assert_true(stats.segments <= 3);
	for (uint32_t round = 0; round < 5; round++) {
		char want[32];

		snprintf(want, sizeof(want), "body %u\n", round * 100 + 1);
		assert_body(s, round * 100 + 1, want);
	}
	store_close(s);
}

static void
status_is_the_one_of_the_error(void **state)
{
	static const struct {
		const char *error, *status;
		enum dsn_kind kind;
	} cases[] = {
		{ "550 5.1.1 no such user", "5.1.1", DSN_KIND_FAILED },
		{ "450 4.2.210 later", "5.2.210", DSN_KIND_FAILED },
		{ "450 4.2.210 later", "4.2.210", DSN_KIND_DELAYED },
		{ "550 5.1 no", "5.0.0", DSN_KIND_FAILED },
		{ "550 5.1.", "5.0.0", DSN_KIND_FAILED },
		{ "550 5.1234.1", "5.0.0", DSN_KIND_FAILED },
		{ "550 2.1.1 no", "5.0.0", DSN_KIND_FAILED },
		{ "550 -5.1.1", "5.0.0", DSN_KIND_FAILED },
		{ "550", "5.0.0", DSN_KIND_FAILED },
		{ "the message expired", "5.4.7", DSN_KIND_FAILED },
		{ "550 5.1.1 no", "2.0.0", DSN_KIND_DELIVERED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char status[16];

		dsn_status(cases[i].error, cases[i].kind, status);
		assert_string_equal(status, cases[i].status);
	}
}

#define WITH_DIR(test)                                                         \
	cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

static int
parse_spoolfile(const char *text, struct envelope *ev, struct err *e)
{
	return spoolfile_parse(text, strlen(text), ev, e);
}

#define SPOOLED                                                                \
	"version: 3\ntype: mta\ndispatcher: out\nsender: @\n"                  \
	"rcpt: x@example.net\ndest: x@example.net\nctime: 7\nttl: 9\n"

static void
a_spool_file_is_an_envelope(void **state)
{
	struct envelope ev;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(
	    parse_spoolfile(SPOOLED "flags: authenticated, suspend\n"
				    "sockaddr: IPv6:::1\nerrorline: 4\tx\n"
				    "dsn-notify: SUCCESS|delay\nretry: 3",
		&ev, &e),
	    0);
	assert_int_equal(ev.type, ENVELOPE_MTA);
	assert_true(address_is_null(&ev.sender));
	assert_int_equal(ev.flags, ENVELOPE_AUTHENTICATED | ENVELOPE_HOLD);
	assert_int_equal(ev.notify, DSN_SUCCESS | DSN_DELAY);
	assert_int_equal(ev.retry, 3);
	assert_string_equal(envelope_text(&ev, ENVELOPE_SOURCE), "::1");
	assert_string_equal(envelope_text(&ev, ENVELOPE_ERROR), "4?x");
	spoolfile_print(&ev, &out);
	assert_non_null(strstr(buf_str(&out), "\ndispatcher: out\n"));
	assert_non_null(strstr(buf_str(&out), "\nsender: <>\n"));
	envelope_clear(&ev);
	buf_free(&out);
}

static void
a_spool_file_tells_commands_from_files(void **state)
{
	static const char *const lines[][2] = {
		{ "mda-exec: /bin/x -a\n", "|/bin/x -a" },
		{ "mda-exec: exit 75\n", "|exit 75" },
		{ "mda-exec: /usr/libexec/opensmtpd/mail.mboxfile -f "
		  "%{mbox.from} /var/a b\n",
		    "/var/a b" },
		{ "mda-file: /var/x\n", "/var/x" },
	};
	struct envelope ev;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct buf text = { 0 };
		struct envelope again;

		buf_printf(&text, "%s%s", SPOOLED, lines[i][0]);
		assert_int_equal(parse_spoolfile(buf_str(&text), &ev, &e), 0);
		assert_string_equal(
		    envelope_text(&ev, ENVELOPE_MDA_EXEC), lines[i][1]);
		buf_reset(&text);
		spoolfile_print(&ev, &text);
		assert_int_equal(
		    parse_spoolfile(buf_str(&text), &again, &e), 0);
		assert_string_equal(
		    envelope_text(&again, ENVELOPE_MDA_EXEC), lines[i][1]);
		envelope_clear(&again);
		envelope_clear(&ev);
		buf_free(&text);
	}
	assert_int_equal(parse_spoolfile(SPOOLED "mda-file: x\n", &ev, &e), -1);
	assert_int_equal(parse_spoolfile(SPOOLED "mda-exec: x\n"
						 "mda-file: /x\n",
			     &ev, &e),
	    -1);
}

static void
a_spool_file_of_opensmtpd_has_numbers(void **state)
{
	struct envelope ev;
	struct err e;

	(void)state;
	assert_int_equal(parse_spoolfile(SPOOLED "dsn-notify: 0\n"
						 "dsn-orcpt: a+2Bb@x.test\n"
						 "esc-class: 4\nesc-code: 30\n",
			     &ev, &e),
	    0);
	assert_int_equal(ev.notify, 0);
	assert_string_equal(
	    envelope_text(&ev, ENVELOPE_ORCPT), "rfc822;a+2Bb@x.test");
	envelope_clear(&ev);
	assert_int_equal(parse_spoolfile(SPOOLED "dsn-notify: 6\n"
						 "dsn-orcpt: rfc822;b@x.test\n",
			     &ev, &e),
	    0);
	assert_int_equal(ev.notify, DSN_FAILURE | DSN_DELAY);
	assert_string_equal(
	    envelope_text(&ev, ENVELOPE_ORCPT), "rfc822;b@x.test");
	envelope_clear(&ev);
	assert_int_equal(
	    parse_spoolfile(SPOOLED "dsn-notify: 8\n", &ev, &e), 0);
	assert_int_equal(ev.notify, DSN_NEVER);
	envelope_clear(&ev);
	assert_int_equal(
	    parse_spoolfile(SPOOLED "dsn-notify: 9\n", &ev, &e), -1);
	assert_non_null(strstr(e.msg, "dsn-notify"));
}

static void
a_spool_file_that_is_none_is_refused_by_name(void **state)
{
	static const char *const wrong[][2] = {
		{ "", "there is no version" },
		{ "version", "line 1: expected" },
		{ "version: 9\n", "line 1: version: \"9\"" },
		{ SPOOLED "x: y\n", "line 9: \"x\" is no field" },
		{ SPOOLED "ctime: 7\n", "ctime is there twice" },
		{ SPOOLED "retry: -1\n", "retry: \"-1\"" },
		{ SPOOLED "retry: 4294967296\n", "retry" },
		{ SPOOLED "flags: root\n", "flags: \"root\"" },
		{ SPOOLED "helo: a\rb\n", "line 9: a control byte" },
		{ SPOOLED "dsn-envid: a RET=FULL\n", "dsn-envid" },
		{ SPOOLED "dsn-orcpt: a b\n", "dsn-orcpt" },
		{ "version: 3\ndest: @\n", "dest: \"@\"" },
		{ "version: 3\nsender: a b@c\n", "sender" },
		{ "version: 3\ntype: shell\n", "type" },
		{ "\x1f\x8b", "compressed" },
	};
	struct envelope ev;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(parse_spoolfile(wrong[i][0], &ev, &e), -1);
		if (strstr(e.msg, wrong[i][1]) == NULL)
			fail_msg("%s: not: %s", e.msg, wrong[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spool_file_is_an_envelope),
		cmocka_unit_test(a_spool_file_tells_commands_from_files),
		cmocka_unit_test(a_spool_file_of_opensmtpd_has_numbers),
		cmocka_unit_test(a_spool_file_that_is_none_is_refused_by_name),
		cmocka_unit_test(envelope_comes_back_as_it_was),
		cmocka_unit_test(crc32c_is_the_published_one),
		cmocka_unit_test(sealed_bytes_come_back_and_no_others_do),
		cmocka_unit_test(decompression_is_bounded),
		cmocka_unit_test(status_is_the_one_of_the_error),
		WITH_DIR(store_remembers_over_a_restart),
		WITH_DIR(store_is_opened_once),
		WITH_DIR(store_drops_a_torn_tail),
		WITH_DIR(store_reports_damage_and_reads_on),
		WITH_DIR(store_collects_dead_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
