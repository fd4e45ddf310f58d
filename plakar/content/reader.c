/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hex.h"
#include "plakar/format/entry.h"

#include "plakar/content/reader.h"

struct walk {
	const struct chunk_source *source;
	content_cb item_cb;
	content_node_cb node_cb;
	void *ctx;
	uint64_t offset;
	bool passed_over;
};

static int
give_item(struct walk *walk, struct wire *w, struct err *e)
{
	struct content_item item;

	content_get(w, &item);
	if (!wire_ok(w) || item.len > INT64_MAX - walk->offset) {
		err_set(e, ERR_CORRUPT, "content: bad item");
		return -1;
	}
	if (walk->item_cb(walk->ctx, &item, walk->offset, e) == -1)
		return -1;
	walk->offset += item.len;
	return 0;
}

static int enter(
    struct walk *walk, const struct chunk_id *id, int level, struct err *e);

static int
give_child(struct walk *walk, struct content_node *node, struct err *e)
{
	struct content_child child;
	uint64_t start = walk->offset;

	content_child_get(&node->w, &child);
	if (!wire_ok(&node->w)) {
		err_set(e, ERR_CORRUPT, "content: bad child");
		return -1;
	}
	if (enter(walk, &child.id, node->level - 1, e) == -1)
		return -1;
	if (!walk->passed_over && walk->offset - start != child.len) {
		err_set(e, ERR_CORRUPT, "content: lengths do not add up");
		return -1;
	}
	return 0;
}

/* Walk the node id; level is what it must be, or -1 for a root. */
static int
enter(struct walk *walk, const struct chunk_id *id, int level, struct err *e)
{
	struct content_node node;
	struct buf raw = { 0 };
	char hex[2 * CHUNK_ID_LEN + 1];
	int rc = -1, go = 1;

	if (walk->node_cb != NULL)
		go = walk->node_cb(walk->ctx, id, e);
	if (go != 1) {
		walk->passed_over = true;
		return go;
	}
	if (walk->source->get(walk->source->ctx, CHUNK_CONTENT, id, &raw, e) ==
		-1 ||
	    content_node_open(&node, raw.data, raw.len, e) == -1)
		goto out;
	if (level != -1 && node.level != level) {
		err_set(e, ERR_CORRUPT, "content node at the wrong level");
		goto out;
	}
	for (size_t i = 0; i < node.count; i++)
		if ((node.level == 0 ? give_item(walk, &node.w, e) :
				       give_child(walk, &node, e)) == -1)
			goto out;
	if (!wire_done(&node.w)) {
		err_set(e, ERR_CORRUPT, "content node: bytes after its items");
		goto out;
	}
	rc = 0;
out:
	if (rc == -1 && e->kind == ERR_CORRUPT) {
		hex_encode(id->bytes, CHUNK_ID_LEN, hex);
		err_wrap(e, "content node %s", hex);
	}
	buf_free(&raw);
	return rc;
}

int
content_each(const struct chunk_source *source, const struct entry *ent,
    content_cb item_cb, content_node_cb node_cb, void *ctx, struct err *e)
{
	struct walk walk = { .source = source,
		.item_cb = item_cb,
		.node_cb = node_cb,
		.ctx = ctx };
	struct wire w;

	switch (ent->content_kind) {
	case ENTRY_CONTENT_NONE:
	case ENTRY_CONTENT_INLINE:
		return 0;
	case ENTRY_CONTENT_LIST:
		wire_init(&w, ent->content, ent->content_len);
		while (!wire_done(&w))
			if (give_item(&walk, &w, e) == -1)
				return -1;
		break;
	case ENTRY_CONTENT_TREE:
		if (enter(&walk, &ent->content_id, -1, e) == -1)
			return -1;
		break;
	}
	if (!walk.passed_over && walk.offset != ent->size) {
		err_set(e, ERR_CORRUPT,
		    "content of %llu bytes in a file of %llu",
		    (unsigned long long)walk.offset,
		    (unsigned long long)ent->size);
		return -1;
	}
	return 0;
}
