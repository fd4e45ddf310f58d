/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Damage a repository in every way that is small enough to try all of: one
 * bit of each byte of each object flipped; each object cut to each length.
 *
 *     bitrot flip|cut REPO RIGHT WORK PART PARTS
 *
 * RIGHT is a folder with a right pull of each snapshot, named by its id; WORK
 * an empty folder.  Each time the check of all data must say that something
 * is wrong, so must the check without a key (but of config), and a pull of
 * each snapshot must give right files only, and say so if any is missing.
 * The first fault ends it.  This is part PART (from 0) of PARTS.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/secret.h"

#include "plakar/tests/support/ops.h"

#define OBJECT_MAX    (1 << 20)
#define OBJECTS_MAX   64
#define SNAPSHOTS_MAX 4
#define OPEN_MAX      16

static char *objects[OBJECTS_MAX];
static size_t n_objects;
static char snapshots[SNAPSHOTS_MAX][OPS_ID_LEN];
static size_t n_snapshots;
static const char *repo, *right_dir, *work;

/* What a walk of a pulled tree compares with. */
static const char *pulled_root, *expected_root;
static size_t entries;

/* Numbers for the end. */
static unsigned long tried, whole_pulls, refused_pulls;

static void
fail(const char *object, size_t at, const char *what)
{
	fprintf(stderr, "bitrot: %s, at %zu: %s\n", object, at, what);
	exit(1);
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	must(nftw(path, remove_one, OPEN_MAX, FTW_DEPTH | FTW_PHYS) == 0 ||
		errno == ENOENT,
	    path);
}

static int
note_object(
    const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)where;
	if (type != FTW_F)
		return 0;
	must(n_objects < OBJECTS_MAX && st->st_size < OBJECT_MAX, path);
	objects[n_objects++] = xstrdup(path);
	return 0;
}

static void
note_snapshot(void *arg, const char *id)
{
	(void)arg;
	must(n_snapshots < SNAPSHOTS_MAX, "more snapshots");
	memcpy(snapshots[n_snapshots++], id, OPS_ID_LEN);
}

/* Whether a file, or what a link says, is byte for byte the same. */
static bool
same_content(const char *a, const char *b, const struct stat *st)
{
	char link_a[256] = "", link_b[256] = "";
	struct buf x = { 0 }, y = { 0 };
	struct err e;
	bool same;

	if (S_ISLNK(st->st_mode))
		return readlink(a, link_a, sizeof(link_a) - 1) > 0 &&
		    readlink(b, link_b, sizeof(link_b) - 1) > 0 &&
		    strcmp(link_a, link_b) == 0;
	if (!S_ISREG(st->st_mode))
		return true;
	same = fs_read_file(a, OBJECT_MAX, &x, &e) == 0 &&
	    fs_read_file(b, OBJECT_MAX, &y, &e) == 0 && x.len == y.len &&
	    (x.len == 0 || memcmp(x.data, y.data, x.len) == 0);
	buf_free(&x);
	buf_free(&y);
	return same;
}

static int
compare_one(
    const char *path, const struct stat *st, int type, struct FTW *where)
{
	char *expected =
	    xasprintf("%s%s", expected_root, path + strlen(pulled_root));
	struct stat other;
	bool same;

	(void)type;
	(void)where;
	entries++;
	same = lstat(expected, &other) == 0 &&
	    ((st->st_mode ^ other.st_mode) & S_IFMT) == 0 &&
	    same_content(path, expected, st);
	free(expected);
	return same ? 0 : 1;
}

static int
count_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)path;
	(void)st;
	(void)type;
	(void)where;
	entries++;
	return 0;
}

/* Pull one snapshot of the damaged repository, and judge it. */
static void
judge_pull(const char *object, size_t at, const char *id)
{
	char *to = xasprintf("%s/pull", work);
	char *expected = xasprintf("%s/%s", right_dir, id);
	struct err e = { 0 };
	size_t wanted;
	int rc;

	must(mkdir(to, 0700) == 0, to);
	rc = ops_pull(repo, id, to, &e);
	pulled_root = to;
	expected_root = expected;
	entries = 0;
	if (nftw(to, compare_one, OPEN_MAX, FTW_PHYS) != 0)
		fail(object, at, "a pull gave something wrong");
	wanted = entries;
	entries = 0;
	must(nftw(expected, count_one, OPEN_MAX, FTW_PHYS) == 0, expected);
	if (rc == 0 && wanted != entries)
		fail(object, at, "a pull lacks something, and did not say so");
	if (rc == 0)
		whole_pulls++;
	else
		refused_pulls++;
	remove_tree(to);
	free(to);
	free(expected);
}

static void
judge(const char *object, size_t at)
{
	bool config = strcmp(strrchr(object, '/'), "/config") == 0;
	char *cache = xasprintf("%s/cache", work);
	struct err e;

	/* Nothing that was known before. */
	remove_tree(cache);
	free(cache);
	err_clear(&e);
	if (ops_check(repo, true, &e) == 0)
		fail(object, at, "the check found nothing");
	if (e.kind == ERR_NONE || e.msg[0] == '\0')
		fail(object, at, "the check did not say what it found");
	if (!config && ops_check_keyless(repo, &e) == 0)
		fail(object, at, "the check without a key found nothing");
	for (size_t i = 0; i < n_snapshots; i++)
		judge_pull(object, at, snapshots[i]);
	tried++;
}

static void
write_object(const char *path, const uint8_t *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	struct err e;

	must(fd != -1, path);
	must(fs_write_all(fd, data, len, &e) == 0, path);
	close(fd);
}

static void
damage_object(const char *path, bool cut, size_t part, size_t parts)
{
	struct buf right = { 0 };
	struct err e;

	must(chmod(path, 0600) == 0, path);
	must(fs_read_file(path, OBJECT_MAX, &right, &e) == 0, path);
	for (size_t at = part; at < right.len; at += parts) {
		/* Each bit comes to its turn, but not in step with 8. */
		uint8_t bit = (uint8_t)(1 << (at * 5 + at / 8) % 8);

		right.data[at] ^= cut ? 0 : bit;
		write_object(path, right.data, cut ? at : right.len);
		judge(path, at);
		right.data[at] ^= cut ? 0 : bit;
	}
	write_object(path, right.data, right.len);
	buf_free(&right);
}

int
main(int argc, char **argv)
{
	struct err e = { 0 };
	char *cache;

	if (argc != 7 || secret_init(&e) == -1)
		return 2;
	repo = argv[2];
	right_dir = argv[3];
	work = argv[4];
	cache = xasprintf("%s/cache", work);
	must(setenv("PLAKAR_CACHE", cache, 1) == 0, "setenv");
	free(cache);
	if (ops_check(repo, true, &e) != 0 ||
	    ops_list(repo, note_snapshot, NULL, &e) != 0) {
		fprintf(stderr, "bitrot: before any damage: %s\n", e.msg);
		return 1;
	}
	must(nftw(repo, note_object, OPEN_MAX, FTW_PHYS) == 0, repo);
	for (size_t i = 0; i < n_objects; i++)
		damage_object(objects[i], strcmp(argv[1], "cut") == 0,
		    strtoul(argv[5], NULL, 10), strtoul(argv[6], NULL, 10));
	if (ops_check(repo, true, &e) != 0) {
		fprintf(stderr, "bitrot: after all was mended: %s\n", e.msg);
		return 1;
	}
	printf(
	    "%zu %lu %lu %lu\n", n_objects, tried, whole_pulls, refused_pulls);
	for (size_t i = 0; i < n_objects; i++)
		free(objects[i]);
	return 0;
}
