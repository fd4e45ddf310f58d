/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/* err, mem, log and secret: what everything else stands on. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/secret.h"
#include "lib/sys/cores.h"

static void
error_grows_nouns_on_its_way_up(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_CORRUPT, "extent %d past end", 3);
	err_wrap(&e, "pack %s", "9f");
	err_wrap(&e, "snapshot %s", "1a2b");
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_int_equal(e.errnum, 0);
	assert_string_equal(e.msg, "snapshot 1a2b: pack 9f: extent 3 past end");
	err_clear(&e);
	assert_int_equal(e.kind, ERR_NONE);
	assert_string_equal(e.msg, "");
}

static void
system_error_has_the_systems_words(void **state)
{
	struct err e;

	(void)state;
	errno = ENOENT;
	err_sys(&e, "/no/%s", "file");
	err_wrap(&e, "config");
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.errnum, ENOENT);
	assert_string_equal(
	    e.msg, "config: /no/file: No such file or directory");
}

static void
endless_message_is_cut(void **state)
{
	char *text = xmalloc(3 * ERR_MSG_LEN);
	struct err e;

	(void)state;
	memset(text, 'x', 3 * ERR_MSG_LEN - 1);
	text[3 * ERR_MSG_LEN - 1] = '\0';
	errno = EIO;
	err_sys(&e, "%s", text);
	assert_int_equal(strlen(e.msg), ERR_MSG_LEN - 1);
	err_wrap(&e, "%s", text);
	assert_int_equal(strlen(e.msg), ERR_MSG_LEN - 1);
	free(text);
}

static void
memory_of_no_length_is_still_memory(void **state)
{
	void *p;
	char *s;

	(void)state;
	p = xmalloc(0);
	assert_non_null(p);
	free(p);
	p = xcalloc(0, 0);
	assert_non_null(p);
	p = xreallocarray(p, 0, 0);
	assert_non_null(p);
	free(p);
	s = xstrndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
	s = xstrdup("");
	assert_string_equal(s, "");
	free(s);
	s = xasprintf("%d-%s", 7, "x");
	assert_string_equal(s, "7-x");
	free(s);
}

/* Whether a child that runs f comes to a bad end: a signal or a status. */
static bool
ends_badly(void (*f)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child != -1);
	if (child == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL); /* not cmocka's */
		signal(SIGSEGV, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(0);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void
overflow(void)
{
	/* Hidden from the compiler, which would refuse it. */
	volatile size_t n = SIZE_MAX / 2 + 2;

	free(xreallocarray(NULL, n, 2));
}

static void
array_too_large_to_count_ends_the_program(void **state)
{
	(void)state;
	assert_true(ends_badly(overflow));
}

static void
touch_past_secret(void)
{
	volatile char *p = secret_alloc(32);

	p[32] = 1;
}

static void
secret_is_zero_and_guarded(void **state)
{
	static const uint8_t zero[32];
	struct rlimit core;
	struct err e;
	void *p;

	(void)state;
	assert_int_equal(secret_init(&e), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_cur, 0);
	p = secret_alloc(32);
	assert_memory_equal(p, zero, 32);
	memset(p, 'k', 32);
	secret_free(p);
	secret_free(NULL);
	assert_true(ends_badly(touch_past_secret));
}

/* What f writes to standard error, in a buffer for the next call. */
static const char *
said(void (*f)(void))
{
	static char text[8192];
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(file);
	fflush(stderr);
	assert_true(dup2(fileno(file), STDERR_FILENO) != -1);
	f();
	fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) != -1);
	close(saved);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void
log_hostile_text(void)
{
	log_warn("from <%s>",
	    "a\nprog: forged\r\x1b[2J\x7f\xc2\x9b"
	    "2J \xc3\xa9");
}

static void
log_every_level(void)
{
	log_error("e%d", 1);
	log_warn("w");
	log_info("i");
	log_debug("d");
}

static void
log_line_cannot_be_forged(void **state)
{
	(void)state;
	log_init("prog", LOG_USER, true);
	assert_string_equal(said(log_hostile_text),
	    "prog: from <a\\x0aprog: forged\\x0d\\x1b[2J\\x7f\\xc2\\x9b"
	    "2J \xc3\xa9>\n");
}

static void
levels_above_the_wanted_one_are_silent(void **state)
{
	(void)state;
	log_init("prog", LOG_USER, true);
	assert_int_equal(log_get_level(), LOG_LEVEL_INFO);
	assert_string_equal(
	    said(log_every_level), "prog: e1\nprog: w\nprog: i\n");
	log_set_level(LOG_LEVEL_ERROR);
	assert_string_equal(said(log_every_level), "prog: e1\n");
	log_set_level(LOG_LEVEL_DEBUG);
	assert_string_equal(
	    said(log_every_level), "prog: e1\nprog: w\nprog: i\nprog: d\n");
	log_set_level(LOG_LEVEL_INFO);
}

static void
threads_are_as_many_as_asked_or_as_processors(void **state)
{
	(void)state;
	assert_int_equal(cores_count(3, 64), 3);
	assert_int_equal(cores_count(100, 64), 64);
	assert_in_range(cores_count(0, 64), 1, 64);
	assert_int_equal(cores_count(0, 1), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_grows_nouns_on_its_way_up),
		cmocka_unit_test(system_error_has_the_systems_words),
		cmocka_unit_test(endless_message_is_cut),
		cmocka_unit_test(memory_of_no_length_is_still_memory),
		cmocka_unit_test(array_too_large_to_count_ends_the_program),
		cmocka_unit_test(secret_is_zero_and_guarded),
		cmocka_unit_test(log_line_cannot_be_forged),
		cmocka_unit_test(levels_above_the_wanted_one_are_silent),
		cmocka_unit_test(threads_are_as_many_as_asked_or_as_processors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
