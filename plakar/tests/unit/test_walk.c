/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/* Walks of real directories, made for each test below a private one. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/exclude/exclude.h"
#include "plakar/format/key.h"
#include "plakar/walk/walk.h"

static char *top; /* the private directory, a real path */

static int
setup(void **state)
{
	char name[] = "/tmp/plakar-walk-XXXXXX";

	(void)state;
	top = mkdtemp(name) != NULL ? realpath(name, NULL) : NULL;
	return top != NULL && chdir(top) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	char *command = xasprintf("rm -rf '%s'", top);
	int rc;

	(void)state;
	rc = chdir("/") == 0 ? system(command) : -1;
	free(command);
	free(top);
	return rc;
}

static void
make_dir(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void
make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct walk *
start(const char *const *roots, size_t n, const struct walk_options *options)
{
	struct walk *w;
	struct err e;

	assert_int_equal(walk_open(roots, n, options, &w, &e), 0);
	return w;
}

/*
 * All entries below top, as lines "path", with marks after it: "!" unread,
 * "=" recorded only; problems as "?path".  Checks what holds for any walk.
 */
static char *
run(struct walk *w)
{
	struct buf text = { 0 }, before = { 0 }, key = { 0 };
	struct walk_item item;
	size_t skip = strlen(top);
	bool first = true;
	struct err e;

	while (walk_next(w, &item)) {
		const char *path = item.path;

		assert_int_equal(strlen(path), item.path_len);
		if (strncmp(path, top, skip) == 0 && path[skip] != '\0')
			path += skip + 1;
		else if (item.kind == WALK_ENTRY)
			path = NULL;
		if (item.kind == WALK_PROBLEM) {
			assert_non_null(item.problem);
			buf_printf(&text, "?%s\n", path);
			continue;
		}
		buf_reset(&key);
		assert_int_equal(
		    key_from_path(item.path, item.path_len, &key, &e), 0);
		assert_int_equal(key.len, item.key_len);
		assert_true(
		    key.len == 0 || memcmp(key.data, item.key, key.len) == 0);
		if (!first) {
			size_t len =
			    before.len < key.len ? before.len : key.len;
			int order = memcmp(before.data, key.data, len);

			assert_true(
			    order < 0 || (order == 0 && before.len < key.len));
		}
		first = false;
		buf_reset(&before);
		buf_add(&before, key.data, key.len);
		buf_reserve(&before, 1);
		if (path != NULL)
			buf_printf(&text, "%s%s%s\n", path,
			    item.problem != NULL ? "!" : "",
			    item.recorded_only ? "=" : "");
	}
	walk_close(w);
	buf_free(&before);
	buf_free(&key);
	buf_str(&text);
	return (char *)text.data;
}

static void
expect(struct walk *w, const char *want)
{
	char *got = run(w);

	assert_string_equal(got, want);
	free(got);
}

static void
entries_come_in_key_order(void **state)
{
	const char *const roots[] = { "r" };
	const struct walk_options options = { 0 };

	(void)state;
	make_dir("r");
	make_dir("r/b");
	make_dir("r/b!");
	make_dir("r/b/c");
	make_dir("r/empty");
	make_file("r/b/c/1", "");
	make_file("r/b/z", "");
	make_file("r/b!/x", "");
	make_file("r/a", "");
	make_file("r/\xff\xfe \n", "");
	make_file("r/\x01", "");
	make_file("r/longer than eight b", "");
	make_file("r/longer than eight a", "");
	make_file("other", "");
	expect(start(roots, 1, &options),
	    "r\nr/\x01\nr/a\nr/b\nr/b!\nr/empty\nr/longer than eight a\n"
	    "r/longer than eight b\nr/\xff\xfe \n\n"
	    "r/b/c\nr/b/z\nr/b/c/1\nr/b!/x\n");
}

static void
several_roots_are_one_walk(void **state)
{
	const char *const roots[] = { "r/b", "r/a/x", "r/b/", "./r/a/x/in" };
	const struct walk_options options = { 0 };
	struct walk *w;

	(void)state;
	make_dir("r");
	make_dir("r/a");
	make_dir("r/a/x");
	make_dir("r/a/x/in");
	make_dir("r/a/y");
	make_dir("r/b");
	make_file("r/a/x/in/1", "");
	make_file("r/a/x/2", "");
	make_file("r/a/other", "");
	make_file("r/b/3", "");
	w = start(roots, 4, &options);
	assert_non_null(walk_root(w, 2));
	assert_null(walk_root(w, 3));
	expect(w,
	    "r=\nr/a=\nr/b\nr/a/x\nr/a/x/2\nr/a/x/in\nr/a/x/in/1\n"
	    "r/b/3\n");
}

static void
a_root_can_be_a_file_or_a_link(void **state)
{
	const char *const roots[] = { "r/file", "r/link", "r/link/x", "dirs/" };
	const struct walk_options options = { 0 };

	(void)state;
	make_dir("r");
	make_dir("target");
	make_file("target/x", "");
	make_file("r/file", "");
	make_file("r/other", "");
	assert_int_equal(symlink("../target", "r/link"), 0);
	assert_int_equal(symlink("target", "dirs"), 0);
	expect(start(roots, 4, &options),
	    "r=\ntarget\nr/file\nr/link\ntarget/x\n");
}

static void
roots_that_are_not_there_are_told(void **state)
{
	const char *const roots[] = { "none/x", "r", "r/gone" };
	const struct walk_options options = { 0 };
	struct walk *w;
	struct err e;

	(void)state;
	make_dir("r");
	expect(start(roots, 3, &options), "?none/x\n?r/gone\nr\n");
	assert_int_equal(walk_open(roots, 1, &options, &w, &e), -1);
	assert_int_equal(e.errnum, ENOENT);
}

static void
items_can_be_opened(void **state)
{
	const char *const roots[] = { "r" };
	const struct walk_options options = { 0 };
	struct walk *w;
	struct walk_item item;
	struct stat st;

	(void)state;
	make_dir("r");
	make_dir("r/d");
	make_file("r/d/f", "text");
	assert_int_equal(symlink("f", "r/d/l"), 0);
	w = start(roots, 1, &options);
	while (walk_next(w, &item)) {
		assert_int_equal(item.kind, WALK_ENTRY);
		assert_int_equal(
		    fstatat(item.dirfd, item.name, &st, AT_SYMLINK_NOFOLLOW),
		    0);
		assert_true(st.st_ino == item.st.stx_ino);
		assert_int_equal(st.st_mode, item.st.stx_mode);
		assert_int_equal(item.fd != -1, S_ISDIR(st.st_mode));
		if (item.fd != -1) {
			assert_int_equal(fstat(item.fd, &st), 0);
			assert_true(st.st_ino == item.st.stx_ino);
		}
	}
	walk_close(w);
}

static void
excludes_are_heeded(void **state)
{
	const char *const roots[] = { "r", "r/a/deep/root.o" };
	struct walk_options options = { 0 };
	struct exclude *ex = exclude_new(true);
	struct walk *w;

	(void)state;
	make_dir("r");
	make_dir("r/a");
	make_dir("r/a/deep");
	make_dir("r/a/deep/root.o");
	make_dir("r/cache");
	make_file("r/a/deep/root.o/in", "");
	make_file("r/a/deep/other", "");
	make_file("r/cache/x", "");
	make_file("r/1.o", "");
	make_file("r/keep.o", "");
	make_file("r/big", "123456");
	make_file("r/small", "12345");
	exclude_add(ex, "*.o", 3);
	exclude_add(ex, "!/**/keep.o", 11);
	exclude_add(ex, "/cache", 6);
	exclude_add(ex, "a/", 2);
	options.excludes = ex;
	options.larger_than = 5;
	w = start(roots, 2, &options);
	expect(w,
	    "r\nr/a=\nr/cache\nr/keep.o\nr/small\nr/a/deep=\n"
	    "r/a/deep/root.o\nr/a/deep/root.o/in\nr/cache/x\n");
	exclude_free(ex);
}

static void
ignore_files_are_heeded_when_asked(void **state)
{
	const char *const roots[] = { "r", "r/d/e" };
	struct walk_options options = { .ignore_files = true };
	struct exclude *ex = exclude_new(true);

	(void)state;
	make_dir("r");
	make_dir("r/d");
	make_dir("r/d/e");
	make_dir("r/x");
	make_file("r/.plakarignore", "*.tmp\n/top\nd/sub\n");
	make_file("r/d/.plakarignore", "!a.tmp\n/top\n");
	make_file("r/d/a.tmp", "");
	make_file("r/d/b.tmp", "");
	make_file("r/d/sub", "");
	make_file("r/d/top", "");
	make_file("r/d/e/root.tmp", "");
	make_file("r/top", "");
	make_file("r/x/top", "");
	make_file("r/x/c.tmp", "");
	make_file("r/x/line", "");
	exclude_add(ex, "line", 4);
	options.excludes = ex;
	expect(start(roots, 2, &options),
	    "r\nr/.plakarignore\nr/d\nr/x\nr/d/.plakarignore\nr/d/a.tmp\n"
	    "r/d/e\nr/d/e/root.tmp\nr/x/top\n");
	options.ignore_files = false;
	options.excludes = NULL;
	expect(start(roots, 1, &options),
	    "r\nr/.plakarignore\nr/d\nr/top\nr/x\nr/d/.plakarignore\n"
	    "r/d/a.tmp\nr/d/b.tmp\nr/d/e\nr/d/sub\nr/d/top\n"
	    "r/d/e/root.tmp\nr/x/c.tmp\nr/x/line\nr/x/top\n");
	exclude_free(ex);
}

static void
of_a_cache_only_the_tag_is_given(void **state)
{
	const char *const roots[] = { "r" };
	const struct walk_options options = { .exclude_caches = true };

	(void)state;
	make_dir("r");
	make_dir("r/cache");
	make_dir("r/cache/sub");
	make_dir("r/not");
	make_file("r/cache/CACHEDIR.TAG",
	    "Signature: 8a477f597d28d172789f06886806bc55\n# text\n");
	make_file("r/cache/x", "");
	make_file("r/not/CACHEDIR.TAG", "Signature: none");
	make_file("r/not/x", "");
	expect(start(roots, 1, &options),
	    "r\nr/cache=\nr/not\nr/cache/CACHEDIR.TAG\n"
	    "r/not/CACHEDIR.TAG\nr/not/x\n");
}

static void
mounts_are_not_entered_when_asked(void **state)
{
	const char *const roots[] = { "r", "r/d/in/2" };
	const struct walk_options options = { .one_file_system = true };

	(void)state;
	if (geteuid() != 0) {
		print_message("SKIPPED: mounting needs root\n");
		skip();
	}
	make_dir("r");
	make_dir("r/d");
	make_dir("r/z");
	make_file("r/z/x", "");
	if (mount("none", "r/d", "tmpfs", 0, "size=1m") == -1) {
		print_message("SKIPPED: cannot mount: %s\n", strerror(errno));
		skip();
	}
	make_dir("r/d/in");
	make_file("r/d/in/1", "");
	make_dir("r/d/in/2");
	make_file("r/d/in/2/3", "");
	expect(start(roots, 1, &options), "r\nr/d=\nr/z\nr/z/x\n");
	expect(start(roots, 2, &options),
	    "r\nr/d=\nr/z\nr/d/in=\nr/d/in/2\nr/d/in/2/3\nr/z/x\n");
	assert_int_equal(umount("r/d"), 0);
}

/* Removes, replaces, and makes things between one item and the next. */
static void
what_changes_meanwhile_is_told(void **state)
{
	const char *const roots[] = { "r" };
	const struct walk_options options = { 0 };
	struct walk_item item;
	struct buf text = { 0 };
	struct walk *w;

	(void)state;
	make_dir("r");
	make_dir("r/a");
	make_dir("r/b");
	make_dir("r/c");
	make_dir("r/d");
	make_file("r/c/x", "");
	make_file("r/d/x", "");
	make_file("r/z", "");
	w = start(roots, 1, &options);
	while (walk_next(w, &item)) {
		const char *path = item.path;

		if (strncmp(path, top, strlen(top)) != 0 ||
		    strlen(path) <= strlen(top) + 2)
			continue;
		path += strlen(top) + 1;
		buf_printf(&text, "%s%s\n",
		    item.kind == WALK_PROBLEM ? "?" : "", path);
		if (item.kind == WALK_PROBLEM)
			assert_true(item.vanished);
		if (strcmp(path, "r/a") != 0)
			continue;
		/* All of r is listed, the rest of it not looked at yet. */
		assert_int_equal(rmdir("r/b"), 0);
		assert_int_equal(unlink("r/z"), 0);
		assert_int_equal(rename("r/c", "was_c"), 0);
		assert_int_equal(symlink("../was_c", "r/c"), 0);
	}
	walk_close(w);
	assert_string_equal(
	    buf_str(&text), "r/a\n?r/b\nr/c\nr/d\n?r/z\nr/d/x\n");
	buf_free(&text);
}

static void
unreadable_directories_are_told(void **state)
{
	const char *const roots[] = { "r", "r/closed/in" };
	const struct walk_options options = { 0 };

	(void)state;
	make_dir("r");
	make_dir("r/closed");
	make_dir("r/closed/in");
	make_dir("r/nameless");
	make_dir("r/open");
	make_file("r/open/x", "");
	make_file("r/closed/in/y", "");
	make_file("r/closed/x", "");
	make_file("r/nameless/x", "");
	assert_int_equal(chmod("r/closed", 0311), 0);
	assert_int_equal(chmod("r/nameless", 0644), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown("r/closed", 65534, 65534), 0);
		assert_int_equal(chown("r/nameless", 65534, 65534), 0);
		assert_int_equal(chown("r/closed/in", 65534, 65534), 0);
		assert_int_equal(chmod(top, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	expect(start(roots, 2, &options),
	    "r\nr/closed!=\nr/nameless\nr/open\nr/closed/in\n"
	    "r/closed/in/y\n?r/nameless/x\nr/open/x\n");
	if (geteuid() == 65534)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod("r/closed", 0755), 0);
	assert_int_equal(chmod("r/nameless", 0755), 0);
}

#define DEEP 3000 /* levels of names of 60 bytes: 180 kB of path */

static void
depth_has_no_limit_but_the_key(void **state)
{
	const char *const roots[] = { "r" };
	const struct walk_options options = { 0 };
	struct walk_item item;
	char name[61];
	unsigned entries = 0, files = 0, most = 0;
	struct walk *w;
	int fd;

	(void)state;
	memset(name, 'n', 60);
	name[60] = '\0';
	make_dir("r");
	fd = open("r", O_RDONLY | O_DIRECTORY);
	for (unsigned i = 0; i < DEEP; i++) {
		int next, file;

		assert_int_equal(mkdirat(fd, name, 0755), 0);
		/* Something to come back to, above and below. */
		assert_int_equal(mkdirat(fd, "zz", 0755), 0);
		next = openat(fd, "zz", O_RDONLY | O_DIRECTORY);
		assert_int_not_equal(next, -1);
		file = openat(next, "file", O_CREAT | O_WRONLY, 0644);
		assert_int_not_equal(file, -1);
		close(file);
		close(next);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY);
		assert_int_not_equal(next, -1);
		close(fd);
		fd = next;
	}
	close(fd);
	w = start(roots, 1, &options);
	while (walk_next(w, &item)) {
		int lowest = dup(0);

		if (item.problem != NULL)
			fail_msg("%s", item.problem);
		entries++;
		files += S_ISREG(item.st.stx_mode);
		if ((unsigned)lowest > most)
			most = (unsigned)lowest;
		close(lowest);
	}
	walk_close(w);
	assert_int_equal(files, DEEP);
	assert_true(entries >= 3 * DEEP);
	assert_true(most < WALK_OPEN_MAX + 20);
}

static void
names_beyond_the_key_are_told(void **state)
{
	const char *const roots[] = { "r" };
	const struct walk_options options = { 0 };
	struct walk_item item;
	unsigned problems = 0, entries = 0;
	char name[256];
	struct walk *w;
	int fd;

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	make_dir("r");
	fd = open("r", O_RDONLY | O_DIRECTORY);
	for (unsigned i = 0; i < KEY_MAX / 256 + 2; i++) {
		int next;

		assert_int_equal(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY);
		assert_int_not_equal(next, -1);
		close(fd);
		fd = next;
	}
	close(fd);
	w = start(roots, 1, &options);
	while (walk_next(w, &item)) {
		if (item.kind == WALK_PROBLEM) {
			assert_non_null(strstr(item.problem, "too long"));
			problems++;
		} else {
			assert_true(key_valid(item.key, item.key_len));
			entries++;
		}
	}
	walk_close(w);
	assert_int_equal(problems, 1);
	assert_true(entries > KEY_MAX / 256 - 2);
}

static void
many_names_are_sorted(void **state)
{
	const char *const roots[] = { "r" };
	const struct walk_options options = { 0 };
	unsigned seen = 0;
	char *got;

	(void)state;
	make_dir("r");
	for (unsigned i = 0; i < 5000; i++) {
		char *path = xasprintf(
		    "r/%s%u", i % 3 == 0 ? "same-beginning-" : "", i * 7919);

		make_file(path, "");
		free(path);
	}
	got = run(start(roots, 1, &options)); /* checks the order */
	for (const char *p = got; (p = strchr(p, '\n')) != NULL; p++)
		seen++;
	assert_int_equal(seen, 5001);
	free(got);
}

#define LEVELS 100
#define MOVED  63 /* neither open any more, nor what is below it ahead */

/* "r/d/d...", with n times "/d". */
static char *
path_of(unsigned n)
{
	struct buf path = { 0 };

	buf_add_str(&path, "r");
	while (n-- > 0)
		buf_add_str(&path, "/d");
	buf_str(&path);
	return (char *)path.data;
}

static void
a_directory_moved_away_is_not_mistaken(void **state)
{
	const char *const roots[] = { "r" };
	const struct walk_options options = { 0 };
	unsigned problems = 0, d = 0, z = 0;
	char *one = path_of(MOVED), *next = path_of(MOVED + 1);
	struct walk_item item;
	struct walk *w;

	(void)state;
	for (unsigned i = 0; i < LEVELS; i++) {
		char *path = path_of(i);

		make_dir(path);
		path[strlen(path) - 1] = 'z';
		if (i > 0)
			make_dir(path);
		free(path);
	}
	w = start(roots, 1, &options);
	while (walk_next(w, &item)) {
		if (item.kind == WALK_PROBLEM) {
			problems++;
			continue;
		}
		d += strcmp(item.name, "d") == 0;
		z += strcmp(item.name, "z") == 0;
		if (d == LEVELS - 1 && z == LEVELS - 2) {
			assert_int_equal(rename(next, "moved next"), 0);
			assert_int_equal(rename(one, "moved"), 0);
		}
	}
	walk_close(w);
	assert_int_equal(d, LEVELS - 1);
	assert_int_equal(z, LEVELS - 1);
	assert_int_equal(problems, 1);
	free(one);
	free(next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(entries_come_in_key_order),
		TEST(several_roots_are_one_walk),
		TEST(a_root_can_be_a_file_or_a_link),
		TEST(roots_that_are_not_there_are_told),
		TEST(items_can_be_opened),
		TEST(excludes_are_heeded),
		TEST(ignore_files_are_heeded_when_asked),
		TEST(of_a_cache_only_the_tag_is_given),
		TEST(mounts_are_not_entered_when_asked),
		TEST(what_changes_meanwhile_is_told),
		TEST(unreadable_directories_are_told),
		TEST(depth_has_no_limit_but_the_key),
		TEST(names_beyond_the_key_are_told),
		TEST(many_names_are_sorted),
		TEST(a_directory_moved_away_is_not_mistaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
