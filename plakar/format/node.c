/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "lib/err.h"

#include "plakar/format/node.h"

#define AVERAGE_LEN  16384 /* bytes of a node, aimed at */
#define LEAF_WEIGHT  24    /* what an item weighs beside its entry */
#define INNER_WEIGHT 64    /* or beside its key */
#define INNER_MAX    8192  /* so that the longest keys still share nodes */
#define HEAD_MAX     (1 + WIRE_VARINT_MAX)
#define ITEM_MAX     (8 * WIRE_VARINT_MAX + CHUNK_ID_LEN)

static_assert(NODE_BOUNDARY_KEY == crypto_shorthash_KEYBYTES,
    "SipHash-2-4 takes the boundary key");

int
node_key_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t min = a_len < b_len ? a_len : b_len;
	int order = min > 0 ? memcmp(a, b, min) : 0;

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

void
node_sums_add(struct node_sums *to, const struct node_sums *more)
{
	to->dirs += more->dirs;
	to->others += more->others;
	to->bytes += more->bytes;
	to->errors += more->errors;
}

void
node_writer_free(struct node_writer *nw)
{
	buf_free(&nw->items);
	buf_free(&nw->last_key);
	*nw = (struct node_writer){ 0 };
}

static size_t
shared_len(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t max = a_len < b_len ? a_len : b_len, n = 0;

	while (n < max && a[n] == b[n])
		n++;
	return n;
}

bool
node_writer_fits(const struct node_writer *nw, const struct node_item *item)
{
	size_t shared = shared_len(
	    nw->last_key.data, nw->last_key.len, item->key, item->key_len);

	return HEAD_MAX + nw->items.len + ITEM_MAX + item->key_len - shared +
	    item->entry_len <=
	    NODE_LEN_MAX;
}

void
node_writer_add(struct node_writer *nw, const struct node_item *item)
{
	struct buf *out = &nw->items;
	size_t shared = shared_len(
	    nw->last_key.data, nw->last_key.len, item->key, item->key_len);

	assert(nw->count == 0 || shared < item->key_len);
	wire_put_varint(out, shared);
	wire_put_varint(out, item->key_len - shared);
	buf_add(out, item->key + shared, item->key_len - shared);
	if (nw->level == 0) {
		wire_put_varint(out, item->entry_len);
		buf_add(out, item->entry, item->entry_len);
	} else {
		buf_add(out, item->child.bytes, CHUNK_ID_LEN);
		wire_put_varint(out, item->sums.dirs);
		wire_put_varint(out, item->sums.others);
		wire_put_varint(out, item->sums.bytes);
		wire_put_varint(out, item->sums.errors);
	}
	nw->last_key.len = shared;
	buf_add(&nw->last_key, item->key + shared, item->key_len - shared);
	nw->count++;
}

void
node_writer_finish(struct node_writer *nw, struct buf *out)
{
	buf_add_u8(out, nw->level);
	wire_put_varint(out, nw->count);
	buf_add(out, nw->items.data, nw->items.len);
	buf_reset(&nw->items);
	buf_reset(&nw->last_key);
	nw->count = 0;
}

bool
node_boundary(const uint8_t boundary_key[NODE_BOUNDARY_KEY], uint8_t level,
    const struct node_item *item)
{
	uint8_t small[512], hash[crypto_shorthash_BYTES];
	struct buf large = { 0 };
	uint8_t *input = small;
	uint64_t weight, max;

	if (1 + item->key_len > sizeof(small))
		input = buf_reserve(&large, 1 + item->key_len);
	input[0] = level;
	if (item->key_len > 0)
		memcpy(input + 1, item->key, item->key_len);
	crypto_shorthash(hash, input, 1 + item->key_len, boundary_key);
	buf_free(&large);

	weight = level == 0 ? LEAF_WEIGHT + item->entry_len :
			      INNER_WEIGHT + item->key_len;
	max = level == 0 ? AVERAGE_LEN : INNER_MAX;
	if (weight > max)
		weight = max;
	return wire_load64(hash) < UINT64_MAX / AVERAGE_LEN * weight;
}

int
node_reader_open(
    struct node_reader *nr, const void *data, size_t len, struct err *e)
{
	uint64_t count;

	*nr = (struct node_reader){ .first = true };
	wire_init(&nr->w, data, len);
	nr->level = wire_u8(&nr->w);
	count = wire_varint(&nr->w);
	if (!wire_ok(&nr->w) || len > NODE_LEN_MAX || count == 0 ||
	    count > len || nr->level >= NODE_LEVELS) {
		err_set(e, ERR_CORRUPT, "tree node: bad head");
		return -1;
	}
	nr->left = (size_t)count;
	buf_reserve(
	    &nr->key, 1); /* so that the root's empty key has an address */
	return 0;
}

/* Read a key against the one before; false unless it is above it. */
static bool
read_key(struct node_reader *nr)
{
	uint64_t shared = wire_varint(&nr->w);
	uint64_t rest = wire_varint(&nr->w);
	const uint8_t *bytes;

	if (!wire_ok(&nr->w) || shared > nr->key.len || rest > NODE_KEY_MAX ||
	    shared + rest > NODE_KEY_MAX)
		return false;
	bytes = wire_bytes(&nr->w, (size_t)rest);
	if (bytes == NULL || (nr->first && shared != 0))
		return false;
	if (!nr->first && rest == 0)
		return false;
	/* The first byte that differs decides, and it must differ. */
	if (shared < nr->key.len && bytes[0] <= nr->key.data[shared])
		return false;
	nr->first = false;
	nr->key.len = (size_t)shared;
	buf_add(&nr->key, bytes, (size_t)rest);
	return true;
}

int
node_reader_next(struct node_reader *nr, struct node_item *item, struct err *e)
{
	uint64_t len;

	if (nr->left == 0) {
		if (wire_done(&nr->w))
			return 0;
		err_set(e, ERR_CORRUPT, "tree node: bytes after its items");
		return -1;
	}
	if (!read_key(nr)) {
		err_set(e, ERR_CORRUPT, "tree node: bad key");
		return -1;
	}
	*item =
	    (struct node_item){ .key = nr->key.data, .key_len = nr->key.len };
	if (nr->level == 0) {
		len = wire_varint(&nr->w);
		item->entry = wire_bytes(
		    &nr->w, len <= NODE_LEN_MAX ? (size_t)len : SIZE_MAX);
		item->entry_len = (size_t)len;
	} else {
		wire_copy(&nr->w, item->child.bytes, CHUNK_ID_LEN);
		item->sums.dirs = wire_varint(&nr->w);
		item->sums.others = wire_varint(&nr->w);
		item->sums.bytes = wire_varint(&nr->w);
		item->sums.errors = wire_varint(&nr->w);
	}
	if (!wire_ok(&nr->w)) {
		err_set(e, ERR_CORRUPT, "tree node: cut short");
		return -1;
	}
	nr->left--;
	return 1;
}

void
node_reader_free(struct node_reader *nr)
{
	buf_free(&nr->key);
}
