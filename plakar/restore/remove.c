/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/walk/names.h"

#include "plakar/restore/target_internal.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

/* One directory of a tree being removed: its subdirectories to come. */
struct doomed {
	struct buf names; /* zero-terminated */
	size_t next;
};

struct removal {
	struct descent at;
	struct doomed *levels; /* one for each of at.levels but the base */
	size_t cap;
	struct names names;
	dev_t dev;
};

/* Take off the flags of a file or directory that won't be removed. */
static bool
unlock(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, DIR_FLAGS & ~O_DIRECTORY);
	bool was_locked;

	if (fd == -1)
		return false;
	was_locked = unlock_flags(fd) != 0;
	close(fd);
	return was_locked;
}

/* unlinkat(2) that also gets past flags. */
static int
unlink_anyhow(int dirfd, const char *name, int flags)
{
	if (unlinkat(dirfd, name, flags) == 0)
		return 0;
	if (errno != EPERM || !unlock(dirfd, name))
		return -1;
	return unlinkat(dirfd, name, flags);
}

/* Go into name: remove its files, note its subdirectories. */
static int
enter(struct removal *r, int dirfd, const char *name, struct err *e)
{
	int fd = openat(dirfd, name, DIR_FLAGS);
	struct doomed *level;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1) {
		err_sys(e, "cannot remove %s", name);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (st.st_dev != r->dev) {
		err_set(e, ERR_EXISTS, "%s is a mount point", name);
		close(fd);
		return -1;
	}
	unlock_flags(fd);
	if (names_read(&r->names, fd) == -1 ||
	    descent_enter(&r->at, name, fd) == -1) {
		err_sys(e, "cannot remove %s", name);
		return -1;
	}
	if (r->at.depth > r->cap) {
		r->cap = r->cap == 0 ? 16 : r->cap * 2;
		r->levels =
		    xreallocarray(r->levels, r->cap, sizeof(*r->levels));
	}
	level = &r->levels[r->at.depth - 1];
	*level = (struct doomed){ 0 };
	for (size_t i = 0; i < r->names.n; i++) {
		const char *below = names_get(&r->names, i);

		if (unlink_anyhow(fd, below, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM) {
			err_sys(e, "cannot remove %s", below);
			return -1;
		}
		if (unlink_anyhow(fd, below, AT_REMOVEDIR) == 0)
			continue;
		if (errno != ENOTEMPTY && errno != EEXIST) {
			err_sys(e, "cannot remove %s", below);
			return -1;
		}
		buf_add(&level->names, below, strlen(below) + 1);
	}
	return 0;
}

/* Go up from an emptied directory, and remove it. */
static int
leave(struct removal *r, struct err *e)
{
	size_t depth = r->at.depth - 1;
	char *name = xstrdup(
	    (const char *)r->at.stem.data + r->at.levels[depth].stem_len);
	int rc = -1;
	int fd;

	buf_free(&r->levels[depth].names);
	descent_leave(&r->at, depth);
	fd = descent_fd(&r->at);
	if (fd == -1 || unlink_anyhow(fd, name, AT_REMOVEDIR) == -1)
		err_sys(e, "cannot remove %s", name);
	else
		rc = 0;
	free(name);
	return rc;
}

static int
remove_dir(struct removal *r, const char *name, struct err *e)
{
	if (enter(r, r->at.levels[0].fd, name, e) == -1)
		return -1;
	while (r->at.depth > 0) {
		struct doomed *level = &r->levels[r->at.depth - 1];
		const char *next =
		    (const char *)level->names.data + level->next;
		int fd;

		if (level->next == level->names.len) {
			if (leave(r, e) == -1)
				return -1;
			continue;
		}
		level->next += strlen(next) + 1;
		fd = descent_fd(&r->at);
		if (fd == -1) {
			err_sys(e, "cannot remove %s", next);
			return -1;
		}
		if (enter(r, fd, next, e) == -1)
			return -1;
	}
	return 0;
}

int
remove_tree(int dirfd, const char *name, struct err *e)
{
	struct removal r = { 0 };
	struct stat st;
	int rc = -1;
	int base;

	if (unlink_anyhow(dirfd, name, 0) == 0)
		return 0;
	if ((errno != EISDIR && errno != EPERM) ||
	    (unlink_anyhow(dirfd, name, AT_REMOVEDIR) == -1 &&
		errno != ENOTEMPTY && errno != EEXIST)) {
		err_sys(e, "cannot remove %s", name);
		return -1;
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0; /* it was empty */
	base = openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (base == -1 || fstat(base, &st) == -1) {
		err_sys(e, "cannot remove %s", name);
		if (base != -1)
			close(base);
		return -1;
	}
	r.dev = st.st_dev;
	descent_init(&r.at, base);
	rc = remove_dir(&r, name, e);
	for (size_t i = 0; i < r.at.depth; i++)
		buf_free(&r.levels[i].names);
	free(r.levels);
	names_clear(&r.names);
	descent_clear(&r.at);
	return rc;
}

int
clear_way(struct target *t, const struct place *at, struct err *e)
{
	struct stat st;

	if (fstatat(at->dirfd, at->name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT)
			return 0;
		err_sys(e, "cannot look at what is there");
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (t->options.has != NULL)
		return remove_tree(at->dirfd, at->name, e);
	if (unlinkat(at->dirfd, at->name, AT_REMOVEDIR) == -1) {
		err_set(e, ERR_EXISTS,
		    "a directory that is not empty is in its place");
		return -1;
	}
	return 0;
}

int
rename_over(
    struct target *t, const struct place *at, const char *temp, struct err *e)
{
	int rc;

	if (clear_way(t, at, e) == -1)
		return -1;
	rc = renameat(at->dirfd, temp, at->dirfd, at->name);
	if (rc == -1 && errno == EPERM && unlock(at->dirfd, at->name))
		rc = renameat(at->dirfd, temp, at->dirfd, at->name);
	if (rc == -1)
		err_sys(e, "cannot put it in its place");
	return rc;
}
