/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store: where a repository's objects live.  It puts, gets, lists and deletes
 * named sequences of bytes, and knows nothing of what they mean.
 *
 * Names:   "config", or "KIND/ID": ID is 64 lower-case hexadecimal digits.
 *          Every function refuses anything else (ERR_USAGE).
 * Objects: written once.  A put of a name that exists puts the same bytes
 *          (an ID is their hash) and may replace them; "config" alone is
 *          never replaced (ERR_EXISTS).
 * Order:   an object appears, whole, when its put is committed.  It is sure
 *          to survive a crash only after the next store_sync() has returned.
 *          So: commit packs, sync, commit index segments, sync, commit the
 *          snapshot, sync, and only then say that it is saved.
 * Threads: all functions may be called by several threads at once, but for
 *          store_close(), and one put is one thread's at a time.  Several
 *          processes, on several machines, may use a store at once.
 * Errors:  ERR_NOT_FOUND: no such object.  ERR_SYSTEM: the system's words,
 *          after "disk full: " or "quota exceeded: " where that is the case.
 *          Others as noted.  An error names the object or the path.
 */
#ifndef PLAKAR_STORE_STORE_H
#define PLAKAR_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define STORE_NAME_MAX 80 /* no name is longer, with its NUL */

struct buf;
struct err;
struct store;
struct store_put;

enum store_kind {
	STORE_CONFIG,
	STORE_DATA,
	STORE_INDEX,
	STORE_KEYS,
	STORE_LOCKS,
	STORE_SNAPSHOTS,
};

#define STORE_KINDS 6

/* "config", "data", "index" ... */
const char *store_kind_name(enum store_kind kind);

/* Whether name is one that a store takes, and of which kind. */
bool store_name_parse(const char *name, enum store_kind *kind) ATTR_CHECKED;

/*
 * A store that holds a repository: a path, or file:///path.
 * ERR_NOT_FOUND: nothing there.  ERR_UNSUPPORTED: a scheme that this build
 * lacks.  ERR_USAGE: no location at all.  *out is the caller's to close.
 */
int store_open(
    const char *location, struct store **out, struct err *e) ATTR_CHECKED;

/*
 * An empty store, ready for a new repository; on a disk, the directory is
 * made or may be empty.  ERR_EXISTS: a repository, or something else, is
 * there.  What an interrupted store_create() left is taken over.
 */
int store_create(
    const char *location, struct store **out, struct err *e) ATTR_CHECKED;

/* NULL is allowed.  All puts must have ended. */
void store_close(struct store *s);

/* As given, for messages.  Borrowed. */
const char *store_location(const struct store *s);

/* The directory that holds it; NULL: none of this machine.  Borrowed. */
const char *store_path(const struct store *s);

/*
 * Put an object whose name is known only once all its bytes are: begin, write
 * any number of times, then commit or abort, which both end the put whatever
 * they return.  After a failed write, only abort.
 */
int store_put_begin(
    struct store *s, struct store_put **out, struct err *e) ATTR_CHECKED;
int store_put_write(struct store_put *p, const void *data, size_t len,
    struct err *e) ATTR_CHECKED;
int store_put_commit(
    struct store_put *p, const char *name, struct err *e) ATTR_CHECKED;
void store_put_abort(struct store_put *p);

/* All of it in one call. */
int store_put(struct store *s, const char *name, const void *data, size_t len,
    struct err *e) ATTR_CHECKED;

/* Make every put and delete that has returned survive a crash. */
int store_sync(struct store *s, struct err *e) ATTR_CHECKED;

/* Append the whole object to out.  ERR_LIMIT: more than max bytes. */
int store_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e) ATTR_CHECKED;

/* Exactly len bytes from offset on.  ERR_CORRUPT: the object is shorter. */
int store_get_range(struct store *s, const char *name, uint64_t offset,
    size_t len, void *dst, struct err *e) ATTR_CHECKED;

int store_size(struct store *s, const char *name, uint64_t *size,
    struct err *e) ATTR_CHECKED;
int store_exists(struct store *s, const char *name, bool *exists,
    struct err *e) ATTR_CHECKED;

/* Called for each object: -1, with *e filled in, ends the listing. */
typedef int (*store_list_cb)(
    void *arg, const char *name, uint64_t size, struct err *e);

/*
 * All objects of a kind, in no particular order.  One that is put or deleted
 * meanwhile may be told or not.  Fails as cb does.
 */
int store_list(struct store *s, enum store_kind kind, store_list_cb cb,
    void *arg, struct err *e) ATTR_CHECKED;

int store_delete(struct store *s, const char *name, struct err *e) ATTR_CHECKED;

#endif
