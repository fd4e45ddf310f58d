/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ring: entries between the walk, which finds them in order, and the tree,
 * which needs them in that order; workers fill them in meanwhile, in any.
 *
 * Bounded in number and bytes: the walk waits when the oldest is not done.
 *
 * Threads: ring_add(), ring_take() are the walking thread's alone;
 *          pending_done() any thread's, once for each pending.
 */
#ifndef PLAKAR_PUSH_RING_H
#define PLAKAR_PUSH_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "plakar/format/entry.h"
#include "plakar/format/node.h"

struct dirref;
struct ring;

/* One entry on its way. */
struct pending {
	struct buf key;
	struct buf encoded; /* the entry, when done */
	struct node_sums sums;
	bool dropped; /* done, but not to be in the tree: it vanished */

	/* While its content is being read. */
	char *path;
	const char *name; /* in path */
	struct dirref *dir;
	struct statx st;
	struct entry entry;
	struct buf storage; /* what entry borrows */
	char *problem;      /* why content could not be read, or NULL */
	atomic_uint_fast64_t counted; /* bytes of it that progress knows of */

	bool done; /* guarded by the ring */
};

struct ring *ring_new(void);
void ring_free(struct ring *r);

/* Whether another key of key_len bytes fits now. */
bool ring_has_room(const struct ring *r, size_t key_len);

/* A new last pending, owned by the ring; its key is set. */
struct pending *ring_add(struct ring *r, const void *key, size_t key_len);

void pending_done(struct ring *r, struct pending *p);

/*
 * The oldest pending, if it is done (with wait: when it is done); NULL when
 * it is not, or when there is none.  Borrowed until ring_drop().
 */
struct pending *ring_first(struct ring *r, bool wait);

/* Wake up a waiting ring_first(), which then gives NULL: all is lost. */
void ring_wake(struct ring *r);

bool ring_empty(const struct ring *r);

/* Forget the oldest. */
void ring_drop(struct ring *r);

/* A directory's descriptor, kept open while pendings need it. */
struct dirref *dirref_new(int dirfd);
struct dirref *dirref_ref(struct dirref *d);
void dirref_unref(struct dirref *d);
int dirref_fd(const struct dirref *d);

#endif
