/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "plakar/content/builder.h"
#include "plakar/content/reader.h"
#include "plakar/format/entry.h"
#include "plakar/tests/support/memstore.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* A node or list as bytes. */
struct bytes {
	const char *data;
	size_t len;
};
#define BYTES(literal)                                                         \
	{                                                                      \
		.data = (literal), .len = sizeof(literal) - 1                  \
	}
#define ID "0123456789abcdef"

static void
items_come_back(void **state)
{
	static const struct content_item items[] = {
		{ .len = 1, .id = { ID } },
		{ .len = 1u << 20, .id = { "another id......" } },
		{ .len = 1, .hole = true },
		{ .len = INT64_MAX, .hole = true },
	};
	struct buf out = { 0 };
	struct content_item item;
	struct wire w;

	(void)state;
	for (size_t i = 0; i < N(items); i++)
		content_put(&out, &items[i]);
	assert_int_equal(content_count(out.data, out.len), N(items));
	wire_init(&w, out.data, out.len);
	for (size_t i = 0; i < N(items); i++) {
		content_get(&w, &item);
		assert_true(wire_ok(&w));
		assert_int_equal(item.len, items[i].len);
		assert_int_equal(item.hole, items[i].hole);
		assert_memory_equal(&item.id, &items[i].id, sizeof(item.id));
	}
	assert_true(wire_done(&w));
	buf_free(&out);
}

static void
bad_items_are_refused(void **state)
{
	static const struct bytes bad[] = {
		BYTES(""), BYTES("\x00" ID),  /* no byte of data */
		BYTES("\x01"),                /* a hole of none */
		BYTES("\x82\x80\x80\x01" ID), /* data above 1 MiB */
		BYTES("\x02"
		      "0123456789abcde"),
		BYTES("\x82\x00" ID), /* a longer varint than needed */
	};
	struct content_item item;
	struct wire w;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		wire_init(&w, bad[i].data, bad[i].len);
		content_get(&w, &item);
		assert_false(wire_ok(&w));
	}
}

static void
bad_heads_of_nodes_are_refused(void **state)
{
	static const struct bytes bad[] = {
		BYTES(""),
		BYTES("\x00"),
		BYTES("\x00\x00"),     /* no item */
		BYTES("\x00\x81\x20"), /* 4,097 items */
		BYTES("\x10\x01"),     /* level 16 */
		BYTES("\xff\x01"),
	};
	struct content_node node;
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		assert_int_equal(
		    content_node_open(&node, bad[i].data, bad[i].len, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	assert_int_equal(content_node_open(&node, "\x0f\x80\x20", 3, &e), 0);
	assert_int_equal(node.level, 15);
	assert_int_equal(node.count, 4096);
}

static void
children_have_bytes_below_them(void **state)
{
	static const struct bytes bad[] = {
		BYTES(ID),
		BYTES(ID "\x00"),
		BYTES(ID "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
	};
	struct content_child child;
	struct wire w;

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		wire_init(&w, bad[i].data, bad[i].len);
		content_child_get(&w, &child);
		assert_false(wire_ok(&w));
	}
}

/* Notes the nodes that are put; their ids all end a node above. */
struct log {
	size_t count;
	uint8_t levels[64];
	struct chunk_id ids[64];
};

static int
log_put(void *ctx, enum chunk_kind kind, const void *data, size_t len,
    struct chunk_id *id, struct err *e)
{
	struct log *log = ctx;

	(void)e;
	assert_int_equal(kind, CHUNK_CONTENT);
	assert_true(log->count < N(log->ids) && len > 0);
	*id = (struct chunk_id){ { 0 } };
	id->bytes[CHUNK_ID_LEN - 1] = (uint8_t)(1 + log->count);
	log->levels[log->count] = *(const uint8_t *)data;
	log->ids[log->count++] = *id;
	return 0;
}

/* Add n chunks, of which none ends a node but those in a multiple of every. */
static void
add_chunks(struct content_builder *cb, size_t n, size_t every)
{
	struct content_item item = { .len = 1000 };
	struct err e;

	for (size_t i = 1; i <= n; i++) {
		memset(item.id.bytes, i % every == 0 ? 0 : 0xff, CHUNK_ID_LEN);
		item.id.bytes[8] = (uint8_t)i;
		item.id.bytes[9] = (uint8_t)(i >> 8);
		assert_int_equal(content_builder_add(cb, &item, &e), 0);
	}
}

static void
lists_stay_in_the_entry_whatever_their_ids(void **state)
{
	static const struct {
		size_t n, every;
		enum entry_content kind;
		size_t nodes; /* stored, in any level */
	} cases[] = {
		{ 0, 1, ENTRY_CONTENT_NONE, 0 },
		{ 1, 1, ENTRY_CONTENT_LIST, 0 },
		{ 32, 1, ENTRY_CONTENT_LIST, 0 },
		{ 32, 5, ENTRY_CONTENT_LIST, 0 },
		{ 33, 50, ENTRY_CONTENT_TREE, 1 },
		{ 4096, 5000, ENTRY_CONTENT_TREE, 1 },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct memstore *ms = memstore_new();
		struct chunk_sink sink = memstore_sink(ms);
		struct content_builder *cb = content_builder_new(&sink);
		struct entry ent = { .type = ENTRY_FILE };
		struct err e;

		add_chunks(cb, cases[i].n, cases[i].every);
		assert_int_equal(content_builder_finish(cb, &ent, &e), 0);
		assert_int_equal(ent.size, 1000 * cases[i].n);
		assert_int_equal(ent.content_kind, cases[i].kind);
		assert_int_equal(memstore_count(ms), cases[i].nodes);
		if (ent.content_kind == ENTRY_CONTENT_LIST)
			assert_int_equal(
			    content_count(ent.content, ent.content_len),
			    cases[i].n);
		content_builder_free(cb);
		memstore_free(ms);
	}
}

/* Also when the leaf, and each node above it, would end by its id. */
static void
one_leaf_is_the_root(void **state)
{
	(void)state;
	for (size_t n = 33; n < 100; n += 10) {
		struct log log = { 0 };
		struct chunk_sink sink = { .put = log_put, .ctx = &log };
		struct content_builder *cb = content_builder_new(&sink);
		struct entry ent = { .type = ENTRY_FILE };
		struct err e;

		add_chunks(cb, n, 4096);
		assert_int_equal(content_builder_finish(cb, &ent, &e), 0);
		assert_int_equal(ent.content_kind, ENTRY_CONTENT_TREE);
		assert_int_equal(log.levels[0], 0);
		assert_memory_equal(
		    &ent.content_id, &log.ids[0], sizeof(ent.content_id));
		content_builder_free(cb);
	}
}

static int
sum_up(
    void *ctx, const struct content_item *item, uint64_t offset, struct err *e)
{
	uint64_t *sum = ctx;

	(void)e;
	assert_int_equal(*sum, offset);
	*sum += item->len;
	return 0;
}

static void
large_content_comes_back(void **state)
{
	struct memstore *ms = memstore_new();
	struct chunk_sink sink = memstore_sink(ms);
	struct chunk_source source = memstore_source(ms);
	struct content_builder *cb = content_builder_new(&sink);
	struct entry ent = { .type = ENTRY_FILE };
	uint64_t sum = 0;
	struct err e;

	(void)state;
	add_chunks(cb, 20000, 300);
	assert_int_equal(content_builder_finish(cb, &ent, &e), 0);
	assert_in_range(memstore_count(ms), 20000 / 300, 20000 / 300 + 10);
	assert_int_equal(
	    content_each(&source, &ent, sum_up, NULL, &sum, &e), 0);
	assert_int_equal(sum, 20000 * 1000);

	ent.size++;
	sum = 0;
	assert_int_equal(
	    content_each(&source, &ent, sum_up, NULL, &sum, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	content_builder_free(cb);
	memstore_free(ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_back),
		cmocka_unit_test(bad_items_are_refused),
		cmocka_unit_test(bad_heads_of_nodes_are_refused),
		cmocka_unit_test(children_have_bytes_below_them),
		cmocka_unit_test(lists_stay_in_the_entry_whatever_their_ids),
		cmocka_unit_test(one_leaf_is_the_root),
		cmocka_unit_test(large_content_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
