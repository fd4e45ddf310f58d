/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * index: where every chunk of a repository is.
 *
 * The index segments of the store, kept locally as a few sorted, mapped runs
 * in a cache folder: memory does not grow with the repository, and losing the
 * folder costs only the time to read the segments again.  Runs are merged as
 * they become many, so that a look-up asks few of them.
 *
 * Threads: index_find() may run in several threads beside one index_add().
 */
#ifndef PLAKAR_INDEX_INDEX_H
#define PLAKAR_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"

struct err;
struct index;
struct segment;

/* A place where a chunk is stored. */
struct index_place {
	struct object_name pack;
	enum chunk_class class;
	uint32_t offset; /* of the block in the pack */
	uint32_t len;    /* of the block there: head, sealed bytes, tag */
	uint16_t slot;
};

/* What the index knows of a pack. */
struct index_pack {
	struct object_name name;
	enum chunk_class class;
	uint32_t size;
	uint32_t blocks;
	const uint32_t *offsets; /* blocks + 1 of them; borrowed */
};

/*
 * Open the cache folder dir, which is made if missing.  Runs in it that hold
 * segments other than the n named ones are deleted: those segments are gone.
 */
int index_open(const char *dir, const struct object_name *names, size_t n,
    struct index **out, struct err *e) ATTR_CHECKED;
void index_close(struct index *ix);

/* Whether the rows of the segment object name are in ix. */
bool index_covers(const struct index *ix, const struct object_name *name);

/* Take the rows of seg, the content of the segment object name, into ix. */
int index_add(struct index *ix, const struct segment *seg,
    const struct object_name *name, struct err *e) ATTR_CHECKED;

/* Where id is; false when no segment has it. */
bool index_find(
    struct index *ix, const struct chunk_id *id, struct index_place *place);
bool index_has(struct index *ix, const struct chunk_id *id);

/* Number of rows; equal ids count each. */
uint64_t index_rows(struct index *ix);

/* Call pack_cb for each pack; -1 from it ends the walk. */
typedef int (*index_pack_cb)(
    void *ctx, const struct index_pack *pack, struct err *e);
int index_each_pack(struct index *ix, index_pack_cb pack_cb, void *ctx,
    struct err *e) ATTR_CHECKED;

#endif
