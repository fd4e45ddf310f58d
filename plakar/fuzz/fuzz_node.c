/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a node of the tree: its keys ascend, and what is accepted is
 * the same when it is written again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_order(const struct buf *last, const struct node_item *item)
{
	assert(item->key_len <= NODE_KEY_MAX);
	assert(node_key_compare(
		   last->data, last->len, item->key, item->key_len) < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct node_writer writer = { 0 };
	struct node_reader reader;
	struct node_item item;
	struct buf last = { 0 }, out = { 0 };
	struct err e;
	int got;

	if (node_reader_open(&reader, data, len, &e) == -1)
		return 0;
	writer.level = reader.level;
	while ((got = node_reader_next(&reader, &item, &e)) == 1) {
		if (writer.count > 0)
			check_order(&last, &item);
		buf_reset(&last);
		buf_add(&last, item.key, item.key_len);
		node_writer_add(&writer, &item);
	}
	node_reader_free(&reader);
	if (got == 0) {
		node_writer_finish(&writer, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	node_writer_free(&writer);
	buf_free(&last);
	buf_free(&out);
	return 0;
}
