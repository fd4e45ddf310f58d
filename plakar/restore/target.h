/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * target: a directory in which a snapshot, or a part of one, comes back.
 *
 * Use: target_open(); with a cursor a thread: target_dir() for each directory
 *      in key order, a directory before what is in it; files, links and the
 *      others in any order after their directory; when all that is done,
 *      target_dir_finish() for each directory in reverse key order.
 *
 * Keys are relative to the target: the empty key is the target itself.
 *
 * Safety:  nothing outside the target is ever touched: every component of a
 *          path is opened relative to its parent's descriptor, and a symbolic
 *          link is not followed, whoever put it there.  Keys are checked.
 *          New directories are closed to others until they are finished.
 * Replacing: a file takes the place of another by rename, complete and with
 *          its attributes, or not at all.  A directory gives way to something
 *          else only if it is empty (or with --delete).
 * Metadata: owner, extended attributes with ACLs, mode, file capabilities,
 *          times, inode flags, in this order.  What this user or this file
 *          system can't do is counted, not an error: target_shortfall().
 *          Set-user-id is dropped where the owner could not be restored.
 *          Linux can't set birth and change times; access times are left.
 * Descriptors: a cursor holds DESCENT_OPEN_MAX, a file being written two.
 * Errors:  they don't name the path: the caller, who has the key, does.
 * Threads: a cursor belongs to one thread; all else may be called by many.
 *          Several may write into one struct target_file's fd.
 */
#ifndef PLAKAR_RESTORE_TARGET_H
#define PLAKAR_RESTORE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

struct buf;
struct entry;
struct err;
struct target;
struct target_cursor;

enum target_overwrite {
	TARGET_FRESH,   /* the directory is new, or empty */
	TARGET_NEVER,   /* what is there stays as it is */
	TARGET_CHANGED, /* what is there stays if its content is right */
	TARGET_ALWAYS,
};

enum target_count {
	TARGET_MADE,
	TARGET_REPLACED,
	TARGET_KEPT,    /* content was right already; metadata is seen to */
	TARGET_SKIPPED, /* something is there, and TARGET_NEVER */
	TARGET_DELETED,
	/* What could not be restored, of how many files or attributes. */
	TARGET_LOST_OWNER,
	TARGET_LOST_MODE,
	TARGET_LOST_XATTR,
	TARGET_LOST_TIME,
	TARGET_LOST_FLAGS,
	TARGET_LOST_SPECIAL, /* devices, and others that can't be made here */
};

#define TARGET_COUNTS (TARGET_LOST_SPECIAL + 1)

struct target_options {
	enum target_overwrite overwrite;
	bool dry_run; /* do nothing, but count and tell as if */
	/*
	 * For --delete: whether the snapshot has a key; 1, 0, or -1 with *e.
	 * What is in a directory of the snapshot, and not in the snapshot, is
	 * removed by target_dir_finish().  NULL: nothing is deleted.
	 */
	int (*has)(void *arg, const void *key, size_t len, struct err *e);
	void *has_arg;
	/*
	 * Told of what happens to each path, one of TARGET_MADE to
	 * TARGET_DELETED; by any thread.  May be NULL.
	 */
	void (*tell)(
	    void *arg, enum target_count what, const void *key, size_t len);
	void *tell_arg;
};

/* Make dir, and what is missing above it, and open it. */
int target_open(const char *dir, const struct target_options *options,
    struct target **out, struct err *e) ATTR_CHECKED;

/* After all its cursors and files.  NULL is allowed. */
void target_close(struct target *t);

uint64_t target_count(const struct target *t, enum target_count what);

/*
 * Append one line, without its end, that says what was not restored, and
 * why.  False when nothing is missing.
 */
bool target_shortfall(const struct target *t, struct buf *line) ATTR_CHECKED;

struct target_cursor *target_cursor_new(struct target *t);
void target_cursor_free(struct target_cursor *c);

/* Make the directory, or find it there. */
int target_dir(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, struct err *e) ATTR_CHECKED;

/* Give it its metadata, once nothing below it will be touched any more. */
int target_dir_finish(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, const void *xattrs, size_t xattrs_len,
    struct err *e) ATTR_CHECKED;

/* Make a symbolic link, fifo, socket or device. */
int target_special(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, const void *xattrs, size_t xattrs_len,
    struct err *e) ATTR_CHECKED;

/*
 * For an entry with nlink > 0 of any type but directories, before anything
 * else: true in *done when it is made as another name of what an earlier call
 * named, or will be as soon as that is complete.  Else this is the first of
 * its group, to be restored as usual; and must be, or be given to
 * target_link_forget().
 */
int target_link(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, bool *done, struct err *e) ATTR_CHECKED;

/* The first of a group could not be restored: the next one is the first. */
void target_link_forget(struct target *t, const struct entry *ent);

enum target_todo {
	TARGET_WRITE,   /* write the content to fd; holes may be left out */
	TARGET_COMPARE, /* fd has an old content of the same size: if it is
	                   the right one, go on; else target_file_rewrite() */
	TARGET_KEEP,    /* the content is right */
	TARGET_SKIP,    /* leave it alone */
};

/* A file on its way; whatever the todo, target_file_end() ends it. */
struct target_file {
	int fd;
	enum target_todo todo;

	/* Not for callers. */
	struct target *target;
	const struct entry *entry; /* borrowed until the end */
	uint8_t *key;
	size_t key_len;
	int dirfd; /* of the temporary file; or -1 */
	char *name;
	char temp[32]; /* its name; empty: written in place */
	bool made;     /* by us, under its own name */
};

int target_file_begin(struct target_cursor *c, const void *key, size_t len,
    const struct entry *ent, struct target_file *f, struct err *e) ATTR_CHECKED;

/* The old content is wrong: afterwards todo is TARGET_WRITE or TARGET_SKIP. */
int target_file_rewrite(struct target_file *f, struct err *e) ATTR_CHECKED;

/*
 * Cut the file to its size, give it its metadata and its name.  With ok
 * false, or when this fails, what was written is removed and what was there
 * before stays.  Releases f.
 */
int target_file_end(struct target_file *f, const void *xattrs,
    size_t xattrs_len, bool ok, struct err *e) ATTR_CHECKED;

#endif
