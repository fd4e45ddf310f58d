/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * descent: a directory, reached from a base one component at a time.
 *
 * However deep it is, no path is ever given to the system and only a bounded
 * number of descriptors is open: the base's and the deepest ones.  A
 * directory whose descriptor was given up is opened again through ".." of
 * one below it, or from the base, and must be the same one (device and
 * inode).  A symbolic link is never followed.
 *
 * Errors:  errno, since these are thin wrappers; -1 leaves d as it was.
 * Threads: one at a time.
 */
#ifndef PLAKAR_WALK_DESCENT_H
#define PLAKAR_WALK_DESCENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/attr.h"
#include "lib/buf.h"

#define DESCENT_OPEN_MAX 34 /* descriptors that one descent keeps open */

struct descent_level {
	int fd;    /* or -1: given up, and then: */
	dev_t dev; /* which directory it was */
	ino_t ino;
	size_t stem_len; /* of this directory */
};

struct descent {
	struct descent_level *levels; /* levels[0] is the base */
	size_t cap;
	size_t depth;    /* components below the base */
	struct buf stem; /* components, each followed by a zero byte */
};

/* Start at the directory open as fd, which d takes. */
void descent_init(struct descent *d, int fd);

void descent_clear(struct descent *d);

/*
 * Go into the subdirectory name.  fd is it, opened already and taken even on
 * failure, or -1 to have it opened (without asking for leave to read it).
 */
int descent_enter(struct descent *d, const char *name, int fd) ATTR_CHECKED;

/* Go up to the directory of that depth, at most the present one. */
void descent_leave(struct descent *d, size_t depth);

/*
 * The present directory, borrowed; good as the start of other calls, not for
 * reading unless it was opened so.  ESTALE: it is no longer where it was.
 */
int descent_fd(struct descent *d) ATTR_CHECKED;

#endif
