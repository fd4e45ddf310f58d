/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * walk: everything below some roots, in the order of a tree's keys.
 *
 * A directory is listed, its entries are given sorted by name, then its
 * subdirectories are entered in that order.  The directories above a root are
 * given too, without what else is in them.  Names are any bytes, paths as
 * long as keys can be; nothing but names relative to a directory's descriptor
 * is given to the system, and no symbolic link is followed.
 *
 * Memory:  the names of the directory being listed; of each directory on the
 *          way down, the names of the subdirectories still to be entered.
 * Descriptors: at most WALK_OPEN_MAX.
 * Errors:  what can't be read is an item that says so; the walk goes on.
 * Threads: one walk, one thread.  What an item borrows lasts until the next
 *          call.
 */
#ifndef PLAKAR_WALK_WALK_H
#define PLAKAR_WALK_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/attr.h"

#define WALK_OPEN_MAX    100

#define WALK_IGNORE_NAME ".plakarignore"
#define WALK_IGNORE_MAX  (1024 * 1024) /* bytes of such a file */

struct err;
struct exclude;
struct walk;

struct walk_options {
	/* Patterns of the command line, borrowed; NULL for none. */
	const struct exclude *excludes;
	bool ignore_files;   /* heed WALK_IGNORE_NAME in directories */
	bool exclude_caches; /* of a directory with a CACHEDIR.TAG, only that */
	bool one_file_system; /* don't enter what is mounted below a root */
	uint64_t larger_than; /* leave out files above this size; 0: none */
};

enum walk_kind {
	WALK_ENTRY,
	/*
	 * No entry, and not in key order: something that could not be looked
	 * at, or a directory, given as an entry before, that could not be
	 * entered (or not wholly listed) when its turn came.
	 */
	WALK_PROBLEM,
};

struct walk_item {
	enum walk_kind kind;
	const char *path; /* absolute, zero-terminated */
	size_t path_len;
	/* Why it could not be read ("cannot open: Permission denied"). */
	const char *problem; /* NULL for an entry that is well */
	bool vanished;       /* the problem is that it is gone by now */

	/* Entries only. */
	const uint8_t *key;
	size_t key_len;
	int dirfd; /* the entry is name, relative to this */
	const char *name;
	int fd;          /* of a directory, open for reading; or -1 */
	struct statx st; /* basic statistics, and the birth time if known */
	/*
	 * A directory of which not everything is given: it is only on the way
	 * to a root, or a mount point not entered, or a cache.
	 */
	bool recorded_only;
	bool above_root; /* only on the way to a root */
};

/*
 * Start a walk of n roots, paths as a person typed them; at least one.
 * A root that can't be found is the walk's first item, a problem.
 */
int walk_open(const char *const *roots, size_t n,
    const struct walk_options *options, struct walk **out,
    struct err *e) ATTR_CHECKED;

/* NULL is allowed. */
void walk_close(struct walk *w);

/* The roots as absolute paths: the i-th, borrowed, or NULL after the last. */
const char *walk_root(const struct walk *w, size_t i);

/* The next item; false at the end. */
bool walk_next(struct walk *w, struct walk_item *item);

/* How many files and directories were left out so far. */
uint64_t walk_excluded(const struct walk *w);

#endif
