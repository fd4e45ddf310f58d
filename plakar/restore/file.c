/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/format/entry.h"

#include "plakar/restore/target_internal.h"

#define NEW_FLAGS (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

/*
 * From this size on a file gets its size before its content: else XFS, as a
 * file grows, allocates more than is written, and fills holes with it.
 */
#define SIZE_FIRST (64 * 1024)

/*
 * The mode to make a file with: if possible the one that it will have, which
 * saves a call.  Not in directories that are open to others, before it has
 * its owner; nor when setting its attributes needs leave to write.
 */
mode_t
first_mode(const struct target *t, const struct entry *ent)
{
	mode_t mode = ent->mode & 0777;

	if (ent->xattrs_len > 0 || ent->has_xattrs_id)
		mode |= 0600;
	return t->existing ? mode & 0700 : mode;
}

/* A new file is open: what is to be done while it is empty. */
static int
prepare(struct target_file *f, struct err *e)
{
	f->todo = TARGET_WRITE;
	apply_early_flags(f->fd, f->entry);
	if (f->entry->size < SIZE_FIRST ||
	    ftruncate(f->fd, (off_t)f->entry->size) == 0)
		return 0;
	err_sys(e, "cannot give it its size");
	return -1;
}

static int
open_temp(struct target_file *f, int dirfd, struct err *e)
{
	do {
		temp_name(f->temp);
		f->fd = openat(dirfd, f->temp, NEW_FLAGS, 0600);
	} while (f->fd == -1 && errno == EEXIST);
	if (f->fd == -1) {
		err_sys(e, "cannot make a file");
		f->temp[0] = '\0';
		return -1;
	}
	if (prepare(f, e) == 0)
		return 0;
	unlinkat(dirfd, f->temp, 0);
	return -1;
}

/* The file is to be written anew, beside what is there. */
static int
replace(struct target_file *f, const struct place *at, struct err *e)
{
	struct target *t = f->target;

	if (t->options.dry_run) {
		target_note(t, TARGET_REPLACED, f->key, f->key_len);
		f->todo = TARGET_SKIP;
		return 0;
	}
	f->dirfd = fcntl(at->dirfd, F_DUPFD_CLOEXEC, 0);
	if (f->dirfd == -1) {
		err_sys(e, "cannot make a file");
		return -1;
	}
	f->name = xstrdup(at->name);
	return open_temp(f, f->dirfd, e);
}

/* Something is in the file's place: see what is to be done. */
static int
meet(struct target_file *f, const struct place *at, struct err *e)
{
	struct target *t = f->target;
	const struct entry *ent = f->entry;
	struct stat st;
	int fd;

	if (!t->existing) {
		err_set(e, ERR_EXISTS, "it is there already");
		return -1;
	}
	if (t->options.overwrite == TARGET_NEVER) {
		target_note(t, TARGET_SKIPPED, f->key, f->key_len);
		f->todo = TARGET_SKIP;
		return 0;
	}
	if (t->options.overwrite == TARGET_ALWAYS)
		return replace(f, at, e);

	/* No fifo may make this wait, and no device hear of it. */
	if (fstatat(at->dirfd, at->name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size != ent->size)
		return replace(f, at, e);
	fd = openat(at->dirfd, at->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != ent->size) {
		if (fd != -1)
			close(fd);
		return replace(f, at, e);
	}
	f->fd = fd;
	f->todo = st.st_mtim.tv_sec == ent->mtime.sec &&
		st.st_mtim.tv_nsec == (long)ent->mtime.nsec ?
	    TARGET_KEEP :
	    TARGET_COMPARE;
	return 0;
}

static void
release(struct target_file *f)
{
	if (f->fd != -1)
		close(f->fd);
	if (f->dirfd != -1)
		close(f->dirfd);
	free(f->name);
	free(f->key);
	f->fd = f->dirfd = -1;
	f->name = NULL;
	f->key = NULL;
}

/* A dry run only looks. */
static int
begin_dry(struct target_file *f, const struct place *at, struct err *e)
{
	struct stat st;

	if (at->dirfd != -1 &&
	    fstatat(at->dirfd, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return meet(f, at, e);
	target_note(f->target, TARGET_MADE, f->key, f->key_len);
	f->todo = TARGET_SKIP;
	return 0;
}

int
target_file_begin(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, struct target_file *f, struct err *e)
{
	struct target *t = c->target;
	struct place at;
	int rc = 0;

	*f = (struct target_file){
		.fd = -1, .dirfd = -1, .target = t, .entry = ent, .key_len = len
	};
	if (check_below(len, e) == -1 || cursor_go(c, key, len, &at, e) == -1)
		return -1;
	f->key = xmalloc(len);
	memcpy(f->key, key, len);
	if (t->options.dry_run) {
		rc = begin_dry(f, &at, e);
	} else {
		f->fd =
		    openat(at.dirfd, at.name, NEW_FLAGS, first_mode(t, ent));
		if (f->fd != -1) {
			f->made = true;
			rc = prepare(f, e);
			if (rc == -1)
				unlinkat(at.dirfd, at.name, 0);
		} else if (errno == EEXIST) {
			rc = meet(f, &at, e);
		} else {
			err_sys(e, "cannot make the file");
			rc = -1;
		}
	}
	if (rc == -1)
		release(f);
	return rc;
}

int
target_file_rewrite(struct target_file *f, struct err *e)
{
	struct target_cursor *c;
	struct place at;
	int rc = -1;

	close(f->fd);
	f->fd = -1;
	c = target_cursor_new(f->target);
	if (cursor_go(c, f->key, f->key_len, &at, e) == 0)
		rc = replace(f, &at, e);
	target_cursor_free(c);
	return rc;
}

/* Remove what is written of a file that will not be. */
static void
undo(struct target_file *f)
{
	struct target_cursor *c;
	struct place at;
	struct err ignored;

	if (f->temp[0] != '\0') {
		unlinkat(f->dirfd, f->temp, 0);
	} else if (f->made) {
		c = target_cursor_new(f->target);
		if (cursor_go(c, f->key, f->key_len, &at, &ignored) == 0)
			unlinkat(at.dirfd, at.name, 0);
		target_cursor_free(c);
	}
}

/* The content is complete: the rest, up to its place. */
static int
finish(
    struct target_file *f, const void *xattrs, size_t xattrs_len, struct err *e)
{
	struct target *t = f->target;
	const struct entry *ent = f->entry;
	const struct place at = { .dirfd = f->dirfd, .name = f->name };
	struct stat st;

	/* A hole at the end of a small file was not written. */
	if (fstat(f->fd, &st) == -1 ||
	    ((uint64_t)st.st_size != ent->size &&
		ftruncate(f->fd, (off_t)ent->size) == -1)) {
		err_sys(e, "cannot give it its size");
		return -1;
	}
	apply_to_fd(t, f->fd, ent, xattrs, xattrs_len);
	if (f->temp[0] != '\0' && rename_over(t, &at, f->temp, e) == -1)
		return -1;
	apply_flags(t, f->fd, ent);
	target_note(
	    t, f->made ? TARGET_MADE : TARGET_REPLACED, f->key, f->key_len);
	return 0;
}

/* The old content stays: see to the rest. */
static void
keep(struct target_file *f, const void *xattrs, size_t xattrs_len)
{
	struct target *t = f->target;

	target_note(t, TARGET_KEPT, f->key, f->key_len);
	if (t->options.dry_run)
		return;
	unlock_flags(f->fd);
	apply_to_fd(t, f->fd, f->entry, xattrs, xattrs_len);
	apply_flags(t, f->fd, f->entry);
}

int
target_file_end(struct target_file *f, const void *xattrs, size_t xattrs_len,
    bool ok, struct err *e)
{
	int rc = 0;

	switch (f->todo) {
	case TARGET_WRITE:
		if (ok)
			rc = finish(f, xattrs, xattrs_len, e);
		if (!ok || rc == -1)
			undo(f);
		break;
	case TARGET_COMPARE:
	case TARGET_KEEP:
		if (ok)
			keep(f, xattrs, xattrs_len);
		break;
	case TARGET_SKIP:
		break;
	}
	if (f->entry->nlink > 0 &&
	    links_settle(f->target, f->entry, f->key, f->key_len, ok && rc == 0,
		e) == -1)
		rc = -1;
	release(f);
	return rc;
}
