/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/format/entry.h"

#include "plakar/content/builder.h"

/* The open node of a level. */
struct level {
	struct buf items;
	size_t count;
	uint64_t len;         /* bytes of the file in this node */
	struct chunk_id last; /* child of the last item */
	size_t closed;        /* nodes of this level so far */
	bool full;            /* to be closed before another item */
};

struct content_builder {
	struct chunk_sink sink;
	struct level levels[CONTENT_LEVELS];
	struct buf encoded;
	uint64_t len;
};

struct content_builder *
content_builder_new(const struct chunk_sink *sink)
{
	struct content_builder *cb = xcalloc(1, sizeof(*cb));

	cb->sink = *sink;
	return cb;
}

void
content_builder_free(struct content_builder *cb)
{
	if (cb == NULL)
		return;
	for (size_t i = 0; i < CONTENT_LEVELS; i++)
		buf_free(&cb->levels[i].items);
	buf_free(&cb->encoded);
	free(cb);
}

static int add_child(struct content_builder *cb, uint8_t at,
    const struct content_child *child, struct err *e);

static int
close_node(struct content_builder *cb, uint8_t at, struct err *e)
{
	struct level *level = &cb->levels[at];
	struct content_child up = { .len = level->len };

	if (at + 1 == CONTENT_LEVELS) {
		err_set(e, ERR_LIMIT, "content of more than %u levels",
		    CONTENT_LEVELS);
		return -1;
	}
	buf_reset(&cb->encoded);
	content_node_head(&cb->encoded, at, level->count);
	buf_add(&cb->encoded, level->items.data, level->items.len);
	buf_reset(&level->items);
	level->count = 0;
	level->len = 0;
	level->closed++;
	level->full = false;
	if (cb->sink.put(cb->sink.ctx, CHUNK_CONTENT, cb->encoded.data,
		cb->encoded.len, &up.id, e) == -1)
		return -1;
	return add_child(cb, at + 1, &up, e);
}

/* Make way for an item of a level. */
static int
close_full(struct content_builder *cb, uint8_t at, struct err *e)
{
	return cb->levels[at].full ? close_node(cb, at, e) : 0;
}

static void
added(struct level *level, uint64_t len, bool boundary)
{
	level->len += len;
	level->count++;
	level->full = boundary || level->count == CONTENT_NODE_ITEMS;
}

static int
add_child(struct content_builder *cb, uint8_t at,
    const struct content_child *child, struct err *e)
{
	struct level *level = &cb->levels[at];

	if (close_full(cb, at, e) == -1)
		return -1;
	content_child_put(&level->items, child);
	level->last = child->id;
	added(level, child->len, content_boundary(&child->id));
	return 0;
}

int
content_builder_add(
    struct content_builder *cb, const struct content_item *item, struct err *e)
{
	struct level *leaf = &cb->levels[0];

	if (close_full(cb, 0, e) == -1)
		return -1;
	content_put(&leaf->items, item);
	cb->len += item->len;
	/* What fits into an entry as a list stays one. */
	added(leaf, item->len,
	    !item->hole && leaf->count >= ENTRY_LIST_MAX &&
		content_boundary(&item->id));
	return 0;
}

/* Close all open nodes upwards, until one node is alone on its level. */
static int
close_all(struct content_builder *cb, struct chunk_id *root, struct err *e)
{
	for (uint8_t at = 0; at + 1 < CONTENT_LEVELS; at++) {
		struct level *level = &cb->levels[at];

		if (level->count > 0 && close_node(cb, at, e) == -1)
			return -1;
		if (level->closed == 1) {
			*root = cb->levels[at + 1].last;
			return 0;
		}
	}
	err_set(e, ERR_LIMIT, "content of more than %u levels", CONTENT_LEVELS);
	return -1;
}

int
content_builder_finish(
    struct content_builder *cb, struct entry *ent, struct err *e)
{
	struct level *leaf = &cb->levels[0];

	ent->size = cb->len;
	if (cb->len == 0) {
		ent->content_kind = ENTRY_CONTENT_NONE;
		return 0;
	}
	if (leaf->closed == 0 && leaf->count <= ENTRY_LIST_MAX) {
		ent->content_kind = ENTRY_CONTENT_LIST;
		ent->content = leaf->items.data;
		ent->content_len = leaf->items.len;
		return 0;
	}
	ent->content_kind = ENTRY_CONTENT_TREE;
	return close_all(cb, &ent->content_id, e);
}
