/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/format/entry.h"
#include "plakar/meta/xattrset.h"

#include "plakar/meta/meta.h"

#define PATH_LEN    320  /* "/proc/self/fd/N/" and a name */
#define LIST_FIRST  1024 /* bytes tried first for a list of names */
#define VALUE_FIRST 1024 /* and for a value */
#define GROW_TRIES  8    /* while the file's attributes grow under us */
#define NSEC_MAX    999999999u

/* Places in storage: what is there moves as it grows. */
struct places {
	size_t target, xattrs, error;
};

/* How to reach a file's attributes: by descriptor, else by path. */
struct source {
	int fd;
	char path[PATH_LEN];
};

static ssize_t
list_names(const struct source *src, char *list, size_t len)
{
	return src->fd != -1 ? flistxattr(src->fd, list, len) :
			       llistxattr(src->path, list, len);
}

static ssize_t
get_value(const struct source *src, const char *name, void *value, size_t len)
{
	return src->fd != -1 ? fgetxattr(src->fd, name, value, len) :
			       lgetxattr(src->path, name, value, len);
}

static void
set_pointers(
    struct entry *ent, const struct places *at, const struct buf *storage)
{
	ent->target = ent->target_len > 0 ? storage->data + at->target : NULL;
	ent->xattrs = ent->xattrs_len > 0 ? storage->data + at->xattrs : NULL;
	ent->error =
	    ent->error_len > 0 ? (const char *)storage->data + at->error : NULL;
}

static struct places
get_places(const struct entry *ent, const struct buf *storage)
{
	struct places at = { 0 };

	if (ent->target_len > 0)
		at.target = (size_t)(ent->target - storage->data);
	if (ent->xattrs_len > 0)
		at.xattrs = (size_t)(ent->xattrs - storage->data);
	if (ent->error_len > 0)
		at.error =
		    (size_t)((const uint8_t *)ent->error - storage->data);
	return at;
}

void
meta_add_error(struct entry *ent, struct buf *storage, const char *reason)
{
	struct places at = get_places(ent, storage);
	size_t start = storage->len;

	if (ent->error_len > 0) {
		buf_reserve(storage, ent->error_len);
		buf_add(storage, storage->data + at.error, ent->error_len);
		buf_add_str(storage, "; ");
	}
	buf_add_str(storage, reason);
	at.error = start;
	ent->error_len = storage->len - start;
	if (ent->error_len > ENTRY_ERROR_MAX)
		ent->error_len = ENTRY_ERROR_MAX;
	set_pointers(ent, &at, storage);
}

static void
add_errno(struct entry *ent, struct buf *storage, const char *what)
{
	char *reason = xasprintf("%s: %s", what, strerror(errno));

	meta_add_error(ent, storage, reason);
	free(reason);
}

enum entry_type
meta_type(const struct statx *st)
{
	switch (st->stx_mode & S_IFMT) {
	case S_IFDIR:
		return ENTRY_DIR;
	case S_IFLNK:
		return ENTRY_SYMLINK;
	case S_IFIFO:
		return ENTRY_FIFO;
	case S_IFSOCK:
		return ENTRY_SOCKET;
	case S_IFCHR:
		return ENTRY_CHAR;
	case S_IFBLK:
		return ENTRY_BLOCK;
	default:
		return ENTRY_FILE;
	}
}

static struct entry_time
time_of(const struct statx_timestamp *t)
{
	return (struct entry_time){ .sec = t->tv_sec,
		.nsec = t->tv_nsec > NSEC_MAX ? NSEC_MAX : t->tv_nsec };
}

static void
fill_from_stat(const struct statx *st, struct entry *ent)
{
	*ent = (struct entry){
		.type = meta_type(st),
		.mode = st->stx_mode & 07777,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		.size = st->stx_size > INT64_MAX ? INT64_MAX : st->stx_size,
		.mtime = time_of(&st->stx_mtime),
		.ctime = time_of(&st->stx_ctime),
		.has_btime = (st->stx_mask & STATX_BTIME) != 0,
		.ino = st->stx_ino,
	};
	if (ent->has_btime)
		ent->btime = time_of(&st->stx_btime);
	if (st->stx_nlink > 1 && ent->type != ENTRY_DIR) {
		ent->nlink = st->stx_nlink;
		ent->dev_major = st->stx_dev_major;
		ent->dev_minor = st->stx_dev_minor;
	}
	if (ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK) {
		ent->rdev_major = st->stx_rdev_major;
		ent->rdev_minor = st->stx_rdev_minor;
	}
}

static int
read_target(int dirfd, const char *name, struct entry *ent, struct buf *storage,
    struct err *e)
{
	size_t room = ent->size < 255 ? 256 : (size_t)4096;
	ssize_t n;

	for (;; room *= 4) {
		if (room > ENTRY_TARGET_MAX + 1)
			room = ENTRY_TARGET_MAX + 1;
		n = readlinkat(
		    dirfd, name, (char *)buf_reserve(storage, room), room);
		if (n == -1) {
			if (errno == EINVAL) /* something else is there now */
				errno = ENOENT;
			err_sys(e, "cannot read the link");
			return -1;
		}
		if ((size_t)n < room)
			break;
		if (room > ENTRY_TARGET_MAX) {
			err_set(e, ERR_LIMIT, "link of more than %d bytes",
			    ENTRY_TARGET_MAX);
			return -1;
		}
	}
	if (n == 0) {
		err_set(e, ERR_CORRUPT, "link to nothing");
		return -1;
	}
	ent->target = storage->data + storage->len;
	ent->target_len = (size_t)n;
	storage->len += (size_t)n;
	return 0;
}

/* The flags that statx knows, where the file can't be opened to ask. */
static uint32_t
flags_of_stat(const struct statx *st)
{
	uint64_t a = st->stx_attributes;
	uint32_t flags = 0;

	flags |= a & STATX_ATTR_COMPRESSED ? FS_COMPR_FL : 0;
	flags |= a & STATX_ATTR_IMMUTABLE ? FS_IMMUTABLE_FL : 0;
	flags |= a & STATX_ATTR_APPEND ? FS_APPEND_FL : 0;
	flags |= a & STATX_ATTR_NODUMP ? FS_NODUMP_FL : 0;
	return flags;
}

static uint32_t
read_flags(int fd, const struct statx *st)
{
	int flags = 0;

	if (fd == -1 || ioctl(fd, FS_IOC_GETFLAGS, &flags) == -1)
		return flags_of_stat(st);
	return (uint32_t)flags & META_FLAGS;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Append one attribute's value to out.  -1 with errno. */
static int
read_value(const struct source *src, const char *name, struct buf *out)
{
	size_t room = VALUE_FIRST;
	ssize_t n = -1;

	for (unsigned i = 0; i < GROW_TRIES; i++) {
		n = get_value(src, name, buf_reserve(out, room), room);
		if (n != -1 || errno != ERANGE)
			break;
		n = get_value(src, name, NULL, 0);
		if (n == -1)
			break;
		room = (size_t)n;
		errno = ERANGE;
		n = -1;
	}
	if (n == -1)
		return -1;
	out->len += (size_t)n;
	return 0;
}

static void
read_attributes(const struct source *src, char **names, size_t n,
    struct entry *ent, struct buf *storage)
{
	struct buf set = { 0 }, value = { 0 };

	if (n > 1)
		qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++) {
		size_t before = set.len;

		buf_reset(&value);
		if (read_value(src, names[i], &value) == -1) {
			char *what;

			if (errno == ENODATA)
				continue; /* removed meanwhile */
			what = xasprintf("attribute %s", names[i]);
			add_errno(ent, storage, what);
			free(what);
			continue;
		}
		xattrset_add(
		    &set, names[i], strlen(names[i]), value.data, value.len);
		if (set.len > XATTRSET_MAX) {
			set.len = before;
			meta_add_error(
			    ent, storage, "attributes of more than 1 MiB");
		}
	}
	if (set.len > 0) {
		struct places at = get_places(ent, storage);

		at.xattrs = storage->len;
		ent->xattrs_len = set.len;
		buf_add(storage, set.data, set.len);
		set_pointers(ent, &at, storage);
	}
	buf_free(&set);
	buf_free(&value);
}

/* list has len bytes of zero-terminated names. */
static void
read_listed(const struct source *src, char *list, size_t len, struct entry *ent,
    struct buf *storage)
{
	size_t n = 0, cap = 16;
	char **names = xreallocarray(NULL, cap, sizeof(*names));

	for (size_t at = 0; at < len; at += strlen(list + at) + 1) {
		if (n == cap) {
			cap *= 2;
			names = xreallocarray(names, cap, sizeof(*names));
		}
		names[n++] = list + at;
	}
	read_attributes(src, names, n, ent, storage);
	free(names);
}

static void
capture_attributes(
    const struct source *src, struct entry *ent, struct buf *storage)
{
	char few[LIST_FIRST];
	char *list = few;
	ssize_t n = list_names(src, few, sizeof(few));

	for (unsigned i = 0; n == -1 && errno == ERANGE && i < GROW_TRIES;
	     i++) {
		n = list_names(src, NULL, 0);
		if (n == -1)
			break;
		if (list != few)
			free(list);
		list = xmalloc((size_t)n + 1);
		n = list_names(src, list, (size_t)n);
	}
	if (n > 0)
		read_listed(src, list, (size_t)n, ent, storage);
	else if (n == -1 && errno != EOPNOTSUPP && errno != ENOSYS)
		add_errno(ent, storage, "attributes");
	if (list != few)
		free(list);
}

int
meta_capture(int dirfd, const char *name, int fd, const struct statx *st,
    struct entry *ent, struct buf *storage, struct err *e)
{
	struct source src = { .fd = fd };
	bool plain;

	buf_reset(storage);
	fill_from_stat(st, ent);
	if (ent->type == ENTRY_SYMLINK &&
	    read_target(dirfd, name, ent, storage, e) == -1)
		return -1;

	plain = ent->type == ENTRY_FILE || ent->type == ENTRY_DIR;
	if (fd == -1 && plain)
		src.fd = openat(dirfd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (plain)
		ent->inode_flags = read_flags(src.fd, st);
	if (src.fd == -1)
		snprintf(src.path, sizeof(src.path), "/proc/self/fd/%d/%s",
		    dirfd, name);
	capture_attributes(&src, ent, storage);
	if (src.fd != fd)
		close(src.fd);
	return 0;
}
