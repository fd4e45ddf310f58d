/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * What the files of this room share: the target itself, the way from a key
 * to a directory's descriptor and a name, and how metadata is given.
 */
#ifndef PLAKAR_RESTORE_TARGET_INTERNAL_H
#define PLAKAR_RESTORE_TARGET_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "plakar/restore/links.h"
#include "plakar/restore/target.h"
#include "plakar/walk/descent.h"

#define TEMP_LEN 32

struct target {
	struct target_options options;
	int fd;        /* -1: a dry run into a directory that is not there */
	bool existing; /* something may be in our way */
	bool clean;    /* new files may inherit attributes: remove those */
	bool privileged;
	uid_t uid;
	gid_t *groups; /* that we are in */
	size_t n_groups;
	atomic_uint_fast64_t counts[TARGET_COUNTS];

	/* Hard links: the lock holds for both. */
	pthread_mutex_t lock;
	struct links links;
	struct target_cursor *source;
};

struct target_cursor {
	struct target *target;
	struct descent at;
	struct buf name; /* of the entry last gone to */
};

/* Where an entry goes: name relative to dirfd, both borrowed. */
struct place {
	int dirfd; /* -1: in a dry run, the directory is not there either */
	const char *name;
};

/* Count something, and tell of it if it is about a path. */
void target_note(
    struct target *t, enum target_count what, const void *key, size_t len);
void target_lose(struct target *t, enum target_count what);

/* Whether a key can be that of something else than a directory. */
int check_below(size_t len, struct err *e) ATTR_CHECKED;

/* Find the place of a key; the empty key's is ".". */
int cursor_go(struct target_cursor *c, const void *key, size_t len,
    struct place *at, struct err *e) ATTR_CHECKED;

/* A name for a temporary file that nothing has. */
void temp_name(char name[TEMP_LEN]);

/*
 * Take away a file, link or other, or a directory with all that is in it but
 * what is mounted there.  Fails on the first thing that can't be removed.
 */
int remove_tree(int dirfd, const char *name, struct err *e) ATTR_CHECKED;

/*
 * Make room for something that is no directory: remove a directory if it is
 * empty, or whatever is in it with --delete.
 */
int clear_way(
    struct target *t, const struct place *at, struct err *e) ATTR_CHECKED;

/* rename(2) that also gets past append-only and immutable files. */
int rename_over(struct target *t, const struct place *at, const char *temp,
    struct err *e) ATTR_CHECKED;

/* Owner, attributes, mode and times of a file or directory open as fd. */
void apply_to_fd(struct target *t, int fd, const struct entry *ent,
    const void *xattrs, size_t xattrs_len);

/* The same of anything else; flags it has none. */
void apply_to_name(struct target *t, const struct place *at,
    const struct entry *ent, const void *xattrs, size_t xattrs_len);

/* Inode flags: the last that is done, since they can forbid the rest. */
void apply_flags(struct target *t, int fd, const struct entry *ent);

/* Those flags that work only when set on something empty. */
void apply_early_flags(int fd, const struct entry *ent);

/* Take off the flags that forbid changes.  Returns those it was set to. */
int unlock_flags(int fd);

/*
 * The entry with this key is complete, or could not be restored.  If it is
 * the first of a group of hard links: make those that waited for it.
 */
int links_settle(struct target *t, const struct entry *ent, const void *key,
    size_t len, bool ok, struct err *e) ATTR_CHECKED;

/* The mode to make something with, which spares setting it later. */
mode_t first_mode(const struct target *t, const struct entry *ent);

#endif
