/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * check_internal: what the files of this room say to each other.
 */
#ifndef PLAKAR_CHECK_CHECK_INTERNAL_H
#define PLAKAR_CHECK_CHECK_INTERNAL_H

#include <pthread.h>
#include <stddef.h>

#include "plakar/check/check.h"
#include "plakar/format/ids.h"

/* Blocks that can't be read, ascending once sorted. */
struct bad_block {
	struct object_name pack;
	uint32_t offset;
};

struct bad_blocks {
	struct bad_block *list;
	size_t count;
};

/* An object of the store, as it was listed. */
struct listed {
	struct object_name name;
	uint64_t size;
};

struct listing {
	struct listed *items; /* ascending by name */
	size_t count;
};

struct check_shared {
	struct repo *repo; /* NULL: keyless */
	struct store *store;
	const struct check_options *options;
	struct check_counters *counters;
	pthread_mutex_t lock; /* of reports, and of bad */
	struct bad_blocks bad;
};

/* Report a problem with an object, and count it. */
void check_object_problem(
    struct check_shared *shared, const char *name, const char *text);
bool check_stopped(const struct check_shared *shared);

void bad_blocks_sort(struct bad_blocks *bad);
bool bad_blocks_has(const struct bad_blocks *bad,
    const struct object_name *pack, uint32_t offset);

/* packs.c: read every pack of the index; note the blocks that are bad. */
int check_packs(struct check_shared *shared, struct err *e) ATTR_CHECKED;

/* objects.c: hash the objects of a kind. */
int check_objects(struct check_shared *shared, struct err *e) ATTR_CHECKED;

/* All objects of a kind.  kind is an enum store_kind. */
int listing_load(struct store *store, int kind, struct listing *out,
    struct err *e) ATTR_CHECKED;
void listing_free(struct listing *l);
const struct listed *listing_find(
    const struct listing *l, const struct object_name *name);

/* trees.c: walk the snapshots' trees. */
int check_trees(struct check_shared *shared, struct err *e) ATTR_CHECKED;

/* Run work in threads, as many as options say, until all have ended. */
int check_threads(struct check_shared *shared, void *(*work)(void *), void *arg,
    struct err *e) ATTR_CHECKED;

#endif
