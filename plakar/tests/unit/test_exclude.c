/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plakar/exclude/exclude.h"

#define ROOT   "/r/" /* what the paths of most cases are relative to */

#define OUT    EXCLUDE_OUT
#define KEEP   EXCLUDE_KEEP
#define SILENT EXCLUDE_SILENT

struct a_case {
	const char *patterns; /* a file's text */
	const char *path;     /* below ROOT; a slash at the end: a directory */
	enum exclude_verdict verdict;
};

static void
check(const struct a_case *c)
{
	struct exclude *ex = exclude_new(false);
	char path[256];
	size_t len;
	bool is_dir;
	enum exclude_verdict got;

	snprintf(path, sizeof(path), "%s%s", ROOT, c->path);
	len = strlen(path);
	is_dir = path[len - 1] == '/';
	if (is_dir)
		path[len - 1] = '\0';
	exclude_add_text(ex, c->patterns, strlen(c->patterns));
	got = exclude_match(ex, path, path + strlen(ROOT), is_dir);
	if (got != c->verdict)
		fail_msg("\"%s\" on \"%s\": %d, not %d", c->patterns, c->path,
		    got, c->verdict);
	exclude_free(ex);
}

#define CHECK_ALL(cases)                                                       \
	for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++)        \
	check(&(cases)[i])

/* The format's paragraphs, in the order of the manual page. */
static void
lines_are_read_as_the_manual_says(void **state)
{
	static const struct a_case cases[] = {
		{ "", "a", SILENT },
		{ "\n\n", "a", SILENT },
		{ "#a", "#a", SILENT },
		{ "\\#a", "#a", OUT },
		{ "a   ", "a", OUT },
		{ "a\\ ", "a ", OUT },
		{ "a\\ ", "a", SILENT },
		{ "a\\  ", "a ", OUT },
		{ "   ", "   ", SILENT },
		{ " a", " a", OUT },
		{ "a\r\n", "a", OUT },
		{ "\xef\xbb\xbf"
		  "a\n",
		    "a", OUT },
		{ "a\nb", "b", OUT },
		{ "\\!a", "!a", OUT },
		{ "!a", "a", KEEP },
		{ "!a", "!a", SILENT },
		{ "/", "a", SILENT },
		{ "!", "!", SILENT },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
the_last_match_wins(void **state)
{
	static const struct a_case cases[] = {
		{ "*.o\n!keep.o", "a.o", OUT },
		{ "*.o\n!keep.o", "keep.o", KEEP },
		{ "!keep.o\n*.o", "keep.o", OUT },
		{ "*\n!/foo\n/foo/*\n!/foo/bar", "x", OUT },
		{ "*\n!/foo\n/foo/*\n!/foo/bar", "foo/", KEEP },
		{ "*\n!/foo\n/foo/*\n!/foo/bar", "foo/x", OUT },
		{ "*\n!/foo\n/foo/*\n!/foo/bar", "foo/bar/", KEEP },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
slashes_anchor_and_ask_for_directories(void **state)
{
	static const struct a_case cases[] = {
		{ "frotz", "frotz", OUT },
		{ "frotz", "a/b/frotz", OUT },
		{ "frotz", "frotzen", SILENT },
		{ "frotz/", "frotz/", OUT },
		{ "frotz/", "a/frotz/", OUT },
		{ "frotz/", "frotz", SILENT },
		{ "doc/frotz", "doc/frotz", OUT },
		{ "doc/frotz", "a/doc/frotz", SILENT },
		{ "/doc/frotz", "doc/frotz", OUT },
		{ "doc/frotz/", "doc/frotz/", OUT },
		{ "doc/frotz/", "doc/frotz", SILENT },
		{ "doc/frotz/", "a/doc/frotz/", SILENT },
		{ "/hello.*", "hello.c", OUT },
		{ "/hello.*", "a/hello.java", SILENT },
		{ "hello.*", "a/hello.java", OUT },
		{ "foo/*", "foo/test.json", OUT },
		{ "foo/*", "foo/bar/", OUT },
		{ "foo/*", "foo/bar/hello.c", SILENT },
		{ "foo/*", "foo/", SILENT },
		{ "a//b", "a/b", SILENT },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
two_stars_cross_directories(void **state)
{
	static const struct a_case cases[] = {
		{ "**/foo", "foo", OUT },
		{ "**/foo", "a/b/foo", OUT },
		{ "**/foo/bar", "foo/bar", OUT },
		{ "**/foo/bar", "a/b/foo/bar", OUT },
		{ "**/foo/bar", "a/foo/b/bar", SILENT },
		{ "abc/**", "abc/x", OUT },
		{ "abc/**", "abc/x/y/z", OUT },
		{ "abc/**", "abc/", SILENT },
		{ "abc/**", "x/abc/y", SILENT },
		{ "a/**/b", "a/b", OUT },
		{ "a/**/b", "a/x/b", OUT },
		{ "a/**/b", "a/x/y/b", OUT },
		{ "a/**/b", "a/x/y/c", SILENT },
		{ "a/**/b/**/c", "a/b/x/b/c", OUT },
		{ "a/**/b/**/c", "a/x/c", SILENT },
		{ "a/**/**/b", "a/b", OUT },
		{ "**", "a/b", OUT },
		{ "/**", "a/b", OUT },
		{ "**/", "a/", OUT },
		{ "**/", "a", SILENT },
		{ "a**b", "axxb", OUT },
		{ "x/a**b", "x/a/b", SILENT },
		{ "/a**", "ab", OUT },
		{ "/a**", "a/b", SILENT },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
names_match_as_globs(void **state)
{
	static const struct a_case cases[] = {
		{ "*", "a", OUT },
		{ "*.c", ".c", OUT },
		{ "a*b*c", "aXbYbZc", OUT },
		{ "a*b*c", "aXbYbZ", SILENT },
		{ "?", "a", OUT },
		{ "?", "ab", SILENT },
		{ "a/?", "a/b", OUT },
		{ "a?b", "a/b", SILENT },
		{ "[a-c]", "b", OUT },
		{ "[a-c]", "d", SILENT },
		{ "[!a-c]", "d", OUT },
		{ "[^a-c]", "b", SILENT },
		{ "[]]", "]", OUT },
		{ "[!]]", "a", OUT },
		{ "[]-a]", "^", OUT },
		{ "[a-]", "-", OUT },
		{ "[\\]]", "]", OUT },
		{ "[[:digit:]x]", "7", OUT },
		{ "[[:digit:]x]", "x", OUT },
		{ "[[:digit:]x]", "y", SILENT },
		{ "[![:upper:]]", "a", OUT },
		{ "[[:nonsense:]]", "a", SILENT },
		{ "[abc", "a", SILENT },
		{ "[abc", "[abc", SILENT },
		{ "\\*", "*", OUT },
		{ "\\*", "a", SILENT },
		{ "a\\", "a", SILENT },
		{ "a\\", "a\\", SILENT },
		{ "\xff?", "\xff\xfe", OUT },
		{ "[\x80-\xff]", "\xc3", OUT },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
on_the_command_line_a_leading_slash_is_the_root(void **state)
{
	struct exclude *ex = exclude_new(true);
	const char *path = "/home/x/cache";

	(void)state;
	exclude_add(ex, "/cache", 6);
	assert_int_equal(exclude_match(ex, path, path + 8, false), SILENT);
	exclude_add(ex, "/home/*/cache", 13);
	assert_int_equal(exclude_match(ex, path, path + 8, false), OUT);
	exclude_add(ex, "!x/cache", 8);
	assert_int_equal(exclude_match(ex, path, path + 8, false), OUT);
	assert_int_equal(exclude_match(ex, path, path + 6, false), KEEP);
	exclude_add(ex, "#cache", 6);
	assert_int_equal(exclude_match(ex, "/#cache", "#cache", false), OUT);
	exclude_free(ex);
}

static void
no_list_decides_nothing(void **state)
{
	(void)state;
	assert_int_equal(exclude_match(NULL, "/a", "a", false), SILENT);
	exclude_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_as_the_manual_says),
		cmocka_unit_test(the_last_match_wins),
		cmocka_unit_test(slashes_anchor_and_ask_for_directories),
		cmocka_unit_test(two_stars_cross_directories),
		cmocka_unit_test(names_match_as_globs),
		cmocka_unit_test(
		    on_the_command_line_a_leading_slash_is_the_root),
		cmocka_unit_test(no_list_decides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
