/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * builder: makes the tree of entries of a snapshot, in one pass over entries
 * in ascending order of key, holding one node a level in memory.
 *
 * Source: doc/formats/plakar-repository.md, section 8; the structure is that
 *         of a prolly tree: equal content gives equal nodes.
 */
#ifndef PLAKAR_TREE_BUILDER_H
#define PLAKAR_TREE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/chunkio.h"
#include "plakar/format/node.h"

struct err;
struct tree_builder;

struct tree_root {
	bool empty; /* no entries, no id */
	struct chunk_id id;
	struct node_sums sums;
};

/* boundary_key: NODE_BOUNDARY_KEY bytes, borrowed for the builder's life. */
struct tree_builder *tree_builder_new(
    const struct chunk_sink *sink, const uint8_t *boundary_key);
void tree_builder_free(struct tree_builder *tb);

/* Add one entry; sums are what this entry alone adds. */
int tree_builder_add(struct tree_builder *tb, const uint8_t *key,
    size_t key_len, const uint8_t *entry, size_t entry_len,
    const struct node_sums *sums, struct err *e) ATTR_CHECKED;

/*
 * The tree of what was added so far.  More can be added afterwards: a push
 * leaves partial snapshots on its way.
 */
int tree_builder_root(struct tree_builder *tb, struct tree_root *root,
    struct err *e) ATTR_CHECKED;

#endif
