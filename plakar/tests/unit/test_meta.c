/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/* Entries made of real files; what needs root is skipped without. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
#include "plakar/meta/meta.h"
#include "plakar/meta/xattrset.h"

#define DIR_PATTERN "/var/tmp/plakar-meta-XXXXXX"

static char dir[sizeof(DIR_PATTERN)];
static int dirfd_;
static struct buf storage;
static struct entry ent;

static int
setup(void **state)
{
	(void)state;
	memcpy(dir, DIR_PATTERN, sizeof(dir));
	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return -1;
	dirfd_ = open(".", O_RDONLY | O_DIRECTORY);
	return dirfd_ == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	char *command = xasprintf("rm -rf '%s'", dir);
	int rc;

	(void)state;
	buf_free(&storage);
	close(dirfd_);
	rc = chdir("/") == 0 ? system(command) : -1;
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
make_file(const char *name)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "text", 4), 4);
	close(fd);
}

/* Capture name, which must go without any error. */
static void
capture(const char *name, int fd)
{
	struct statx st;
	struct err e;
	struct buf coded = { 0 };
	struct entry back;

	assert_int_equal(statx(dirfd_, name, AT_SYMLINK_NOFOLLOW,
			     STATX_BASIC_STATS | STATX_BTIME, &st),
	    0);
	assert_int_equal(
	    meta_capture(dirfd_, name, fd, &st, &ent, &storage, &e), 0);
	if (ent.error_len > 0)
		fail_msg("%.*s", (int)ent.error_len, ent.error);
	if (ent.xattrs_len <= ENTRY_XATTRS_MAX) {
		entry_encode(&ent, &coded);
		assert_int_equal(
		    entry_decode(coded.data, coded.len, &back, &e), 0);
		buf_free(&coded);
	}
	assert_int_equal(xattrset_check(ent.xattrs, ent.xattrs_len, &e), 0);
}

static void
a_file_is_what_stat_says(void **state)
{
	struct stat st;
	const struct timespec times[2] = { { 1, 2 }, { -3, 999999999 } };

	(void)state;
	make_file("f");
	assert_int_equal(chmod("f", 04751), 0);
	assert_int_equal(utimensat(dirfd_, "f", times, 0), 0);
	assert_int_equal(stat("f", &st), 0);
	capture("f", -1);
	assert_int_equal(ent.type, ENTRY_FILE);
	assert_int_equal(ent.mode, 04751);
	assert_int_equal(ent.uid, st.st_uid);
	assert_int_equal(ent.gid, st.st_gid);
	assert_int_equal(ent.size, 4);
	assert_true(ent.mtime.sec == -3 && ent.mtime.nsec == 999999999);
	assert_true(ent.ctime.sec == st.st_ctim.tv_sec);
	assert_true(ent.ino == st.st_ino);
	assert_int_equal(ent.nlink, 0);
	assert_null(ent.xattrs);
	assert_null(ent.target);
}

static void
each_type_is_told(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("d", 01755), 0);
	assert_int_equal(mkfifo("p", 0600), 0);
	assert_int_equal(mknod("s", S_IFSOCK | 0600, 0), 0);
	capture("d", -1);
	assert_int_equal(ent.type, ENTRY_DIR);
	assert_int_equal(ent.mode, 01755);
	capture("p", -1);
	assert_int_equal(ent.type, ENTRY_FIFO);
	capture("s", -1);
	assert_int_equal(ent.type, ENTRY_SOCKET);
	assert_int_equal(link("p", "p2"), 0);
	assert_int_equal(stat("p2", &st), 0);
	capture("p2", -1);
	assert_int_equal(ent.nlink, 2);
	assert_int_equal(ent.dev_major, major(st.st_dev));
	assert_int_equal(ent.dev_minor, minor(st.st_dev));
	need_root();
	if (mknod("c", S_IFCHR | 0600, makedev(4000, 700000)) == -1) {
		print_message("SKIPPED: cannot make devices\n");
		skip();
	}
	capture("c", -1);
	assert_int_equal(ent.type, ENTRY_CHAR);
	assert_int_equal(ent.rdev_major, 4000);
	assert_int_equal(ent.rdev_minor, 700000);
}

static void
links_have_their_target(void **state)
{
	char target[4096];

	(void)state;
	for (size_t len = 1; len < sizeof(target); len = len * 2 + 1) {
		memset(target, '\xff', len);
		target[len] = '\0';
		assert_int_equal(symlink(target, "l"), 0);
		capture("l", -1);
		assert_int_equal(ent.type, ENTRY_SYMLINK);
		assert_int_equal(ent.target_len, len);
		assert_memory_equal(ent.target, target, len);
		assert_int_equal(unlink("l"), 0);
	}
}

static void
a_link_that_is_gone_is_an_error(void **state)
{
	struct statx st = { .stx_mode = S_IFLNK | 0777 };
	struct err e;

	(void)state;
	assert_int_equal(
	    meta_capture(dirfd_, "l", -1, &st, &ent, &storage, &e), -1);
	assert_int_equal(e.errnum, ENOENT);
}

/* Set an attribute; skip where the file system has none. */
static void
set(const char *path, const char *name, const void *value, size_t len)
{
	if (lsetxattr(path, name, value, len, 0) == 0)
		return;
	assert_int_equal(errno, EOPNOTSUPP);
	print_message("SKIPPED: no %s here\n", name);
	skip();
}

static void
attributes_come_sorted(void **state)
{
	struct xattr one;
	size_t offset = 0;
	int fd;

	(void)state;
	make_file("f");
	set("f", "user.z", "", 0);
	set("f", "user.a", "\0\xff", 2);
	set("f", "user.\xff", "v", 1);
	fd = open("f", O_RDONLY);
	for (int i = 0; i < 2; i++) {
		capture("f", i == 0 ? fd : -1);
		offset = 0;
		assert_true(
		    xattrset_next(ent.xattrs, ent.xattrs_len, &offset, &one));
		assert_int_equal(one.name_len, 6);
		assert_memory_equal(one.name, "user.a", 6);
		assert_int_equal(one.value_len, 2);
		assert_memory_equal(one.value, "\0\xff", 2);
		assert_true(
		    xattrset_next(ent.xattrs, ent.xattrs_len, &offset, &one));
		assert_memory_equal(one.name, "user.z", 6);
		assert_int_equal(one.value_len, 0);
		assert_true(
		    xattrset_next(ent.xattrs, ent.xattrs_len, &offset, &one));
		assert_memory_equal(one.name, "user.\xff", 6);
		assert_false(
		    xattrset_next(ent.xattrs, ent.xattrs_len, &offset, &one));
		assert_true(
		    xattrset_have(ent.xattrs, ent.xattrs_len, "user.z"));
		assert_false(
		    xattrset_have(ent.xattrs, ent.xattrs_len, "user.y"));
	}
	close(fd);
}

static void
many_and_long_attributes_are_read(void **state)
{
	size_t n = 0, offset = 0;
	struct xattr one;
	char value[3000];

	(void)state;
	make_file("f");
	memset(value, 'v', sizeof(value));
	set("f", "user.long", value, sizeof(value));
	for (; n < 40; n++) {
		char *name = xasprintf("user.a-rather-long-name-%03zu", n);
		int rc = setxattr("f", name, "", 0, 0);

		free(name);
		if (rc == -1)
			break; /* ext4 gives them one block */
	}
	capture("f", -1);
	for (size_t i = 0; i < n; i++)
		assert_true(
		    xattrset_next(ent.xattrs, ent.xattrs_len, &offset, &one));
	assert_true(xattrset_next(ent.xattrs, ent.xattrs_len, &offset, &one));
	assert_int_equal(one.value_len, sizeof(value));
	assert_int_equal(offset, ent.xattrs_len);
}

static void
what_is_no_plain_file_has_attributes_too(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(symlink("nowhere", "l"), 0);
	assert_int_equal(mkfifo("p", 0600), 0);
	assert_int_equal(mkdir("d", 0700), 0);
	set("l", "trusted.t", "1", 1);
	set("p", "trusted.t", "2", 1);
	set("d", "user.u", "3", 1);
	capture("l", -1);
	assert_true(xattrset_have(ent.xattrs, ent.xattrs_len, "trusted.t"));
	assert_memory_equal(ent.target, "nowhere", 7);
	capture("p", -1);
	assert_true(xattrset_have(ent.xattrs, ent.xattrs_len, "trusted.t"));
	capture("d", -1);
	assert_true(xattrset_have(ent.xattrs, ent.xattrs_len, "user.u"));
}

static void
inode_flags_are_those_a_person_set(void **state)
{
	int fd, flags = 0;

	(void)state;
	make_file("f");
	fd = open("f", O_RDONLY);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == -1) {
		print_message("SKIPPED: no inode flags here\n");
		close(fd);
		skip();
	}
	capture("f", fd);
	assert_int_equal(ent.inode_flags & ~META_FLAGS, 0);
	flags |= FS_NODUMP_FL | FS_NOATIME_FL;
	assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
	capture("f", fd);
	assert_int_equal(ent.inode_flags, FS_NODUMP_FL | FS_NOATIME_FL);
	capture("f", -1);
	assert_int_equal(ent.inode_flags, FS_NODUMP_FL | FS_NOATIME_FL);
	close(fd);
}

/* A file of another's that can't be opened: the rest is still there. */
static void
what_cannot_be_read_is_said(void **state)
{
	struct statx st;
	struct err e;

	(void)state;
	need_root();
	make_file("f");
	set("f", "user.u", "1", 1);
	assert_int_equal(setxattr("f", "user.b", "1", 1, 0), 0);
	assert_int_equal(chmod("f", 0600), 0);
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(
	    statx(dirfd_, "f", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st), 0);
	assert_int_equal(
	    meta_capture(dirfd_, "f", -1, &st, &ent, &storage, &e), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(ent.size, 4);
	assert_int_equal(ent.xattrs_len, 0);
	meta_add_error(&ent, &storage, "more");
	buf_add_u8(&storage, 0);
	assert_string_equal(ent.error,
	    "attribute user.b: Permission denied; "
	    "attribute user.u: Permission denied; more");
	for (int i = 0; i < 100; i++)
		meta_add_error(&ent, &storage, "and so on and so on");
	assert_int_equal(ent.error_len, ENTRY_ERROR_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_what_stat_says),
		TEST(each_type_is_told),
		TEST(links_have_their_target),
		TEST(a_link_that_is_gone_is_an_error),
		TEST(attributes_come_sorted),
		TEST(many_and_long_attributes_are_read),
		TEST(what_is_no_plain_file_has_attributes_too),
		TEST(inode_flags_are_those_a_person_set),
		TEST(what_cannot_be_read_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
