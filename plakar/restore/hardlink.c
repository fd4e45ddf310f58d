/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/err.h"
#include "plakar/format/entry.h"
#include "plakar/meta/meta.h"

#include "plakar/restore/target_internal.h"

/*
 * Take off the flags of the file itself that forbid to link it; lock_again()
 * puts them back.  Such flags are rare: asked about only after a refusal.
 */
static int
unlock(const struct place *from, int *flags)
{
	int fd = openat(from->dirfd, from->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	*flags = fd == -1 ? 0 : unlock_flags(fd);
	return fd;
}

static void
lock_again(int fd, int flags)
{
	if (flags != 0)
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	if (fd != -1)
		close(fd);
}

/* linkat(2) that also gets past flags. */
static int
link_anyhow(const struct place *from, const struct place *at)
{
	int fd, flags, rc, saved;

	rc = linkat(from->dirfd, from->name, at->dirfd, at->name, 0);
	if (rc == 0 || errno != EPERM)
		return rc;
	fd = unlock(from, &flags);
	rc = linkat(from->dirfd, from->name, at->dirfd, at->name, 0);
	saved = errno;
	lock_again(fd, flags);
	errno = saved;
	return rc;
}

/* Link under a temporary name, and rename that. */
static int
replace(struct target *t, const struct place *from, const struct place *at,
    struct err *e)
{
	char temp[TEMP_LEN];
	int fd, flags;
	int rc = -1;

	temp_name(temp);
	fd = unlock(from, &flags);
	if (linkat(from->dirfd, from->name, at->dirfd, temp, 0) == -1) {
		err_sys(e, "cannot make the hard link");
	} else {
		rc = rename_over(t, at, temp, e);
		if (rc == -1)
			unlinkat(at->dirfd, temp, 0);
	}
	lock_again(fd, flags);
	return rc;
}

/* Something is in the link's place already. */
static int
link_over(struct target *t, const struct place *from, const struct place *at,
    const void *key, size_t len, struct err *e)
{
	struct stat a, b;

	if (t->options.overwrite == TARGET_NEVER) {
		target_note(t, TARGET_SKIPPED, key, len);
		return 0;
	}
	if (fstatat(from->dirfd, from->name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(at->dirfd, at->name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
		target_note(t, TARGET_KEPT, key, len);
		return 0;
	}
	if (replace(t, from, at, e) == -1)
		return -1;
	target_note(t, TARGET_REPLACED, key, len);
	return 0;
}

/* Make key another name of the group's first, with the lock held. */
static int
link_one(struct target_cursor *c, const struct link_group *g, const void *key,
    size_t len, struct err *e)
{
	struct target *t = c->target;
	struct place from, at;

	if (cursor_go(c, key, len, &at, e) == -1 ||
	    cursor_go(t->source, g->key, g->key_len, &from, e) == -1)
		return -1;
	if (link_anyhow(&from, &at) == 0) {
		target_note(t, TARGET_MADE, key, len);
		return 0;
	}
	if (errno == EEXIST && t->existing)
		return link_over(t, &from, &at, key, len, e);
	err_sys(e, "cannot make the hard link");
	return -1;
}

/* In a dry run no link is made: say what would be. */
static int
link_dry(struct target_cursor *c, const void *key, size_t len, struct err *e)
{
	struct target *t = c->target;
	enum target_count what = TARGET_MADE;
	struct place at;
	struct stat st;

	if (cursor_go(c, key, len, &at, e) == -1)
		return -1;
	if (at.dirfd != -1 &&
	    fstatat(at.dirfd, at.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		what = t->options.overwrite == TARGET_NEVER ? TARGET_SKIPPED :
							      TARGET_KEPT;
	target_note(t, what, key, len);
	return 0;
}

static void
met_one(struct target *t, struct link_group *g)
{
	g->left -= g->left > 0;
	if (g->left == 0 && g->complete)
		links_forget(&t->links, g);
}

static int
link_locked(struct target_cursor *c, struct link_group *g, const void *key,
    size_t len, const struct entry *ent, bool *done, struct err *e)
{
	struct target *t = c->target;
	uint32_t len32 = (uint32_t)len;

	if (t->options.dry_run) {
		*done = true;
		return link_dry(c, key, len, e);
	}
	if (!g->complete) {
		buf_add(&g->waiting, &len32, sizeof(len32));
		buf_add(&g->waiting, key, len);
		*done = true;
	} else if (link_one(c, g, key, len, e) == 0) {
		*done = true;
	} else if (e->errnum == EMLINK || e->errnum == EPERM ||
	    e->errnum == EXDEV || e->errnum == EOPNOTSUPP) {
		/* Not possible here: a copy, to which others may link. */
		links_forget(&t->links, g);
		links_add(&t->links, ent, key, len);
		return 0;
	} else {
		return -1;
	}
	met_one(t, g);
	return 0;
}

int
target_link(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, bool *done, struct err *e)
{
	struct target *t = c->target;
	struct link_group *g;
	int rc = 0;

	*done = false;
	if (check_below(len, e) == -1)
		return -1;
	pthread_mutex_lock(&t->lock);
	g = links_find(&t->links, ent);
	if (g != NULL)
		rc = link_locked(c, g, key, len, ent, done, e);
	else
		links_add(&t->links, ent, key, len);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void
target_link_forget(struct target *t, const struct entry *ent)
{
	struct link_group *g;

	pthread_mutex_lock(&t->lock);
	g = links_find(&t->links, ent);
	if (g != NULL)
		links_forget(&t->links, g);
	pthread_mutex_unlock(&t->lock);
}

/* Make the links that waited; all of them, whatever fails. */
static int
link_waiting(struct target *t, struct link_group *g, struct err *e)
{
	struct target_cursor *c = target_cursor_new(t);
	size_t at = 0, failed = 0;
	struct err one;

	while (at < g->waiting.len) {
		uint32_t len;

		memcpy(&len, g->waiting.data + at, sizeof(len));
		at += sizeof(len);
		if (link_one(c, g, g->waiting.data + at, len, &one) == -1 &&
		    failed++ == 0)
			*e = one;
		at += len;
	}
	target_cursor_free(c);
	buf_free(&g->waiting);
	if (failed > 0)
		err_wrap(e, "%zu other names of it", failed);
	return failed > 0 ? -1 : 0;
}

int
links_settle(struct target *t, const struct entry *ent, const void *key,
    size_t len, bool ok, struct err *e)
{
	struct link_group *g;
	int rc = 0;

	pthread_mutex_lock(&t->lock);
	g = links_find(&t->links, ent);
	if (g != NULL && g->key_len == len && memcmp(g->key, key, len) == 0) {
		if (!ok && g->waiting.len > 0) {
			err_set(e, ERR_NOT_FOUND,
			    "so its other names could not be made either");
			rc = -1;
		}
		g->complete = ok;
		if (ok && g->waiting.len > 0)
			rc = link_waiting(t, g, e);
		if (!ok || (g->left == 0))
			links_forget(&t->links, g);
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}
