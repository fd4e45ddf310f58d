/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/tree/builder.h"

/* The open node of a level. */
struct level {
	struct node_writer node;
	struct buf first_key;
	struct node_sums sums;
	struct chunk_id last_child; /* of the last item, in inner levels */
	size_t closed;              /* nodes of this level so far */
	bool full;                  /* to be closed before another item */
};

struct tree_builder {
	struct chunk_sink sink;
	const uint8_t *boundary_key;
	struct level levels[NODE_LEVELS];
	struct node_sums sums;
	struct buf encoded;
};

static int add_item(struct tree_builder *tb, uint8_t at,
    const struct node_item *item, const struct node_sums *sums, struct err *e);

struct tree_builder *
tree_builder_new(const struct chunk_sink *sink, const uint8_t *boundary_key)
{
	struct tree_builder *tb = xcalloc(1, sizeof(*tb));

	tb->sink = *sink;
	tb->boundary_key = boundary_key;
	for (uint8_t i = 0; i < NODE_LEVELS; i++)
		tb->levels[i].node.level = i;
	return tb;
}

void
tree_builder_free(struct tree_builder *tb)
{
	if (tb == NULL)
		return;
	for (uint8_t i = 0; i < NODE_LEVELS; i++) {
		node_writer_free(&tb->levels[i].node);
		buf_free(&tb->levels[i].first_key);
	}
	buf_free(&tb->encoded);
	free(tb);
}

/* Store the open node of a level and hang it into the level above. */
static int
close_node(struct tree_builder *tb, uint8_t at, struct err *e)
{
	struct level *level = &tb->levels[at];
	struct node_sums sums = level->sums;
	struct node_item up = { 0 };

	if (at + 1 == NODE_LEVELS) {
		err_set(
		    e, ERR_LIMIT, "tree of more than %u levels", NODE_LEVELS);
		return -1;
	}
	buf_reset(&tb->encoded);
	node_writer_finish(&level->node, &tb->encoded);
	level->sums = (struct node_sums){ 0 };
	level->closed++;
	level->full = false;
	if (tb->sink.put(tb->sink.ctx, CHUNK_TREE, tb->encoded.data,
		tb->encoded.len, &up.child, e) == -1)
		return -1;
	up.key = level->first_key.data;
	up.key_len = level->first_key.len;
	up.sums = sums;
	return add_item(tb, at + 1, &up, &sums, e);
}

static int
add_item(struct tree_builder *tb, uint8_t at, const struct node_item *item,
    const struct node_sums *sums, struct err *e)
{
	struct level *level = &tb->levels[at];

	if (level->node.count > 0 &&
	    (level->full || !node_writer_fits(&level->node, item)) &&
	    close_node(tb, at, e) == -1)
		return -1;
	if (level->node.count == 0) {
		buf_reset(&level->first_key);
		buf_reserve(&level->first_key, 1);
		buf_add(&level->first_key, item->key, item->key_len);
	}
	node_writer_add(&level->node, item);
	node_sums_add(&level->sums, sums);
	level->last_child = item->child;
	level->full = node_boundary(tb->boundary_key, at, item);
	return 0;
}

int
tree_builder_add(struct tree_builder *tb, const uint8_t *key, size_t key_len,
    const uint8_t *entry, size_t entry_len, const struct node_sums *sums,
    struct err *e)
{
	struct node_item item = { .key = key,
		.key_len = key_len,
		.entry = entry,
		.entry_len = entry_len };

	node_sums_add(&tb->sums, sums);
	return add_item(tb, 0, &item, sums, e);
}

static void
copy_buf(struct buf *to, const struct buf *from)
{
	buf_reserve(to, 1);
	buf_add(to, from->data, from->len);
}

/* A copy of tb whose open nodes can be closed without touching tb's. */
static struct tree_builder *
clone(const struct tree_builder *tb)
{
	struct tree_builder *copy =
	    tree_builder_new(&tb->sink, tb->boundary_key);

	copy->sums = tb->sums;
	for (uint8_t i = 0; i < NODE_LEVELS; i++) {
		const struct level *from = &tb->levels[i];
		struct level *to = &copy->levels[i];

		*to = *from;
		to->node.items = (struct buf){ 0 };
		to->node.last_key = (struct buf){ 0 };
		to->first_key = (struct buf){ 0 };
		copy_buf(&to->node.items, &from->node.items);
		copy_buf(&to->node.last_key, &from->node.last_key);
		copy_buf(&to->first_key, &from->first_key);
	}
	return copy;
}

/* Close all open nodes upwards, until one node is alone on its level. */
static int
close_all(struct tree_builder *tb, struct chunk_id *root, struct err *e)
{
	for (uint8_t at = 0; at + 1 < NODE_LEVELS; at++) {
		struct level *level = &tb->levels[at];

		if (level->node.count > 0 && close_node(tb, at, e) == -1)
			return -1;
		if (level->closed == 1) {
			*root = tb->levels[at + 1].last_child;
			return 0;
		}
	}
	err_set(e, ERR_LIMIT, "tree of more than %u levels", NODE_LEVELS);
	return -1;
}

int
tree_builder_root(
    struct tree_builder *tb, struct tree_root *root, struct err *e)
{
	struct tree_builder *copy;
	int rc;

	*root = (struct tree_root){ .sums = tb->sums };
	root->empty = tb->sums.dirs + tb->sums.others == 0;
	if (root->empty)
		return 0;
	copy = clone(tb);
	rc = close_all(copy, &root->id, e);
	tree_builder_free(copy);
	return rc;
}
