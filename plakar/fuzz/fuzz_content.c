/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a node of a content tree: what is accepted is the same when
 * it is written again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
copy_item(struct wire *w, struct buf *out)
{
	struct content_item item;

	content_get(w, &item);
	if (!wire_ok(w))
		return;
	assert(item.len > 0 && item.len <= INT64_MAX);
	content_put(out, &item);
}

static void
copy_child(struct wire *w, struct buf *out)
{
	struct content_child child;

	content_child_get(w, &child);
	if (!wire_ok(w))
		return;
	assert(child.len > 0 && child.len <= INT64_MAX);
	content_child_put(out, &child);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct content_node node;
	struct buf out = { 0 };
	struct err e;
	size_t head;

	if (content_node_open(&node, data, len, &e) == -1)
		return 0;
	content_node_head(&out, node.level, node.count);
	head = out.len;
	for (size_t i = 0; i < node.count && wire_ok(&node.w); i++)
		node.level == 0 ? copy_item(&node.w, &out) :
				  copy_child(&node.w, &out);
	if (wire_done(&node.w)) {
		assert(out.len == len && memcmp(out.data, data, len) == 0);
		if (node.level == 0)
			assert(content_count(out.data + head, out.len - head) ==
			    node.count);
	}
	buf_free(&out);
	return 0;
}
