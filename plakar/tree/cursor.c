/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/tree/load.h"

#include "plakar/tree/cursor.h"

/*
 * The path from the root to a leaf.  In each node, "at" is the number of the
 * item that lies after the cursor; in inner nodes, of the child entered.
 */
struct step {
	struct loaded_node node;
	size_t at;
};

struct tree_cursor {
	struct chunk_source source;
	struct chunk_id root;
	bool empty;
	bool placed; /* steps[0..depth) are loaded */
	size_t depth;
	struct step steps[NODE_LEVELS];
};

struct tree_cursor *
tree_cursor_new(const struct chunk_source *source, const struct chunk_id *root)
{
	struct tree_cursor *tc = xcalloc(1, sizeof(*tc));

	tc->source = *source;
	tc->empty = root == NULL;
	if (root != NULL)
		tc->root = *root;
	return tc;
}

void
tree_cursor_free(struct tree_cursor *tc)
{
	if (tc == NULL)
		return;
	for (size_t i = 0; i < NODE_LEVELS; i++)
		loaded_node_free(&tc->steps[i].node);
	free(tc);
}

/* Load the node that belongs at this depth; levels must go down by one. */
static int
load(struct tree_cursor *tc, size_t depth, const struct chunk_id *id,
    struct err *e)
{
	struct step *step = &tc->steps[depth];

	if (loaded_node_get(&step->node, &tc->source, id, e) == -1)
		return -1;
	if (depth > 0 &&
	    step->node.level + 1 != tc->steps[depth - 1].node.level) {
		err_set(e, ERR_CORRUPT, "tree node at the wrong level");
		return -1;
	}
	tc->depth = depth + 1;
	return 0;
}

enum side {
	FIRST,
	LAST,
};

/* From the node at the end of the path down to a leaf, along one side. */
static int
descend(struct tree_cursor *tc, enum side side, struct err *e)
{
	struct step *step = &tc->steps[tc->depth - 1];

	while (step->node.level > 0) {
		step->at = side == FIRST ? 0 : step->node.count - 1;
		if (load(tc, tc->depth, &step->node.items[step->at].child, e) ==
		    -1)
			return -1;
		step = &tc->steps[tc->depth - 1];
	}
	step->at = side == FIRST ? 0 : step->node.count;
	return 0;
}

static int
place(struct tree_cursor *tc, enum side side, struct err *e)
{
	tc->placed = false;
	tc->depth = 0;
	if (load(tc, 0, &tc->root, e) == -1 || descend(tc, side, e) == -1)
		return -1;
	tc->placed = true;
	return 0;
}

int
tree_cursor_end(struct tree_cursor *tc, struct err *e)
{
	return tc->empty ? 0 : place(tc, LAST, e);
}

int
tree_cursor_seek(
    struct tree_cursor *tc, const uint8_t *key, size_t key_len, struct err *e)
{
	struct step *step;

	if (tc->empty)
		return 0;
	tc->placed = false;
	if (load(tc, 0, &tc->root, e) == -1)
		return -1;
	for (;;) {
		step = &tc->steps[tc->depth - 1];
		step->at = loaded_node_lower_bound(&step->node, key, key_len);
		if (step->node.level == 0)
			break;
		/* The key lies below the last child that begins at or before
		 * it, if it lies anywhere. */
		if (step->at == step->node.count ||
		    node_key_compare(step->node.items[step->at].key,
			step->node.items[step->at].key_len, key, key_len) > 0)
			step->at -= step->at > 0 ? 1 : 0;
		if (load(tc, tc->depth, &step->node.items[step->at].child, e) ==
		    -1)
			return -1;
	}
	tc->placed = true;
	return 0;
}

/* Move to the leaf after or before the one that the cursor is in. */
static int
next_leaf(struct tree_cursor *tc, enum side come_in, struct err *e)
{
	size_t depth = tc->depth - 1;

	while (depth > 0) {
		struct step *up = &tc->steps[depth - 1];

		if (come_in == FIRST ? up->at + 1 < up->node.count :
				       up->at > 0) {
			up->at += come_in == FIRST ? 1 : (size_t)-1;
			if (load(tc, depth, &up->node.items[up->at].child, e) ==
				-1 ||
			    descend(tc, come_in, e) == -1)
				return -1;
			return 1;
		}
		depth--;
	}
	return 0;
}

int
tree_cursor_next(struct tree_cursor *tc, struct node_item *item, struct err *e)
{
	struct step *leaf;
	int more;

	if (tc->empty)
		return 0;
	if (!tc->placed && place(tc, FIRST, e) == -1)
		return -1;
	leaf = &tc->steps[tc->depth - 1];
	if (leaf->at == leaf->node.count) {
		more = next_leaf(tc, FIRST, e);
		if (more != 1)
			return more;
		leaf = &tc->steps[tc->depth - 1];
	}
	*item = leaf->node.items[leaf->at++];
	return 1;
}

int
tree_cursor_prev(struct tree_cursor *tc, struct node_item *item, struct err *e)
{
	struct step *leaf;
	int more;

	if (tc->empty || !tc->placed)
		return 0;
	leaf = &tc->steps[tc->depth - 1];
	if (leaf->at == 0) {
		more = next_leaf(tc, LAST, e);
		if (more != 1)
			return more;
		leaf = &tc->steps[tc->depth - 1];
	}
	*item = leaf->node.items[--leaf->at];
	return 1;
}

int
tree_cursor_find(struct tree_cursor *tc, const uint8_t *key, size_t key_len,
    struct node_item *item, struct err *e)
{
	int got;

	if (tree_cursor_seek(tc, key, key_len, e) == -1)
		return -1;
	got = tree_cursor_next(tc, item, e);
	if (got == 1 &&
	    node_key_compare(item->key, item->key_len, key, key_len) != 0)
		got = 0;
	return got;
}
