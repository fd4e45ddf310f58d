/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Writing to the store in a directory: under a temporary name in tmp/, synced,
 * then renamed.  Nobody ever sees half an object.
 *
 * A writer holds a lock on its temporary file, which dies with it: so what a
 * killed process left is told from what another one is writing, and is
 * removed when it is a day old.
 */
#include <bsd/stdlib.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/hex.h"
#include "lib/mem.h"

#include "plakar/store/store_fs_internal.h"

#define OBJECT_MODE   0400
#define FLUSH_STEP    (8u << 20) /* bytes; a sync then finds little to do */
#define LEFTOVER_AGE  86400      /* seconds */
#define TEMP_NAME_LEN 16         /* random bytes */

struct fs_put {
	struct store_put base;
	int fd;
	uint64_t written;
	uint64_t flushed; /* of these, the system has been told to start */
	char temp[sizeof(STORE_FS_TEMP_DIR) + 1 + 2 * TEMP_NAME_LEN];
};

/* Remove the temporary file name if it is old and nobody writes it. */
static void
sweep_one(int dir, const char *name, time_t now)
{
	int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_mtime < now - LEFTOVER_AGE &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(dir, name, 0);
	close(fd);
}

/* Once for each store opened; failing to clean up is no reason to stop. */
static void
sweep(struct store_fs *fs)
{
	bool swept;
	struct dirent *ent;
	DIR *dir;
	int fd;

	pthread_mutex_lock(&fs->lock);
	swept = fs->swept;
	fs->swept = true;
	pthread_mutex_unlock(&fs->lock);
	if (swept)
		return;
	fd = openat(
	    fs->root, STORE_FS_TEMP_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((ent = readdir(dir)) != NULL)
		sweep_one(fd, ent->d_name, time(NULL));
	closedir(dir);
}

/*
 * Open a new temporary file, locked.  -1 with errno; EAGAIN when a sweep of
 * another process got in between.
 */
static int
open_temp(struct store_fs *fs, struct fs_put *p)
{
	uint8_t random[TEMP_NAME_LEN];
	char text[2 * TEMP_NAME_LEN + 1];
	struct stat st;

	arc4random_buf(random, sizeof(random));
	hex_encode(random, sizeof(random), text);
	snprintf(p->temp, sizeof(p->temp), "%s/%s", STORE_FS_TEMP_DIR, text);
	p->fd = openat(fs->root, p->temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, OBJECT_MODE);
	if (p->fd == -1)
		return -1;
	/* Where there are no locks, a sweep finds none to take either. */
	if ((flock(p->fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK) ||
	    (fstat(p->fd, &st) == 0 && st.st_nlink == 0)) {
		close(p->fd);
		errno = EAGAIN;
		return -1;
	}
	return 0;
}

int
store_fs_put_begin(struct store *s, struct store_put **out, struct err *e)
{
	struct store_fs *fs = (struct store_fs *)s;
	struct fs_put *p = xcalloc(1, sizeof(*p));

	sweep(fs);
	p->base.store = s;
	while (open_temp(fs, p) == -1) {
		/* A copied repository may lack the folder. */
		if (errno == ENOENT &&
		    mkdirat(fs->root, STORE_FS_TEMP_DIR, STORE_FS_DIR_MODE) ==
			0)
			continue;
		if (errno == EAGAIN || errno == EEXIST)
			continue;
		err_sys(e, "cannot make a temporary file");
		store_fs_explain(fs, STORE_FS_TEMP_DIR, e);
		free(p);
		return -1;
	}
	*out = &p->base;
	return 0;
}

int
store_fs_put_write(
    struct store_put *base, const void *data, size_t len, struct err *e)
{
	struct store_fs *fs = (struct store_fs *)base->store;
	struct fs_put *p = (struct fs_put *)base;

	if (fs_write_all(p->fd, data, len, e) == -1) {
		store_fs_explain(fs, p->temp, e);
		return -1;
	}
	p->written += len;
	if (p->written - p->flushed >= FLUSH_STEP) {
		/* Only a hint: what fails here, the sync reports. */
		sync_file_range(p->fd, (off_t)p->flushed,
		    (off_t)(p->written - p->flushed), SYNC_FILE_RANGE_WRITE);
		p->flushed = p->written;
	}
	return 0;
}

/* Make the directory, and what is missing above it. */
static int
make_dir(struct store_fs *fs, int dir)
{
	char path[STORE_FS_PATH_MAX];

	if (dir == STORE_FS_DIR_ROOT)
		return -1;
	store_fs_dir_path(dir, path);
	if (mkdirat(fs->root, path, STORE_FS_DIR_MODE) == -1 &&
	    errno != EEXIST) {
		if (errno != ENOENT ||
		    make_dir(fs, store_fs_dir_parent(dir)) == -1 ||
		    mkdirat(fs->root, path, STORE_FS_DIR_MODE) == -1)
			return -1;
	}
	store_fs_mark(fs, store_fs_dir_parent(dir));
	return 0;
}

/* Like rename(2), but never over a file that exists.  -1 with errno. */
static int
rename_new(struct store_fs *fs, const char *from, const char *to)
{
	if (renameat2(fs->root, from, fs->root, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(fs->root, from, fs->root, to, 0) == -1)
		return -1;
	unlinkat(fs->root, from, 0);
	return 0;
}

static int
publish(struct store_fs *fs, const char *temp, const char *name)
{
	char path[STORE_FS_PATH_MAX];
	int dir;

	store_fs_place(name, path, &dir);
	if (dir == STORE_FS_DIR_ROOT) {
		if (rename_new(fs, temp, path) == -1)
			return -1;
	} else if (renameat(fs->root, temp, fs->root, path) == -1) {
		if (errno != ENOENT || make_dir(fs, dir) == -1 ||
		    renameat(fs->root, temp, fs->root, path) == -1)
			return -1;
	}
	store_fs_mark(fs, dir);
	return 0;
}

int
store_fs_put_commit(struct store_put *base, const char *name, struct err *e)
{
	struct store_fs *fs = (struct store_fs *)base->store;
	struct fs_put *p = (struct fs_put *)base;

	if (fsync(p->fd) == -1) {
		err_sys(e, "cannot sync");
		store_fs_explain(fs, p->temp, e);
	} else if (publish(fs, p->temp, name) == -1) {
		err_sys(e, "cannot rename the temporary file");
		if (e->errnum == EEXIST)
			e->kind = ERR_EXISTS;
		store_fs_explain(fs, name, e);
	} else {
		close(p->fd);
		free(p);
		return 0;
	}
	store_fs_put_abort(base);
	return -1;
}

void
store_fs_put_abort(struct store_put *base)
{
	struct store_fs *fs = (struct store_fs *)base->store;
	struct fs_put *p = (struct fs_put *)base;

	unlinkat(fs->root, p->temp, 0);
	close(p->fd);
	free(p);
}
