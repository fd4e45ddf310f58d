/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/content.h"

#define BOUNDARY_ONE_IN 512

void
content_put(struct buf *out, const struct content_item *item)
{
	wire_put_varint(out, item->len << 1 | (item->hole ? 1 : 0));
	if (!item->hole)
		buf_add(out, item->id.bytes, CHUNK_ID_LEN);
}

void
content_get(struct wire *w, struct content_item *item)
{
	uint64_t v = wire_varint(w);

	*item = (struct content_item){ .len = v >> 1, .hole = (v & 1) != 0 };
	if (!item->hole)
		wire_copy(w, item->id.bytes, CHUNK_ID_LEN);
	/* A chunk is never longer than a block; only a hole may be. */
	if (item->len == 0 || item->len > (item->hole ? INT64_MAX : 1u << 20))
		w->bad = true;
}

size_t
content_count(const uint8_t *items, size_t len)
{
	struct wire w;
	struct content_item item;
	size_t n = 0;

	wire_init(&w, items, len);
	while (wire_ok(&w) && !wire_done(&w)) {
		content_get(&w, &item);
		n++;
	}
	return n;
}

bool
content_boundary(const struct chunk_id *id)
{
	return wire_load64(id->bytes) < UINT64_MAX / BOUNDARY_ONE_IN + 1;
}

void
content_node_head(struct buf *out, uint8_t level, size_t count)
{
	buf_add_u8(out, level);
	wire_put_varint(out, count);
}

void
content_child_put(struct buf *out, const struct content_child *child)
{
	buf_add(out, child->id.bytes, CHUNK_ID_LEN);
	wire_put_varint(out, child->len);
}

void
content_child_get(struct wire *w, struct content_child *child)
{
	wire_copy(w, child->id.bytes, CHUNK_ID_LEN);
	child->len = wire_varint(w);
	if (child->len == 0 || child->len > INT64_MAX)
		w->bad = true;
}

int
content_node_open(
    struct content_node *node, const void *data, size_t len, struct err *e)
{
	uint64_t count;

	wire_init(&node->w, data, len);
	node->level = wire_u8(&node->w);
	count = wire_varint(&node->w);
	if (!wire_ok(&node->w) || count == 0 || count > CONTENT_NODE_ITEMS ||
	    node->level >= CONTENT_LEVELS) {
		err_set(e, ERR_CORRUPT, "content node: bad head");
		return -1;
	}
	node->count = (size_t)count;
	return 0;
}
