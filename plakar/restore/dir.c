/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "plakar/format/entry.h"
#include "plakar/format/key.h"
#include "plakar/walk/names.h"

#include "plakar/restore/target_internal.h"

/*
 * A directory that is being restored: closed to others, and told by this
 * unusual mode from one that was there before.
 */
#define MODE_AT_WORK 01700

#define OPEN_FLAGS   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Make it possible to write in a directory that was there before. */
static int
open_up(struct target *t, const struct place *at, struct err *e)
{
	char path[64];
	int rc = 0;
	int fd;
	struct stat st;

	if (t->privileged) {
		fd = openat(at->dirfd, at->name, OPEN_FLAGS);
		if (fd != -1)
			unlock_flags(fd);
	} else {
		fd = openat(at->dirfd, at->name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd != -1 && fstat(fd, &st) == 0 &&
		    (st.st_mode & 0700) != 0700 && st.st_uid == t->uid) {
			snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
			rc = chmod(path, (st.st_mode & 07777) | 0700);
		}
	}
	if (fd == -1 || rc == -1) {
		err_sys(e, "cannot enter the directory");
		rc = -1;
	}
	if (fd != -1)
		close(fd);
	return rc;
}

static int
make(const struct place *at, const struct entry *ent, struct err *e)
{
	int fd;

	if (mkdirat(at->dirfd, at->name, MODE_AT_WORK) == -1) {
		err_sys(e, "cannot make the directory");
		return -1;
	}
	if (ent->inode_flags == 0)
		return 0;
	fd = openat(at->dirfd, at->name, OPEN_FLAGS);
	if (fd == -1) {
		err_sys(e, "cannot open the directory");
		return -1;
	}
	apply_early_flags(fd, ent);
	close(fd);
	return 0;
}

/* Something is there already. */
static int
meet(struct target *t, const struct place *at, const struct entry *ent,
    const void *key, size_t len, struct err *e)
{
	struct stat st;

	if (fstatat(at->dirfd, at->name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		err_sys(e, "cannot look at what is there");
		return -1;
	}
	if (!t->existing) {
		err_set(e, ERR_EXISTS, "it is there already");
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		return t->options.dry_run ? 0 : open_up(t, at, e);
	if (t->options.overwrite == TARGET_NEVER) {
		err_set(e, ERR_EXISTS,
		    "something that is no directory is in its place");
		return -1;
	}
	if (!t->options.dry_run &&
	    (remove_tree(at->dirfd, at->name, e) == -1 ||
		make(at, ent, e) == -1))
		return -1;
	target_note(t, TARGET_REPLACED, key, len);
	return 0;
}

int
target_dir(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, struct err *e)
{
	struct target *t = c->target;
	struct place at;
	struct stat st;
	bool there;

	if (len == 0)
		return 0; /* target_open() made it */
	if (cursor_go(c, key, len, &at, e) == -1)
		return -1;
	there = at.dirfd != -1 && (t->existing || t->options.dry_run) &&
	    fstatat(at.dirfd, at.name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (there)
		return meet(t, &at, ent, key, len, e);
	if (!t->options.dry_run && make(&at, ent, e) == -1)
		return -1;
	target_note(t, TARGET_MADE, key, len);
	return 0;
}

/* Remove what the snapshot lacks from the directory open as fd. */
static int
prune(struct target *t, int fd, const void *key, size_t len, struct err *e)
{
	struct names names = { 0 };
	struct buf stem = { 0 }, child = { 0 };
	int rc = names_read(&names, fd);

	if (rc == -1)
		err_sys(e, "cannot list the directory");
	key_stem(key, len, &stem);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		const char *name = names_get(&names, i);

		buf_reset(&child);
		key_child(stem.data, stem.len, name, strlen(name), &child);
		rc = t->options.has(
		    t->options.has_arg, child.data, child.len, e);
		if (rc == 1)
			rc = 0;
		else if (rc == 0 &&
		    (t->options.dry_run || remove_tree(fd, name, e) == 0))
			target_note(t, TARGET_DELETED, child.data, child.len);
		else
			rc = -1;
	}
	buf_free(&stem);
	buf_free(&child);
	names_clear(&names);
	return rc;
}

/* Whether the directory was there before, and is to stay as it was. */
static bool
stays(const struct target *t, int fd)
{
	struct stat st;

	return t->options.overwrite == TARGET_NEVER &&
	    (fstat(fd, &st) == -1 || st.st_uid != t->uid ||
		(st.st_mode & 07777 & ~(mode_t)S_ISGID) != MODE_AT_WORK);
}

int
target_dir_finish(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, const void *xattrs, size_t xattrs_len,
    struct err *e)
{
	struct target *t = c->target;
	struct place at;
	int rc = 0;
	int fd;

	if (cursor_go(c, key, len, &at, e) == -1)
		return -1;
	fd = at.dirfd == -1 ? -1 : openat(at.dirfd, at.name, OPEN_FLAGS);
	if (fd == -1) {
		if (t->options.dry_run)
			return 0;
		err_sys(e, "cannot open the directory");
		return -1;
	}
	if (t->options.has != NULL && t->existing && !ent->recorded_only)
		rc = prune(t, fd, key, len, e);
	if (!t->options.dry_run && !stays(t, fd)) {
		apply_to_fd(t, fd, ent, xattrs, xattrs_len);
		apply_flags(t, fd, ent);
	}
	close(fd);
	return rc;
}
