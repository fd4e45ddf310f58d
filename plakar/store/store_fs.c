/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The store in a directory: opening and making it, reading, listing, deleting
 * and syncing.  Writing is in store_fs_put.c.
 *
 * Objects are opened for each read: beside reading even a small block that
 * costs next to nothing on a local disk, and a cache of open files would have
 * to be bounded, shared and aged.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "plakar/store/store_fs_internal.h"

void
store_fs_place(const char *name, char path[STORE_FS_PATH_MAX], int *dir)
{
	enum store_kind kind = STORE_CONFIG;
	const char *id = strchr(name, '/');

	if (id == NULL || !store_name_parse(name, &kind)) {
		*dir = STORE_FS_DIR_ROOT;
		snprintf(path, STORE_FS_PATH_MAX, "%s", name);
		return;
	}
	id++;
	if (kind == STORE_DATA) {
		const char digits[3] = { id[0], id[1], '\0' };

		*dir = (int)strtol(digits, NULL, 16);
		snprintf(path, STORE_FS_PATH_MAX, "data/%.2s/%s", id, id);
	} else {
		*dir = STORE_FS_DIR_KIND + (int)kind;
		snprintf(path, STORE_FS_PATH_MAX, "%s", name);
	}
}

void
store_fs_dir_path(int dir, char path[STORE_FS_PATH_MAX])
{
	if (dir < STORE_FS_FANOUT)
		snprintf(
		    path, STORE_FS_PATH_MAX, "data/%02x", (unsigned)dir & 0xff);
	else if (dir == STORE_FS_DIR_ROOT)
		snprintf(path, STORE_FS_PATH_MAX, ".");
	else
		snprintf(path, STORE_FS_PATH_MAX, "%s",
		    store_kind_name(
			(enum store_kind)(dir - STORE_FS_DIR_KIND)));
}

int
store_fs_dir_parent(int dir)
{
	if (dir < STORE_FS_FANOUT)
		return STORE_FS_DIR_KIND + STORE_DATA;
	return STORE_FS_DIR_ROOT;
}

void
store_fs_mark(struct store_fs *fs, int dir)
{
	pthread_mutex_lock(&fs->lock);
	fs->dirty[dir] = true;
	pthread_mutex_unlock(&fs->lock);
}

void
store_fs_explain(const struct store_fs *fs, const char *path, struct err *e)
{
	err_wrap(e, "%s/%s", fs->path, path);
	if (e->errnum == ENOSPC)
		err_wrap(e, "disk full");
	else if (e->errnum == EDQUOT)
		err_wrap(e, "quota exceeded");
}

static void
fs_close(struct store *s)
{
	struct store_fs *fs = (struct store_fs *)s;

	pthread_mutex_destroy(&fs->lock);
	pthread_mutex_destroy(&fs->sync_lock);
	close(fs->root);
	free(fs->path);
	free(fs);
}

/* The object opened for reading, and its size; -1 on failure. */
static int
open_object(
    struct store_fs *fs, const char *name, uint64_t *size, struct err *e)
{
	char path[STORE_FS_PATH_MAX];
	struct stat st;
	int dir, fd;

	store_fs_place(name, path, &dir);
	/* Without blocking: it could be a fifo that somebody put there. */
	fd = openat(
	    fs->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR)) {
		err_set(
		    e, ERR_NOT_FOUND, "%s/%s: no such object", fs->path, path);
		return -1;
	}
	if (fd == -1 || fstat(fd, &st) == -1) {
		err_sys(e, "cannot open");
		store_fs_explain(fs, path, e);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_CORRUPT, "%s/%s: not a regular file", fs->path,
		    path);
		close(fd);
		return -1;
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

/* Exactly len bytes; name is for the message. */
static int
read_exactly(const struct store_fs *fs, const char *name, int fd,
    uint64_t offset, size_t len, void *dst, struct err *e)
{
	uint64_t end;
	size_t got;

	if (fs_pread_full(fd, dst, len, offset, &got, e) == -1) {
		store_fs_explain(fs, name, e);
		return -1;
	}
	if (got < len) {
		end = offset + got;
		err_set(e, ERR_CORRUPT,
		    "%s/%s: ends at byte %llu, where %zu more are expected",
		    fs->path, name, (unsigned long long)end, len - got);
		return -1;
	}
	return 0;
}

static int
fs_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	struct store_fs *fs = (struct store_fs *)s;
	uint64_t size;
	int fd = open_object(fs, name, &size, e);
	int rc = -1;

	if (fd == -1)
		return -1;
	if (size > max)
		err_set(e, ERR_LIMIT, "%s/%s: %llu bytes, at most %zu expected",
		    fs->path, name, (unsigned long long)size, max);
	else
		rc = read_exactly(fs, name, fd, 0, (size_t)size,
		    buf_reserve(out, (size_t)size), e);
	if (rc == 0)
		out->len += (size_t)size;
	close(fd);
	return rc;
}

static int
fs_get_range(struct store *s, const char *name, uint64_t offset, size_t len,
    void *dst, struct err *e)
{
	struct store_fs *fs = (struct store_fs *)s;
	uint64_t size;
	int fd = open_object(fs, name, &size, e);
	int rc;

	if (fd == -1)
		return -1;
	rc = read_exactly(fs, name, fd, offset, len, dst, e);
	close(fd);
	return rc;
}

static int
fs_size(struct store *s, const char *name, uint64_t *size, struct err *e)
{
	int fd = open_object((struct store_fs *)s, name, size, e);

	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

/* Tell cb of the entry of the directory dir, if it is an object. */
static int
list_entry(int dir, enum store_kind kind, const char *id, store_list_cb cb,
    void *arg, struct err *e)
{
	char name[STORE_FS_PATH_MAX + sizeof(((struct dirent *)0)->d_name)];
	enum store_kind parsed;
	struct stat st;

	snprintf(name, sizeof(name), "%s/%s", store_kind_name(kind), id);
	if (!store_name_parse(name, &parsed) ||
	    fstatat(dir, id, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return 0;
	return cb(arg, name, (uint64_t)st.st_size, e);
}

/* All objects of a kind that are in directory number dir. */
static int
list_dir(struct store_fs *fs, int dir, enum store_kind kind, store_list_cb cb,
    void *arg, struct err *e)
{
	char path[STORE_FS_PATH_MAX];
	struct dirent *ent;
	DIR *stream = NULL;
	int rc = 0, fd;

	store_fs_dir_path(dir, path);
	fd = openat(fs->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd != -1)
		stream = fdopendir(fd);
	if (stream == NULL) {
		err_sys(e, "cannot list");
		store_fs_explain(fs, path, e);
		if (fd != -1)
			close(fd);
		return -1;
	}
	for (errno = 0; rc == 0 && (ent = readdir(stream)) != NULL; errno = 0) {
		bool here = kind != STORE_DATA ||
		    strncmp(ent->d_name, strchr(path, '/') + 1, 2) == 0;

		if (here)
			rc = list_entry(fd, kind, ent->d_name, cb, arg, e);
	}
	if (rc == 0 && errno != 0) {
		err_sys(e, "cannot list");
		store_fs_explain(fs, path, e);
		rc = -1;
	}
	closedir(stream);
	return rc;
}

static int
fs_list(struct store *s, enum store_kind kind, store_list_cb cb, void *arg,
    struct err *e)
{
	struct store_fs *fs = (struct store_fs *)s;
	struct stat st;

	if (kind == STORE_CONFIG) {
		if (fstatat(fs->root, "config", &st, AT_SYMLINK_NOFOLLOW) == -1)
			return 0;
		return cb(arg, "config", (uint64_t)st.st_size, e);
	}
	if (kind != STORE_DATA)
		return list_dir(
		    fs, STORE_FS_DIR_KIND + (int)kind, kind, cb, arg, e);
	for (int dir = 0; dir < STORE_FS_FANOUT; dir++) {
		if (list_dir(fs, dir, kind, cb, arg, e) == -1)
			return -1;
	}
	return 0;
}

static int
fs_delete(struct store *s, const char *name, struct err *e)
{
	struct store_fs *fs = (struct store_fs *)s;
	char path[STORE_FS_PATH_MAX];
	int dir;

	store_fs_place(name, path, &dir);
	if (unlinkat(fs->root, path, 0) == -1) {
		err_sys(e, "cannot delete");
		if (e->errnum == ENOENT)
			e->kind = ERR_NOT_FOUND;
		store_fs_explain(fs, path, e);
		return -1;
	}
	store_fs_mark(fs, dir);
	return 0;
}

static int
sync_dir(struct store_fs *fs, int dir, struct err *e)
{
	char path[STORE_FS_PATH_MAX];
	int fd, rc = 0;

	store_fs_dir_path(dir, path);
	fd = openat(fs->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: this file system writes names out by itself. */
	if (fd == -1 || (fsync(fd) == -1 && errno != EINVAL)) {
		err_sys(e, "cannot sync the directory");
		store_fs_explain(fs, path, e);
		rc = -1;
	}
	if (fd != -1)
		close(fd);
	return rc;
}

/*
 * One sync at a time: one that finds nothing to do must know that what
 * another has taken on itself is done.  After a failure nothing is known any
 * more (the system reports a lost write once only), so it stays failed.
 */
static int
fs_sync(struct store *s, struct err *e)
{
	struct store_fs *fs = (struct store_fs *)s;
	bool dirty[STORE_FS_DIRS];
	int rc = 0;

	pthread_mutex_lock(&fs->sync_lock);
	pthread_mutex_lock(&fs->lock);
	memcpy(dirty, fs->dirty, sizeof(dirty));
	memset(fs->dirty, 0, sizeof(fs->dirty));
	pthread_mutex_unlock(&fs->lock);
	if (fs->sync_failed) {
		err_set(e, ERR_SYSTEM, "%s: an earlier sync failed", fs->path);
		rc = -1;
	}
	for (int dir = 0; dir < STORE_FS_DIRS && rc == 0; dir++) {
		if (dirty[dir])
			rc = sync_dir(fs, dir, e);
	}
	fs->sync_failed = rc == -1;
	pthread_mutex_unlock(&fs->sync_lock);
	return rc;
}

static const struct store_ops fs_ops = {
	.close = fs_close,
	.put_begin = store_fs_put_begin,
	.put_write = store_fs_put_write,
	.put_commit = store_fs_put_commit,
	.put_abort = store_fs_put_abort,
	.sync = fs_sync,
	.get = fs_get,
	.get_range = fs_get_range,
	.size = fs_size,
	.list = fs_list,
	.delete = fs_delete,
};

static struct store_fs *
new_store(const char *path, struct err *e)
{
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store_fs *fs;

	if (root == -1 && (errno == ENOENT || errno == ENOTDIR)) {
		err_set(e, ERR_NOT_FOUND, "no repository at %s", path);
		return NULL;
	}
	if (root == -1) {
		err_sys(e, "%s", path);
		return NULL;
	}
	fs = xcalloc(1, sizeof(*fs));
	fs->base.ops = &fs_ops;
	fs->path = xstrdup(path);
	fs->root = root;
	pthread_mutex_init(&fs->lock, NULL);
	pthread_mutex_init(&fs->sync_lock, NULL);
	return fs;
}

int
store_fs_open(const char *path, struct store **out, struct err *e)
{
	struct store_fs *fs = new_store(path, e);
	uint64_t size;
	int fd;

	if (fs == NULL)
		return -1;
	fd = open_object(fs, "config", &size, e);
	if (fd == -1) {
		if (e->kind == ERR_NOT_FOUND)
			err_set(e, ERR_NOT_FOUND, "no repository at %s", path);
		fs_close(&fs->base);
		return -1;
	}
	close(fd);
	/*
	 * What another process has just put can be seen, and so relied on,
	 * before that process has synced its name: the first sync here
	 * covers index segments that were read.
	 */
	store_fs_mark(fs, STORE_FS_DIR_KIND + STORE_INDEX);
	*out = &fs->base;
	return 0;
}

/* Whether an interrupted store_create() may have left this. */
static bool
may_be_ours(const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, "lost+found") == 0 ||
	    strcmp(name, STORE_FS_TEMP_DIR) == 0)
		return true;
	for (int k = STORE_CONFIG + 1; k < STORE_KINDS; k++) {
		if (strcmp(name, store_kind_name((enum store_kind)k)) == 0)
			return true;
	}
	return false;
}

static int
check_free(struct store_fs *fs, struct err *e)
{
	struct dirent *ent;
	int fd = dup(fs->root);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	int rc = 0;

	if (dir == NULL) {
		err_sys(e, "%s: cannot list", fs->path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (rc == 0 && (ent = readdir(dir)) != NULL) {
		if (may_be_ours(ent->d_name))
			continue;
		rc = -1;
		if (strcmp(ent->d_name, "config") == 0)
			err_set(e, ERR_EXISTS,
			    "%s: a repository is there already", fs->path);
		else
			err_set(e, ERR_EXISTS, "%s: not empty, there is \"%s\"",
			    fs->path, ent->d_name);
	}
	closedir(dir);
	return rc;
}

static int
make_folder(struct store_fs *fs, const char *path, struct err *e)
{
	if (mkdirat(fs->root, path, STORE_FS_DIR_MODE) == 0 || errno == EEXIST)
		return 0;
	err_sys(e, "cannot make the directory");
	store_fs_explain(fs, path, e);
	return -1;
}

static int
make_folders(struct store_fs *fs, struct err *e)
{
	char path[STORE_FS_PATH_MAX];

	if (make_folder(fs, STORE_FS_TEMP_DIR, e) == -1)
		return -1;
	for (int k = STORE_CONFIG + 1; k < STORE_KINDS; k++) {
		if (make_folder(fs, store_kind_name((enum store_kind)k), e) ==
		    -1)
			return -1;
	}
	for (int dir = 0; dir < STORE_FS_FANOUT; dir++) {
		store_fs_dir_path(dir, path);
		if (make_folder(fs, path, e) == -1)
			return -1;
	}
	store_fs_mark(fs, STORE_FS_DIR_ROOT);
	store_fs_mark(fs, STORE_FS_DIR_KIND + STORE_DATA);
	return fs_sync(&fs->base, e);
}

/*
 * Sync the directories above path, for some may be new.  One that can't be
 * read isn't ours, and is not.
 */
static int
sync_above(const char *path, struct err *e)
{
	char *real = realpath(path, NULL);
	int rc = 0;

	if (real == NULL) {
		err_sys(e, "%s", path);
		return -1;
	}
	for (char *slash = strrchr(real, '/'); rc == 0 && slash != NULL;
	     slash = strrchr(real, '/')) {
		*slash = '\0';
		rc = fs_sync_dir(slash == real ? "/" : real, e);
		if (rc == -1 && (e->errnum == EACCES || e->errnum == EINVAL))
			rc = 0;
	}
	free(real);
	return rc;
}

int
store_fs_create(const char *path, struct store **out, struct err *e)
{
	struct store_fs *fs;

	if (fs_mkdir_all(path, STORE_FS_DIR_MODE, e) == -1)
		return -1;
	fs = new_store(path, e);
	if (fs == NULL)
		return -1;
	if (check_free(fs, e) == -1 || make_folders(fs, e) == -1 ||
	    sync_above(path, e) == -1) {
		fs_close(&fs->base);
		return -1;
	}
	*out = &fs->base;
	return 0;
}
