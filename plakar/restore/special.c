/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/format/entry.h"

#include "plakar/restore/target_internal.h"

static mode_t
type_bits(enum entry_type type)
{
	switch (type) {
	case ENTRY_FIFO:
		return S_IFIFO;
	case ENTRY_SOCKET:
		return S_IFSOCK;
	case ENTRY_CHAR:
		return S_IFCHR;
	case ENTRY_BLOCK:
		return S_IFBLK;
	case ENTRY_SYMLINK:
		return S_IFLNK;
	case ENTRY_DIR:
		return S_IFDIR;
	case ENTRY_FILE:
		break;
	}
	return S_IFREG;
}

/* Make it, under a name that nothing has. -1 with errno. */
static int
make(const struct target *t, int dirfd, const char *name,
    const struct entry *ent)
{
	char *link;
	int rc;

	if (ent->type != ENTRY_SYMLINK)
		return mknodat(dirfd, name,
		    type_bits(ent->type) | first_mode(t, ent),
		    makedev(ent->rdev_major, ent->rdev_minor));
	link = xstrndup((const char *)ent->target, ent->target_len);
	rc = symlinkat(link, dirfd, name);
	free(link);
	return rc;
}

/* Whether what is there is the same, but for its metadata. */
static bool
is_same(const struct place *at, const struct stat *st, const struct entry *ent)
{
	char *link;
	ssize_t n;
	bool same;

	if ((st->st_mode & S_IFMT) != type_bits(ent->type))
		return false;
	if (ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK)
		return st->st_rdev == makedev(ent->rdev_major, ent->rdev_minor);
	if (ent->type != ENTRY_SYMLINK)
		return true;
	link = xmalloc(ent->target_len + 1);
	n = readlinkat(at->dirfd, at->name, link, ent->target_len + 1);
	same = n == (ssize_t)ent->target_len &&
	    memcmp(link, ent->target, ent->target_len) == 0;
	free(link);
	return same;
}

/* This user or file system has no such things. */
static bool
is_shortfall(int error)
{
	return error == EPERM || error == EOPNOTSUPP || error == EINVAL;
}

static int
replace(struct target *t, const struct place *at, const struct entry *ent,
    const void *xattrs, size_t xattrs_len, struct err *e)
{
	char temp[TEMP_LEN];
	const struct place beside = { .dirfd = at->dirfd, .name = temp };

	temp_name(temp);
	if (make(t, at->dirfd, temp, ent) == -1) {
		if (is_shortfall(errno)) {
			target_lose(t, TARGET_LOST_SPECIAL);
			return 0;
		}
		err_sys(e, "cannot make it");
		return -1;
	}
	apply_to_name(t, &beside, ent, xattrs, xattrs_len);
	if (rename_over(t, at, temp, e) == -1) {
		unlinkat(at->dirfd, temp, 0);
		return -1;
	}
	return 0;
}

/* Something is there.  What becomes of it, in *what. */
static int
meet(struct target *t, const struct place *at, const struct entry *ent,
    const void *xattrs, size_t xattrs_len, enum target_count *what,
    struct err *e)
{
	bool dry = t->options.dry_run;
	struct stat st;

	if (!t->existing) {
		err_set(e, ERR_EXISTS, "it is there already");
		return -1;
	}
	if (t->options.overwrite == TARGET_NEVER) {
		*what = TARGET_SKIPPED;
		return 0;
	}
	if (t->options.overwrite == TARGET_CHANGED &&
	    fstatat(at->dirfd, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    is_same(at, &st, ent)) {
		*what = TARGET_KEPT;
		if (!dry)
			apply_to_name(t, at, ent, xattrs, xattrs_len);
		return 0;
	}
	*what = TARGET_REPLACED;
	return dry ? 0 : replace(t, at, ent, xattrs, xattrs_len, e);
}

/* Make it where nothing is, as far as anyone knows. */
static int
place_it(struct target *t, const struct place *at, const struct entry *ent,
    const void *xattrs, size_t xattrs_len, enum target_count *what,
    struct err *e)
{
	struct stat st;

	*what = TARGET_MADE;
	if (t->options.dry_run) {
		if (at->dirfd == -1 ||
		    fstatat(at->dirfd, at->name, &st, AT_SYMLINK_NOFOLLOW) ==
			-1)
			return 0;
		return meet(t, at, ent, xattrs, xattrs_len, what, e);
	}
	if (make(t, at->dirfd, at->name, ent) == 0) {
		apply_to_name(t, at, ent, xattrs, xattrs_len);
		return 0;
	}
	if (errno == EEXIST)
		return meet(t, at, ent, xattrs, xattrs_len, what, e);
	if (is_shortfall(errno)) {
		*what = TARGET_LOST_SPECIAL;
		return 0;
	}
	err_sys(e, "cannot make it");
	return -1;
}

int
target_special(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, const void *xattrs, size_t xattrs_len,
    struct err *e)
{
	struct target *t = c->target;
	enum target_count what = TARGET_MADE;
	struct place at;
	struct err ignored;
	bool ok;
	int rc;

	if (ent->type == ENTRY_SYMLINK &&
	    memchr(ent->target, '\0', ent->target_len) != NULL) {
		err_set(e, ERR_CORRUPT, "a zero byte in a link's target");
		return -1;
	}
	if (check_below(len, e) == -1)
		return -1;
	rc = cursor_go(c, key, len, &at, e);
	if (rc == 0)
		rc = place_it(t, &at, ent, xattrs, xattrs_len, &what, e);
	if (rc == 0 && what == TARGET_LOST_SPECIAL)
		target_lose(t, what);
	else if (rc == 0)
		target_note(t, what, key, len);
	ok = rc == 0 && what != TARGET_LOST_SPECIAL;
	if (ent->nlink > 0 &&
	    links_settle(t, ent, key, len, ok, rc == 0 ? e : &ignored) == -1)
		rc = -1;
	return rc;
}
