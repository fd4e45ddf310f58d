/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/* Real directories copied through walk, meta and restore. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/format/entry.h"
#include "plakar/format/key.h"
#include "plakar/meta/meta.h"
#include "plakar/restore/target.h"
#include "plakar/tests/support/copytree.h"

#define DIR_PATTERN "/var/tmp/plakar-restore-XXXXXX"

static char top[sizeof(DIR_PATTERN)];

static const struct target_options fresh = { .overwrite = TARGET_FRESH };
static const struct target_options changed = { .overwrite = TARGET_CHANGED };
static const struct target_options always = { .overwrite = TARGET_ALWAYS };
static const struct target_options never = { .overwrite = TARGET_NEVER };

static int
setup(void **state)
{
	(void)state;
	memcpy(top, DIR_PATTERN, sizeof(top));
	return mkdtemp(top) != NULL && chdir(top) == 0 &&
		chmod(top, 0755) == 0 ?
	    0 :
	    -1;
}

static int
teardown(void **state)
{
	char *command =
	    xasprintf("chattr -R -f -i -a '%s'; rm -rf '%s'", top, top);
	int rc = chdir("/") == 0 ? system(command) : -1;

	(void)state;
	free(command);
	return rc;
}

static void
need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("SKIPPED: needs root\n");
	skip();
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

static void
set_time(const char *path, int64_t sec, long nsec)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = sec, .tv_nsec = nsec } };

	assert_int_equal(
	    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* Copy without any problem; the counts come back. */
static void
copy(const char *from, const char *to, const struct target_options *options,
    uint64_t counts[TARGET_COUNTS])
{
	struct buf problems = { 0 };
	struct target *t = copytree(from, to, options, &problems);

	assert_string_equal(buf_str(&problems), "");
	for (int i = 0; i < TARGET_COUNTS; i++)
		counts[i] = target_count(t, (enum target_count)i);
	target_close(t);
	buf_free(&problems);
}

static void
expect_same(const char *a, const char *b)
{
	struct buf differences = { 0 };

	copytree_compare(a, b, &differences);
	assert_string_equal(buf_str(&differences), "");
	buf_free(&differences);
}

static void
expect_text(const char *path, const char *want)
{
	char text[256] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) <= sizeof(text));
	fclose(f);
	assert_string_equal(text, want);
}

/* A copy that fails with these problems, each with its path below from. */
static void
expect_problems(const char *from, const char *to,
    const struct target_options *options, const char *want)
{
	struct buf problems = { 0 };
	struct target *t = copytree(from, to, options, &problems);

	if (strstr(buf_str(&problems), want) == NULL)
		fail_msg("\"%s\" not in \"%s\"", want, buf_str(&problems));
	target_close(t);
	buf_free(&problems);
}

/* Some of everything that needs no privilege. */
static void
make_tree(void)
{
	static const char *const names[] = { "a", "a/empty", "a/deep",
		"a/deep/er", "\xff\xfe\n" };
	int fd;

	make_dir("src");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xasprintf("src/%s", names[i]);

		make_dir(path);
		free(path);
	}
	make_file("src/f", "text");
	make_file("src/nothing", "");
	make_file("src/a/private", "secret");
	make_file("src/a/deep/er/program", "#!");
	make_file("src/\xff\xfe\n/\x01", "odd");
	assert_int_equal(chmod("src/a/private", 0400), 0);
	assert_int_equal(chmod("src/a/deep/er/program", 0755), 0);
	assert_int_equal(chmod("src/nothing", 0), 0);
	assert_int_equal(chmod("src/a/deep", 01777), 0);
	assert_int_equal(symlink("nowhere/\xff", "src/a/link"), 0);
	assert_int_equal(mkfifo("src/fifo", 0640), 0);
	assert_int_equal(mknod("src/socket", S_IFSOCK | 0751, 0), 0);
	assert_int_equal(link("src/f", "src/a/deep/f2"), 0);
	assert_int_equal(link("src/f", "src/f3"), 0);
	assert_int_equal(link("src/a/link", "src/link2"), 0);
	assert_int_equal(link("src/fifo", "src/fifo2"), 0);

	fd = open("src/sparse", O_CREAT | O_WRONLY, 0644);
	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, "data", 4, 1 << 20), 4);
	assert_int_equal(ftruncate(fd, 10 << 20), 0);
	close(fd);

	set_time("src/f", 1, 1);
	set_time("src/sparse", -5, 999999999);
	set_time("src/a/link", 0x100000000, 5);
	set_time("src/fifo", 1234567890, 123456789);
	set_time("src/a/empty", 1000, 1000);
	set_time("src/a/deep", 2000, 2000);
	set_time("src/a", 3000, 3000);
	set_time("src", 4000, 4000);
}

static void
a_new_directory_gets_everything(void **state)
{
	uint64_t n[TARGET_COUNTS];

	(void)state;
	make_tree();
	copy("src", "dst", &fresh, n);
	expect_same("src", "dst");
	assert_int_equal(n[TARGET_MADE], 18);
	assert_int_equal(n[TARGET_REPLACED], 0);
	for (int i = TARGET_LOST_OWNER; i < TARGET_COUNTS; i++)
		assert_int_equal(n[i], 0);
}

static void
a_directory_in_use_is_refused_unless_asked_for(void **state)
{
	(void)state;
	make_tree();
	make_dir("dst");
	make_file("dst/mine", "mine");
	expect_problems("src", "dst", &fresh, "dst: not an empty directory");
	make_dir("empty");
	expect_problems("src", "empty", &fresh, "");
	expect_same("src", "empty");
}

static void
what_is_right_is_not_rewritten(void **state)
{
	uint64_t n[TARGET_COUNTS];
	struct stat before, after;

	(void)state;
	make_tree();
	copy("src", "dst", &fresh, n);
	assert_int_equal(stat("dst/f", &before), 0);
	copy("src", "dst", &changed, n);
	assert_int_equal(n[TARGET_MADE], 0);
	assert_int_equal(n[TARGET_REPLACED], 0);
	assert_int_equal(n[TARGET_KEPT], 13);
	assert_int_equal(stat("dst/f", &after), 0);
	assert_true(before.st_ino == after.st_ino);
	assert_true(before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
	    before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
	expect_same("src", "dst");
}

static void
what_is_wrong_is_put_right(void **state)
{
	uint64_t n[TARGET_COUNTS];
	struct stat before, after;

	(void)state;
	make_tree();
	make_file("src/other time", "same text");
	make_file("src/other text", "right");
	copy("src", "dst", &fresh, n);

	set_time("dst/other time", 5, 5);
	make_file("dst/other text", "wrong");
	set_time("dst/other text", 6, 6);
	make_file("dst/f", "longer than it was");
	assert_int_equal(chmod("dst/a/private", 0666), 0);
	assert_int_equal(unlink("dst/a/link"), 0);
	assert_int_equal(symlink("elsewhere", "dst/a/link"), 0);
	assert_int_equal(unlink("dst/fifo"), 0);
	make_file("dst/fifo", "no fifo");
	assert_int_equal(rmdir("dst/a/empty"), 0);
	make_file("dst/a/empty", "no directory");
	assert_int_equal(unlink("dst/nothing"), 0);
	make_dir("dst/nothing");
	assert_int_equal(chmod("dst/a/deep", 0700), 0);
	assert_int_equal(unlink("dst/sparse"), 0);

	assert_int_equal(stat("dst/other time", &before), 0);
	copy("src", "dst", &changed, n);
	expect_same("src", "dst");
	assert_int_equal(stat("dst/other time", &after), 0);
	assert_true(before.st_ino == after.st_ino);
}

static void
always_means_always(void **state)
{
	uint64_t n[TARGET_COUNTS];
	struct stat before, after;

	(void)state;
	make_tree();
	copy("src", "dst", &fresh, n);
	assert_int_equal(stat("dst/f", &before), 0);
	copy("src", "dst", &always, n);
	assert_int_equal(stat("dst/f", &after), 0);
	assert_true(before.st_ino != after.st_ino);
	assert_int_equal(n[TARGET_MADE], 0);
	expect_same("src", "dst");
}

static void
never_means_never(void **state)
{
	uint64_t n[TARGET_COUNTS];
	struct stat st;

	(void)state;
	make_dir("src");
	make_dir("src/d");
	make_dir("src/new");
	make_file("src/d/1", "theirs");
	make_file("src/d/2", "theirs");
	assert_int_equal(chmod("src/new", 0711), 0);
	make_dir("dst");
	make_dir("dst/d");
	assert_int_equal(chmod("dst/d", 0750), 0);
	make_file("dst/d/1", "mine");
	copy("src", "dst", &never, n);
	expect_text("dst/d/1", "mine");
	expect_text("dst/d/2", "theirs");
	assert_int_equal(n[TARGET_SKIPPED], 1);
	assert_int_equal(stat("dst/d", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(stat("dst/new", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
}

static void
full_directories_are_not_given_up(void **state)
{
	(void)state;
	make_dir("src");
	make_file("src/x", "file");
	make_file("src/y", "file");
	make_dir("dst");
	make_dir("dst/x");
	make_file("dst/x/in", "mine");
	expect_problems("src", "dst", &always,
	    "/src/x: a directory that is not empty is in its place\n");
	expect_text("dst/x/in", "mine");
	expect_text("dst/y", "file");
	/* Nothing temporary is left. */
	assert_int_equal(system("test $(ls -A dst | wc -l) = 2"), 0);
}

static int
is_in_src(void *arg, const void *key, size_t len, struct err *e)
{
	struct buf path = { 0 };
	struct stat st;
	int rc;

	(void)arg;
	(void)e;
	buf_add_str(&path, "src");
	key_to_path(key, len, &path);
	rc = lstat(buf_str(&path), &st) == 0;
	buf_free(&path);
	return rc;
}

static void
deleting_leaves_what_the_snapshot_has(void **state)
{
	struct target_options options = { .overwrite = TARGET_CHANGED,
		.has = is_in_src };
	uint64_t n[TARGET_COUNTS];
	char *deep;

	(void)state;
	make_tree();
	copy("src", "dst", &fresh, n);
	make_file("dst/extra", "");
	make_dir("dst/a/empty/extra");
	make_dir("dst/a/empty/extra/more");
	make_file("dst/a/empty/extra/more/1", "");
	assert_int_equal(symlink("/", "dst/a/empty/extra/more/root"), 0);
	assert_int_equal(unlink("dst/f"), 0);
	make_dir("dst/f");
	make_file("dst/f/in the way", "");
	deep = xasprintf("d=dst/extra-deep; for i in $(seq 100); do "
			 "mkdir -p $d/x $d/y && touch $d/f $d/y/f || exit 1;"
			 "d=$d/x; done");
	assert_int_equal(system(deep), 0);
	free(deep);

	options.dry_run = true;
	copy("src", "dst", &options, n);
	assert_int_equal(n[TARGET_DELETED], 3);
	expect_text("dst/extra", "");

	options.dry_run = false;
	copy("src", "dst", &options, n);
	assert_int_equal(n[TARGET_DELETED], 3);
	expect_same("src", "dst");
}

static void
a_dry_run_changes_nothing(void **state)
{
	struct target_options options = { .dry_run = true };
	uint64_t n[TARGET_COUNTS];

	(void)state;
	make_tree();
	copy("src", "dst", &options, n);
	assert_int_equal(n[TARGET_MADE], 18);
	assert_int_equal(access("dst", F_OK), -1);

	copy("src", "dst", &fresh, n);
	make_file("dst/f", "longer than it was");
	set_time("dst/f", 7, 7);
	options.overwrite = TARGET_CHANGED;
	copy("src", "dst", &options, n);
	assert_int_equal(n[TARGET_MADE], 0);
	assert_int_equal(n[TARGET_REPLACED], 1);
	assert_int_equal(n[TARGET_KEPT], 12);
	expect_text("dst/f", "longer than it was");
}

static void
links_in_the_way_are_not_followed(void **state)
{
	struct entry ent = { .type = ENTRY_FILE, .mode = 0644 };
	struct target_cursor *c;
	struct target_file f;
	struct target *t;
	struct err e;

	(void)state;
	make_dir("outside");
	make_dir("dst");
	assert_int_equal(symlink("../outside", "dst/d"), 0);
	assert_int_equal(target_open("dst", &changed, &t, &e), 0);
	c = target_cursor_new(t);
	assert_int_equal(target_file_begin(c, "d\0\0f", 4, &ent, &f, &e), -1);
	assert_int_equal(e.errnum, ENOTDIR);
	assert_int_equal(access("outside/f", F_OK), -1);

	/* A directory takes the link's place, not the place it leads to. */
	ent.type = ENTRY_DIR;
	assert_int_equal(target_dir(c, "\0d", 2, &ent, &e), 0);
	ent.type = ENTRY_FILE;
	assert_int_equal(target_file_begin(c, "d\0\0f", 4, &ent, &f, &e), 0);
	assert_int_equal(target_file_end(&f, NULL, 0, true, &e), 0);
	assert_int_equal(access("outside/f", F_OK), -1);
	assert_int_equal(access("dst/d/f", F_OK), 0);

	/* A file takes the place of a link to a file. */
	make_file("outside/g", "mine");
	assert_int_equal(symlink("../outside/g", "dst/g"), 0);
	assert_int_equal(target_file_begin(c, "\0g", 2, &ent, &f, &e), 0);
	assert_int_equal(target_file_end(&f, NULL, 0, true, &e), 0);
	expect_text("outside/g", "mine");
	expect_text("dst/g", "");
	target_cursor_free(c);
	target_close(t);
}

static void
keys_that_lead_out_are_refused(void **state)
{
	static const struct {
		const char *key;
		size_t len;
	} bad[] = { { "\0..", 3 }, { "..\0\0x", 5 }, { "\0a/b", 4 },
		{ "a/../..\0\0x", 10 }, { "x", 1 }, { ".\0\0x", 4 } };
	struct entry ent = { .type = ENTRY_FILE, .mode = 0644 };
	struct target_cursor *c;
	struct target_file f;
	struct target *t;
	struct err e;

	(void)state;
	assert_int_equal(target_open("dst", &changed, &t, &e), 0);
	c = target_cursor_new(t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    target_file_begin(c, bad[i].key, bad[i].len, &ent, &f, &e),
		    -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		ent.type = ENTRY_DIR;
		assert_int_equal(
		    target_dir(c, bad[i].key, bad[i].len, &ent, &e), -1);
		ent.type = ENTRY_FIFO;
		assert_int_equal(target_special(c, bad[i].key, bad[i].len, &ent,
				     NULL, 0, &e),
		    -1);
		ent.type = ENTRY_FILE;
	}
	target_cursor_free(c);
	target_close(t);
}

static void
what_fails_leaves_nothing_behind(void **state)
{
	struct entry ent = { .type = ENTRY_FILE, .mode = 0644, .size = 4 };
	struct target_cursor *c;
	struct target_file f;
	struct target *t;
	struct err e;

	(void)state;
	make_dir("dst");
	make_file("dst/old", "mine");
	assert_int_equal(target_open("dst", &always, &t, &e), 0);
	c = target_cursor_new(t);
	assert_int_equal(target_file_begin(c, "\0new", 4, &ent, &f, &e), 0);
	assert_int_equal(write(f.fd, "te", 2), 2);
	assert_int_equal(target_file_end(&f, NULL, 0, false, &e), 0);
	assert_int_equal(target_file_begin(c, "\0old", 4, &ent, &f, &e), 0);
	assert_int_equal(write(f.fd, "te", 2), 2);
	assert_int_equal(target_file_end(&f, NULL, 0, false, &e), 0);
	expect_text("dst/old", "mine");
	assert_int_equal(system("test \"$(ls -A dst)\" = old"), 0);
	target_cursor_free(c);
	target_close(t);
}

/* The second name is asked for while the first is still being written. */
static void
hard_links_wait_for_the_first(void **state)
{
	struct entry ent = { .type = ENTRY_FILE,
		.mode = 0644,
		.size = 4,
		.nlink = 3,
		.ino = 77 };
	struct target_cursor *c;
	struct target_file f;
	struct target *t;
	struct stat st;
	struct err e;
	bool done;

	(void)state;
	assert_int_equal(target_open("dst", &always, &t, &e), 0);
	c = target_cursor_new(t);
	assert_int_equal(target_link(c, "\0a", 2, &ent, &done, &e), 0);
	assert_false(done);
	assert_int_equal(target_file_begin(c, "\0a", 2, &ent, &f, &e), 0);
	assert_int_equal(target_link(c, "\0b", 2, &ent, &done, &e), 0);
	assert_true(done);
	assert_int_equal(access("dst/b", F_OK), -1);
	assert_int_equal(write(f.fd, "text", 4), 4);
	assert_int_equal(target_file_end(&f, NULL, 0, true, &e), 0);
	expect_text("dst/b", "text");
	assert_int_equal(target_link(c, "\0c", 2, &ent, &done, &e), 0);
	assert_true(done);
	assert_int_equal(stat("dst/c", &st), 0);
	assert_int_equal(st.st_nlink, 3);

	/* All three were met: the same inode is a new group. */
	assert_int_equal(target_link(c, "\0d", 2, &ent, &done, &e), 0);
	assert_false(done);
	assert_int_equal(target_file_begin(c, "\0d", 2, &ent, &f, &e), 0);
	assert_int_equal(target_link(c, "\0e", 2, &ent, &done, &e), 0);
	assert_true(done);
	assert_int_equal(target_file_end(&f, NULL, 0, false, &e), -1);
	assert_int_equal(target_link(c, "\0f", 2, &ent, &done, &e), 0);
	assert_false(done);
	target_link_forget(t, &ent);
	target_cursor_free(c);
	target_close(t);
}

static void
depth_has_no_limit(void **state)
{
	uint64_t n[TARGET_COUNTS];
	char name[61];
	int fd;

	(void)state;
	memset(name, 'n', 60);
	name[60] = '\0';
	make_dir("src");
	fd = open("src", O_RDONLY | O_DIRECTORY);
	for (unsigned i = 0; i < 1500; i++) {
		int next, file;

		assert_int_equal(mkdirat(fd, name, 0755), 0);
		assert_int_equal(mkdirat(fd, "zz", 0755), 0);
		next = openat(fd, "zz", O_RDONLY | O_DIRECTORY);
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
	copy("src", "dst", &fresh, n);
	assert_int_equal(n[TARGET_MADE], 4500);
	expect_same("src", "dst");
}

static void
inherited_acls_do_not_stay(void **state)
{
	/* Version 2; user::rwx, user 1:rwx, group::---, mask::rwx, other::--- */
	static const char acl[] = "\2\0\0\0"
				  "\1\0\7\0\xff\xff\xff\xff"
				  "\2\0\7\0\1\0\0\0"
				  "\4\0\0\0\xff\xff\xff\xff"
				  "\x10\0\7\0\xff\xff\xff\xff"
				  "\x20\0\0\0\xff\xff\xff\xff";
	uint64_t n[TARGET_COUNTS];

	(void)state;
	make_tree();
	make_dir("dst");
	if (setxattr("dst", "system.posix_acl_default", acl, sizeof(acl) - 1,
		0) == -1) {
		print_message("SKIPPED: no ACLs here\n");
		skip();
	}
	copy("src", "dst", &fresh, n);
	expect_same("src", "dst");

	assert_int_equal(setxattr("src/f", "system.posix_acl_access", acl,
			     sizeof(acl) - 1, 0),
	    0);
	assert_int_equal(setxattr("src/a", "system.posix_acl_default", acl,
			     sizeof(acl) - 1, 0),
	    0);
	copy("src", "dst2", &fresh, n);
	expect_same("src", "dst2");
	copy("src", "dst", &changed, n);
	expect_same("src", "dst");
}

static void
root_restores_what_only_root_can(void **state)
{
	static const char cap[20] = "\0\0\0\2\1\0\0\0";
	uint64_t n[TARGET_COUNTS];
	int fd, flags = FS_IMMUTABLE_FL | FS_NODUMP_FL;

	(void)state;
	need_root();
	make_tree();
	assert_int_equal(mknod("src/dev", S_IFCHR | 0600, makedev(1, 3)), 0);
	assert_int_equal(mknod("src/blk", S_IFBLK | 0600, makedev(7, 9)), 0);
	assert_int_equal(chown("src/f", 1234, 4321), 0);
	assert_int_equal(chmod("src/f", 06755), 0);
	set_time("src/f", 1, 1);
	assert_int_equal(lchown("src/a/link", 5, 6), 0);
	assert_int_equal(chown("src/a", 1234, 65534), 0);
	assert_int_equal(chmod("src/a", 02751), 0);
	make_file("src/cap", "x");
	assert_int_equal(chown("src/cap", 9, 9), 0);
	assert_int_equal(
	    setxattr("src/cap", "security.capability", cap, sizeof(cap), 0), 0);
	assert_int_equal(lsetxattr("src/a/link", "trusted.t", "x", 1, 0), 0);
	assert_int_equal(setxattr("src/a", "user.u", "y", 1, 0), 0);
	assert_int_equal(setxattr("src/a/private", "user.u", "y", 1, 0), 0);
	make_file("src/fixed", "fixed");
	assert_int_equal(link("src/fixed", "src/fixed2"), 0);
	fd = open("src/fixed", O_RDONLY);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) == -1)
		print_message("SKIPPED: no inode flags here\n");
	close(fd);

	copy("src", "dst", &fresh, n);
	expect_same("src", "dst");
	for (int i = TARGET_LOST_OWNER; i < TARGET_COUNTS; i++)
		assert_int_equal(n[i], 0);
	copy("src", "dst", &always, n);
	expect_same("src", "dst");
	copy("src", "dst", &changed, n);
	expect_same("src", "dst");
}

/* As somebody else: all but what that one can't do, in one line. */
static void
others_are_told_what_is_missing(void **state)
{
	struct buf line = { 0 }, problems = { 0 };
	struct target *t;
	struct stat st;

	(void)state;
	need_root();
	make_dir("src");
	make_file("src/1", "text");
	make_file("src/2", "text");
	assert_int_equal(chown("src/2", 7, 7), 0);
	assert_int_equal(chmod("src/2", 06755), 0);
	assert_int_equal(mknod("src/dev", S_IFCHR | 0666, makedev(1, 3)), 0);
	assert_int_equal(setxattr("src/1", "security.x", "x", 1, 0), 0);
	assert_int_equal(setxattr("src/1", "user.x", "x", 1, 0), 0);
	assert_int_equal(chmod("src/1", 0444), 0);
	assert_int_equal(chmod("src", 0755), 0);
	make_dir("dst");
	assert_int_equal(chown("dst", 65534, 65534), 0);
	assert_int_equal(setegid(65534), 0);
	assert_int_equal(seteuid(65534), 0);
	t = copytree("src", "dst", &changed, &problems);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	assert_string_equal(buf_str(&problems), "");
	assert_true(target_shortfall(t, &line));
	assert_string_equal(buf_str(&line),
	    "not restored: 3 owners or groups, 1 extended attribute, "
	    "1 device or special file (only root can)");
	target_close(t);
	assert_int_equal(stat("dst/2", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(stat("dst/1", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_int_equal(getxattr("dst/1", "user.x", NULL, 0), 1);
	buf_free(&line);
	buf_free(&problems);
}

static void
nothing_missing_says_nothing(void **state)
{
	struct buf line = { 0 };
	struct target *t;
	struct err e;

	(void)state;
	assert_int_equal(target_open("dst", &fresh, &t, &e), 0);
	assert_false(target_shortfall(t, &line));
	target_close(t);
	buf_free(&line);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_directory_gets_everything),
		TEST(a_directory_in_use_is_refused_unless_asked_for),
		TEST(what_is_right_is_not_rewritten),
		TEST(what_is_wrong_is_put_right),
		TEST(always_means_always),
		TEST(never_means_never),
		TEST(full_directories_are_not_given_up),
		TEST(deleting_leaves_what_the_snapshot_has),
		TEST(a_dry_run_changes_nothing),
		TEST(links_in_the_way_are_not_followed),
		TEST(keys_that_lead_out_are_refused),
		TEST(what_fails_leaves_nothing_behind),
		TEST(hard_links_wait_for_the_first),
		TEST(depth_has_no_limit),
		TEST(inherited_acls_do_not_stay),
		TEST(root_restores_what_only_root_can),
		TEST(others_are_told_what_is_missing),
		TEST(nothing_missing_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
