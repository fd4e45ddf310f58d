/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "plakar/format/entry.h"
#include "plakar/format/key.h"
#include "plakar/meta/meta.h"
#include "plakar/restore/target.h"
#include "plakar/walk/walk.h"

#include "plakar/tests/support/copytree.h"

#define PIECE 65536

/* A walk of one root, whose entries have keys relative to it. */
struct source {
	struct walk *walk;
	struct walk_item item;
	size_t root_len;
	struct buf key;
	struct entry ent;
	struct buf storage;
};

/* A directory that is to be finished. */
struct dir {
	struct buf key;
	struct entry ent;
	struct buf xattrs;
};

static void
source_open(struct source *s, const char *root)
{
	const struct walk_options options = { 0 };
	struct err e;
	int rc;

	*s = (struct source){ 0 };
	rc = walk_open(&root, 1, &options, &s->walk, &e);
	assert(rc == 0);
	s->root_len = strlen(walk_root(s->walk, 0));
}

static void
source_close(struct source *s)
{
	walk_close(s->walk);
	buf_free(&s->key);
	buf_free(&s->storage);
}

/* The next entry at or below the root. */
static bool
source_next(struct source *s, struct buf *problems)
{
	struct err e;
	int rc;

	while (walk_next(s->walk, &s->item)) {
		const struct walk_item *item = &s->item;

		if (item->problem != NULL)
			buf_printf(
			    problems, "%s: %s\n", item->path, item->problem);
		if (item->kind == WALK_PROBLEM ||
		    item->path_len < s->root_len || item->above_root)
			continue;
		rc = meta_capture(item->dirfd, item->name, item->fd, &item->st,
		    &s->ent, &s->storage, &e);
		assert(rc == 0);
		if (s->ent.error_len > 0)
			buf_printf(problems, "%s: %.*s\n", item->path,
			    (int)s->ent.error_len, s->ent.error);
		buf_reset(&s->key);
		if (item->path_len > s->root_len)
			rc = key_from_path(item->path + s->root_len,
			    item->path_len - s->root_len, &s->key, &e);
		assert(rc == 0);
		return true;
	}
	return false;
}

/* Copy the data from one file to the other, leaving holes out. */
static int
copy_data(int from, int to, uint64_t size, struct err *e)
{
	static uint8_t piece[PIECE];
	off_t at = 0;

	while ((uint64_t)at < size) {
		off_t data = lseek(from, at, SEEK_DATA);
		off_t hole = data == -1 ? -1 : lseek(from, data, SEEK_HOLE);

		if (data == -1)
			return 0;
		for (at = data; at < hole;) {
			size_t want =
			    hole - at < PIECE ? (size_t)(hole - at) : PIECE;
			size_t got;

			if (fs_pread_full(from, piece, want, (uint64_t)at, &got,
				e) == -1 ||
			    lseek(to, at, SEEK_SET) == -1 ||
			    fs_write_all(to, piece, got, e) == -1)
				return -1;
			at += (off_t)want;
		}
	}
	return 0;
}

/* Whether two files, open and of one size, have the same bytes. */
static bool
same_data(int a, int b)
{
	uint8_t pieces[2][4096];
	uint64_t at = 0;
	struct err e;
	size_t n[2];

	do {
		if (fs_pread_full(a, pieces[0], 4096, at, &n[0], &e) == -1 ||
		    fs_pread_full(b, pieces[1], 4096, at, &n[1], &e) == -1 ||
		    n[0] != n[1] || memcmp(pieces[0], pieces[1], n[0]) != 0)
			return false;
		at += n[0];
	} while (n[0] > 0);
	return true;
}

static int
copy_file(struct target_cursor *c, const struct source *s, struct err *e)
{
	struct target_file f;
	int from = openat(
	    s->item.dirfd, s->item.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (from == -1) {
		err_sys(e, "cannot open");
		return -1;
	}
	rc = target_file_begin(c, s->key.data, s->key.len, &s->ent, &f, e);
	if (rc == -1) {
		close(from);
		return -1;
	}
	if (f.todo == TARGET_COMPARE && !same_data(from, f.fd))
		rc = target_file_rewrite(&f, e);
	if (rc == 0 && f.todo == TARGET_WRITE)
		rc = copy_data(from, f.fd, s->ent.size, e);
	close(from);
	if (target_file_end(&f, s->ent.xattrs, s->ent.xattrs_len, rc == 0, e) ==
	    -1)
		rc = -1;
	return rc;
}

static int
copy_one(struct target_cursor *c, const struct source *s, struct err *e)
{
	const struct entry *ent = &s->ent;
	bool done = false;

	if (ent->type == ENTRY_DIR)
		return target_dir(c, s->key.data, s->key.len, ent, e);
	if (ent->nlink > 0 &&
	    target_link(c, s->key.data, s->key.len, ent, &done, e) == -1)
		return -1;
	if (done)
		return 0;
	if (ent->type == ENTRY_FILE)
		return copy_file(c, s, e);
	return target_special(
	    c, s->key.data, s->key.len, ent, ent->xattrs, ent->xattrs_len, e);
}

static void
keep_dir(struct dir **dirs, size_t *n, const struct source *s)
{
	struct dir *d;

	*dirs = xreallocarray(*dirs, *n + 1, sizeof(**dirs));
	d = &(*dirs)[(*n)++];
	*d = (struct dir){ .ent = s->ent };
	buf_add(&d->key, s->key.data, s->key.len);
	buf_add(&d->xattrs, s->ent.xattrs, s->ent.xattrs_len);
}

struct target *
copytree(const char *from, const char *to, const struct target_options *options,
    struct buf *problems)
{
	struct target *t;
	struct target_cursor *c;
	struct dir *dirs = NULL;
	struct source s;
	size_t n = 0;
	struct err e;

	if (target_open(to, options, &t, &e) == -1) {
		buf_printf(problems, "%s\n", e.msg);
		return NULL;
	}
	c = target_cursor_new(t);
	source_open(&s, from);
	while (source_next(&s, problems)) {
		if (copy_one(c, &s, &e) == -1)
			buf_printf(problems, "%s: %s\n", s.item.path, e.msg);
		if (s.ent.type == ENTRY_DIR)
			keep_dir(&dirs, &n, &s);
	}
	source_close(&s);
	while (n-- > 0) {
		struct dir *d = &dirs[n];

		if (target_dir_finish(c, d->key.data, d->key.len, &d->ent,
			d->xattrs.data, d->xattrs.len, &e) == -1) {
			struct buf path = { 0 };

			key_to_path(d->key.data, d->key.len, &path);
			buf_printf(problems, "%s: %s\n", buf_str(&path), e.msg);
			buf_free(&path);
		}
		buf_free(&d->key);
		buf_free(&d->xattrs);
	}
	free(dirs);
	target_cursor_free(c);
	return t;
}

static bool
same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* Whether the maps of data and holes are the same. */
static bool
same_holes(int a, int b, uint64_t size)
{
	off_t at = 0;

	while ((uint64_t)at < size) {
		off_t data = lseek(a, at, SEEK_DATA);
		off_t hole = lseek(a, at, SEEK_HOLE);

		if (lseek(b, at, SEEK_DATA) != data ||
		    lseek(b, at, SEEK_HOLE) != hole)
			return false;
		if (data == -1)
			return true;
		at = data > at ? data : hole;
	}
	return true;
}

/* What is different in two entries, or NULL. */
static const char *
difference(const struct source *a, const struct source *b)
{
	const struct entry *x = &a->ent, *y = &b->ent;
	const char *what = NULL;
	int fds[2];

	if (x->type != y->type)
		return "type";
	if (x->mode != y->mode)
		return "mode";
	if (x->uid != y->uid || x->gid != y->gid)
		return "owner";
	if (x->mtime.sec != y->mtime.sec || x->mtime.nsec != y->mtime.nsec)
		return "time";
	if (x->nlink != y->nlink)
		return "links";
	if (x->inode_flags != y->inode_flags)
		return "flags";
	if (x->rdev_major != y->rdev_major || x->rdev_minor != y->rdev_minor)
		return "device";
	if (!same_bytes(x->target, x->target_len, y->target, y->target_len))
		return "target";
	if (!same_bytes(x->xattrs, x->xattrs_len, y->xattrs, y->xattrs_len))
		return "attributes";
	if (x->type != ENTRY_FILE)
		return NULL;
	if (x->size != y->size)
		return "size";
	fds[0] = openat(a->item.dirfd, a->item.name, O_RDONLY | O_CLOEXEC);
	fds[1] = openat(b->item.dirfd, b->item.name, O_RDONLY | O_CLOEXEC);
	if (!same_holes(fds[0], fds[1], x->size))
		what = "holes";
	if (!same_data(fds[0], fds[1]))
		what = "content";
	close(fds[0]);
	close(fds[1]);
	return what;
}

void
copytree_compare(const char *a, const char *b, struct buf *differences)
{
	struct source x, y;
	bool more, other;

	source_open(&x, a);
	source_open(&y, b);
	for (;;) {
		const char *what;

		more = source_next(&x, differences);
		other = source_next(&y, differences);
		if (!more && !other)
			break;
		if (more != other ||
		    !same_bytes(x.key.data, x.key.len, y.key.data, y.key.len)) {
			buf_printf(differences, "%s beside %s\n",
			    more ? x.item.path : "nothing",
			    other ? y.item.path : "nothing");
			break;
		}
		what = difference(&x, &y);
		if (what != NULL)
			buf_printf(differences, "%s: %s\n", x.item.path, what);
	}
	source_close(&x);
	source_close(&y);
}
