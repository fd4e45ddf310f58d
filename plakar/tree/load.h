/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * load: one tree node in memory, its items found by number.
 */
#ifndef PLAKAR_TREE_LOAD_H
#define PLAKAR_TREE_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"
#include "plakar/format/chunkio.h"
#include "plakar/format/node.h"

struct err;

/* "= {0}" is a loaded node without items. */
struct loaded_node {
	uint8_t level;
	size_t count;
	struct node_item *items; /* borrow from the two bufs */
	size_t items_cap;
	struct buf raw;
	struct buf keys;
};

/* Replace the content of node by the chunk id; errors name the node. */
int loaded_node_get(struct loaded_node *node, const struct chunk_source *source,
    const struct chunk_id *id, struct err *e) ATTR_CHECKED;
void loaded_node_free(struct loaded_node *node);

/* Number of the first item whose key is not below key; may be count. */
size_t loaded_node_lower_bound(
    const struct loaded_node *node, const uint8_t *key, size_t key_len);

#endif
