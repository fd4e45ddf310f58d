/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

static char *root; /* a folder for one test */

static int
set_up(void **state)
{
	(void)state;
	root = xstrdup("/tmp/test_fs.XXXXXX");
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	char *command = xasprintf("rm -rf %s", root);
	int rc = system(command);

	(void)state;
	free(command);
	free(root);
	return rc;
}

static void
assert_content(const char *path, const char *text)
{
	struct buf b = { 0 };
	struct err e;

	assert_int_equal(fs_read_file(path, 1 << 20, &b, &e), 0);
	assert_string_equal(buf_str(&b), text);
	buf_free(&b);
}

static void
file_is_replaced_whole(void **state)
{
	char *path = fs_join(root, "file");
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(fs_replace_file(path, "old", 3, 0600, &e), 0);
	assert_content(path, "old");
	assert_int_equal(fs_replace_file(path, "newer", 5, 0644, &e), 0);
	assert_content(path, "newer");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	free(path);
}

/* The names in the test's folder. */
static unsigned
count_names(void)
{
	char *command = xasprintf("test -z \"$(ls -A %s)\"", root);
	unsigned n = system(command) == 0 ? 0 : 1;

	free(command);
	return n;
}

static void
failed_replacement_leaves_nothing_behind(void **state)
{
	char *dir = fs_join(root, "dir");
	struct err e;

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	/* A directory can't be replaced by a file. */
	assert_int_equal(fs_replace_file(dir, "x", 1, 0600, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.errnum, EISDIR);
	assert_non_null(strstr(e.msg, dir));
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(count_names(), 0);
	free(dir);
}

static void
file_above_the_limit_is_refused(void **state)
{
	char *path = fs_join(root, "file");
	struct buf b = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(fs_replace_file(path, "12345", 5, 0600, &e), 0);
	assert_int_equal(fs_read_file(path, 5, &b, &e), 0);
	assert_int_equal(fs_read_file(path, 4, &b, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	buf_free(&b);
	free(path);
}

static void
missing_file_is_named(void **state)
{
	char *path = fs_join(root, "missing");
	struct buf b = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(fs_read_file(path, 5, &b, &e), -1);
	assert_int_equal(e.errnum, ENOENT);
	assert_non_null(strstr(e.msg, path));
	assert_int_equal(fs_sync_dir(path, &e), -1);
	assert_int_equal(e.errnum, ENOENT);
	buf_free(&b);
	free(path);
}

static void
directories_are_made_as_deep_as_asked(void **state)
{
	char *path = fs_join(root, "a//b/c/");
	char *file = fs_join(root, "file");
	char *below = fs_join(file, "x");
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(fs_mkdir_all(path, 0700, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(fs_mkdir_all(path, 0700, &e), 0);
	assert_int_equal(fs_mkdir_all("/", 0700, &e), 0);

	assert_int_equal(fs_replace_file(file, "x", 1, 0600, &e), 0);
	assert_int_equal(fs_mkdir_all(file, 0700, &e), -1);
	assert_int_equal(e.errnum, ENOTDIR);
	assert_int_equal(fs_mkdir_all(below, 0700, &e), -1);
	assert_int_equal(e.errnum, ENOTDIR);
	assert_int_equal(fs_mkdir_all("", 0700, &e), -1);
	free(below);
	free(file);
	free(path);
}

static void
reading_stops_only_at_the_end(void **state)
{
	char *path = fs_join(root, "file");
	char data[8] = { 0 };
	struct err e;
	size_t got;
	int fd;

	(void)state;
	assert_int_equal(fs_replace_file(path, "123456", 6, 0600, &e), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(fs_pread_full(fd, data, 4, 1, &got, &e), 0);
	assert_int_equal(got, 4);
	assert_string_equal(data, "2345");
	assert_int_equal(fs_pread_full(fd, data, 8, 4, &got, &e), 0);
	assert_int_equal(got, 2);
	assert_int_equal(fs_pread_full(fd, data, 8, 100, &got, &e), 0);
	assert_int_equal(got, 0);
	close(fd);
	assert_int_equal(fs_pread_full(fd, data, 8, 0, &got, &e), -1);
	assert_int_equal(e.errnum, EBADF);
	assert_int_equal(fs_write_all(fd, data, 8, &e), -1);
	assert_int_equal(e.errnum, EBADF);
	free(path);
}

static void
joined_paths_have_one_slash(void **state)
{
	static const struct {
		const char *base, *name, *path;
	} cases[] = {
		{ "a", "b", "a/b" },
		{ "a/", "b", "a/b" },
		{ "/a//", "b/c", "/a/b/c" },
		{ "/", "b", "/b" },
		{ "//", "b", "/b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *path = fs_join(cases[i].base, cases[i].name);

		assert_string_equal(path, cases[i].path);
		free(path);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_is_replaced_whole),
		TEST(failed_replacement_leaves_nothing_behind),
		TEST(file_above_the_limit_is_refused),
		TEST(missing_file_is_named),
		TEST(directories_are_made_as_deep_as_asked),
		TEST(reading_stops_only_at_the_end),
		TEST(joined_paths_have_one_slash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
