/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Metadata, in an order in which no step undoes an earlier one: a change of
 * owner drops set-user-id and capabilities; an ACL rewrites the mode's group
 * bits; a mode can forbid its owner to set attributes; anything changes the
 * times; an immutable file takes no change at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/mem.h"
#include "plakar/format/entry.h"
#include "plakar/meta/meta.h"
#include "plakar/meta/xattrset.h"

#include "plakar/restore/target_internal.h"

#define CAPABILITY "security.capability"
#define PATH_LEN   320

/* Flags that forbid changes, and those that want an empty file. */
#define LOCKING_FLAGS ((uint32_t)(FS_IMMUTABLE_FL | FS_APPEND_FL))
#define EARLY_FLAGS                                                            \
	((uint32_t)(FS_NOCOW_FL | FS_COMPR_FL | FS_NOCOMP_FL | FS_CASEFOLD_FL))
#define PRIVILEGED_FLAGS                                                       \
	((uint32_t)(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_JOURNAL_DATA_FL))

/* A file to be changed: by descriptor, or by name (never following). */
struct subject {
	int fd;
	const struct place *at; /* NULL: by descriptor */
	char path[PATH_LEN];    /* of the latter, for calls without a dirfd */
};

static bool
in_group(const struct target *t, gid_t gid)
{
	for (size_t i = 0; i < t->n_groups; i++)
		if (t->groups[i] == gid)
			return true;
	return false;
}

static int
change_owner(const struct subject *s, uid_t uid, gid_t gid)
{
	if (s->at == NULL)
		return fchown(s->fd, uid, gid);
	return fchownat(
	    s->at->dirfd, s->at->name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

/* Give it its owner and group; returns the mode that it can have then. */
static uint32_t
apply_owner(struct target *t, const struct subject *s, const struct stat *st,
    const struct entry *ent)
{
	bool uid_right = st->st_uid == ent->uid;
	bool gid_right = st->st_gid == ent->gid;
	uint32_t mode = ent->mode;

	if (uid_right && gid_right)
		return mode;
	if (t->privileged && change_owner(s, ent->uid, ent->gid) == 0)
		return mode;
	if (!gid_right && in_group(t, ent->gid))
		gid_right = change_owner(s, (uid_t)-1, ent->gid) == 0;
	if (uid_right && gid_right)
		return mode;
	/* Nobody misses the owner of what only leads to what was saved. */
	if (t->privileged || !ent->recorded_only)
		target_lose(t, TARGET_LOST_OWNER);
	if (!uid_right)
		mode &= (uint32_t)~S_ISUID;
	if (!gid_right && ent->type != ENTRY_DIR)
		mode &= (uint32_t)~S_ISGID;
	return mode;
}

static int
set_xattr(const struct subject *s, const char *name, const struct xattr *one)
{
	if (s->at == NULL)
		return fsetxattr(s->fd, name, one->value, one->value_len, 0);
	return lsetxattr(s->path, name, one->value, one->value_len, 0);
}

static void
apply_xattrs(struct target *t, const struct subject *s, const void *set,
    size_t len, bool capability)
{
	struct xattr one;
	size_t offset = 0;
	char name[XATTRSET_NAME_MAX + 1];

	while (xattrset_next(set, len, &offset, &one)) {
		memcpy(name, one.name, one.name_len);
		name[one.name_len] = '\0';
		if ((strcmp(name, CAPABILITY) == 0) != capability)
			continue;
		if (set_xattr(s, name, &one) == -1)
			target_lose(t, TARGET_LOST_XATTR);
	}
}

/*
 * Remove the attributes that the file had, or inherited, and should not have.
 * Labels that the system gives every file stay.
 */
static void
remove_others(const struct subject *s, const void *set, size_t len)
{
	ssize_t n = s->at == NULL ? flistxattr(s->fd, NULL, 0) :
				    llistxattr(s->path, NULL, 0);
	char *list;

	if (n <= 0)
		return;
	list = xmalloc((size_t)n);
	n = s->at == NULL ? flistxattr(s->fd, list, (size_t)n) :
			    llistxattr(s->path, list, (size_t)n);
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(list + i) + 1) {
		const char *name = list + i;

		if (xattrset_have(set, len, name) ||
		    (strncmp(name, "security.", 9) == 0 &&
			strcmp(name, CAPABILITY) != 0))
			continue;
		if (s->at == NULL)
			fremovexattr(s->fd, name);
		else
			lremovexattr(s->path, name);
	}
	free(list);
}

/* A link has no mode of its own. */
static void
apply_mode(struct target *t, const struct subject *s, uint32_t mode)
{
	char path[64];
	int rc, fd;

	if (s->at == NULL) {
		rc = fchmod(s->fd, mode);
	} else {
		fd = openat(
		    s->at->dirfd, s->at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		rc = fd == -1 ? -1 : chmod(path, mode);
		if (fd != -1)
			close(fd);
	}
	if (rc == -1)
		target_lose(t, TARGET_LOST_MODE);
}

static void
apply_times(struct target *t, const struct subject *s, const struct stat *st,
    const struct entry *ent)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)ent->mtime.sec,
		    .tv_nsec = (long)ent->mtime.nsec },
	};
	int rc;

	if (st->st_mtim.tv_sec == times[1].tv_sec &&
	    st->st_mtim.tv_nsec == times[1].tv_nsec)
		return;
	if (s->at == NULL)
		rc = futimens(s->fd, times);
	else
		rc = utimensat(
		    s->at->dirfd, s->at->name, times, AT_SYMLINK_NOFOLLOW);
	if (rc == -1)
		target_lose(t, TARGET_LOST_TIME);
}

static void
apply(struct target *t, const struct subject *s, const struct stat *st,
    const struct entry *ent, const void *xattrs, size_t xattrs_len)
{
	uint32_t mode = apply_owner(t, s, st, ent);
	bool owner_right = st->st_uid == ent->uid && st->st_gid == ent->gid;

	if (t->clean)
		remove_others(s, xattrs, xattrs_len);
	if (xattrs_len > 0)
		apply_xattrs(t, s, xattrs, xattrs_len, false);
	/* What is already right is right still if nothing was done to it. */
	if (ent->type != ENTRY_SYMLINK &&
	    ((st->st_mode & 07777) != mode || !owner_right || xattrs_len > 0))
		apply_mode(t, s, mode);
	if (xattrs_len > 0)
		apply_xattrs(t, s, xattrs, xattrs_len, true);
	apply_times(t, s, st, ent);
}

void
apply_to_fd(struct target *t, int fd, const struct entry *ent,
    const void *xattrs, size_t xattrs_len)
{
	const struct subject s = { .fd = fd };
	struct stat st;

	if (fstat(fd, &st) == -1) {
		target_lose(t, TARGET_LOST_OWNER);
		return;
	}
	apply(t, &s, &st, ent, xattrs, xattrs_len);
}

void
apply_to_name(struct target *t, const struct place *at, const struct entry *ent,
    const void *xattrs, size_t xattrs_len)
{
	struct subject s = { .fd = -1, .at = at };
	struct stat st;

	if (fstatat(at->dirfd, at->name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		target_lose(t, TARGET_LOST_OWNER);
		return;
	}
	snprintf(
	    s.path, sizeof(s.path), "/proc/self/fd/%d/%s", at->dirfd, at->name);
	apply(t, &s, &st, ent, xattrs, xattrs_len);
}

void
apply_early_flags(int fd, const struct entry *ent)
{
	int flags = 0;

	if ((ent->inode_flags & EARLY_FLAGS) == 0 ||
	    ioctl(fd, FS_IOC_GETFLAGS, &flags) == -1)
		return;
	flags |= (int)(ent->inode_flags & EARLY_FLAGS);
	/* apply_flags() sees whether it worked. */
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

void
apply_flags(struct target *t, int fd, const struct entry *ent)
{
	uint32_t want = ent->inode_flags & META_FLAGS;
	uint32_t now, next;
	int flags = 0;

	/* A new file has none but what it inherited. */
	if (want == 0 && !t->clean)
		return;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == -1) {
		if (want != 0)
			target_lose(t, TARGET_LOST_FLAGS);
		return;
	}
	now = (uint32_t)flags;
	next = (now & ~META_FLAGS) | want;
	flags = (int)next;
	if (next == now || ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0)
		return;
	target_lose(t, TARGET_LOST_FLAGS);
	/* As many as this user may set. */
	next = (next & ~PRIVILEGED_FLAGS) | (now & PRIVILEGED_FLAGS);
	flags = (int)next;
	if (next != now)
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

int
unlock_flags(int fd)
{
	int flags = 0, open;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == -1 ||
	    ((uint32_t)flags & LOCKING_FLAGS) == 0)
		return 0;
	open = (int)((uint32_t)flags & ~LOCKING_FLAGS);
	return ioctl(fd, FS_IOC_SETFLAGS, &open) == 0 ? flags : 0;
}
