/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/hex.h"
#include "lib/mem.h"

#include "plakar/tree/load.h"

static void
add_item(struct loaded_node *node, const struct node_item *item)
{
	if (node->count == node->items_cap) {
		node->items_cap = node->items_cap * 2 + 64;
		node->items = xreallocarray(
		    node->items, node->items_cap, sizeof(*node->items));
	}
	node->items[node->count] = *item;
	/* An offset for now: the buffer of keys may still move. */
	node->items[node->count].key = NULL;
	buf_add(&node->keys, item->key, item->key_len);
	node->count++;
}

static int
decode(struct loaded_node *node, struct err *e)
{
	struct node_reader reader;
	struct node_item item;
	const uint8_t *key;
	int got;

	if (node_reader_open(&reader, node->raw.data, node->raw.len, e) == -1)
		return -1;
	node->level = reader.level;
	while ((got = node_reader_next(&reader, &item, e)) == 1)
		add_item(node, &item);
	node_reader_free(&reader);
	if (got == -1)
		return -1;

	buf_reserve(&node->keys, 1);
	key = node->keys.data;
	for (size_t i = 0; i < node->count; i++) {
		node->items[i].key = key;
		key += node->items[i].key_len;
	}
	return 0;
}

int
loaded_node_get(struct loaded_node *node, const struct chunk_source *source,
    const struct chunk_id *id, struct err *e)
{
	char hex[2 * CHUNK_ID_LEN + 1];

	node->count = 0;
	buf_reset(&node->keys);
	if (source->get(source->ctx, CHUNK_TREE, id, &node->raw, e) == 0 &&
	    decode(node, e) == 0)
		return 0;
	node->count = 0;
	hex_encode(id->bytes, CHUNK_ID_LEN, hex);
	err_wrap(e, "tree node %s", hex);
	return -1;
}

void
loaded_node_free(struct loaded_node *node)
{
	buf_free(&node->raw);
	buf_free(&node->keys);
	free(node->items);
	*node = (struct loaded_node){ 0 };
}

size_t
loaded_node_lower_bound(
    const struct loaded_node *node, const uint8_t *key, size_t key_len)
{
	size_t lo = 0, hi = node->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct node_item *item = &node->items[mid];

		if (node_key_compare(item->key, item->key_len, key, key_len) <
		    0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
