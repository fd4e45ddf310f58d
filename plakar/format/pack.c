/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/wire.h"

#include "plakar/format/pack.h"

#define VERSION      1
#define BLOCK_PREFIX 4 /* bytes of the count before the chunk lengths */

static const char head_magic[8] = "PLKRpack";
static const char tail_magic[8] = "PLKRtail";

void
block_head_encode(const struct block_head *head, uint8_t out[BLOCK_HEAD_LEN])
{
	wire_store32(out, head->marker);
	wire_store16(out + 4, head->row);
	out[6] = (uint8_t)head->codec;
	out[7] = 0;
	wire_store32(out + 8, head->number);
	wire_store32(out + 12, head->len);
	wire_store32(out + 16, 0);
}

int
block_head_decode(
    const uint8_t data[BLOCK_HEAD_LEN], struct block_head *head, struct err *e)
{
	uint32_t marker = wire_load32(data);

	head->marker = (enum block_marker)marker;
	head->row = wire_load16(data + 4);
	head->codec = (enum block_codec)data[6];
	head->number = wire_load32(data + 8);
	head->len = wire_load32(data + 12);
	if ((marker != BLOCK_CHUNKS && marker != BLOCK_TOC) ||
	    data[6] > CODEC_ZSTD || data[7] != 0 ||
	    wire_load32(data + 16) != 0 || head->len == 0) {
		err_set(e, ERR_CORRUPT, "bad block head");
		return -1;
	}
	if (marker == BLOCK_TOC &&
	    (head->codec != CODEC_STORED || head->row != 0 ||
		head->number != PACK_TOC_NUMBER)) {
		err_set(e, ERR_CORRUPT, "bad head of a table of contents");
		return -1;
	}
	if (head->len > (marker == BLOCK_TOC ? PACK_LEN_MAX : BLOCK_RAW_MAX)) {
		err_set(e, ERR_CORRUPT, "block of %u bytes", head->len);
		return -1;
	}
	return 0;
}

void
block_ad(const uint8_t repo_id[REPO_ID_LEN], enum chunk_class class,
    const uint8_t salt[PACK_SALT_LEN], const struct block_head *head,
    uint8_t out[BLOCK_AD_LEN])
{
	memcpy(out, repo_id, REPO_ID_LEN);
	out += REPO_ID_LEN;
	*out++ = (uint8_t) class;
	memcpy(out, salt, PACK_SALT_LEN);
	out += PACK_SALT_LEN;
	wire_store32(out, head->number);
	wire_store32(out + 4, head->len);
	out[8] = (uint8_t)head->codec;
}

static uint32_t
chunk_word(const struct block_view *view, uint32_t slot)
{
	return wire_load32(view->raw + BLOCK_PREFIX + 4 * (size_t)slot);
}

int
block_view_open(struct block_view *view, const uint8_t *raw, size_t len,
    enum chunk_class class, struct err *e)
{
	size_t total;

	view->raw = raw;
	view->count = len >= BLOCK_PREFIX ? wire_load32(raw) : 0;
	if (view->count == 0 || view->count > BLOCK_CHUNKS_MAX ||
	    len < BLOCK_PREFIX + 4 * (size_t)view->count) {
		err_set(e, ERR_CORRUPT, "block of %u chunks", view->count);
		return -1;
	}
	total = BLOCK_PREFIX + 4 * (size_t)view->count;
	for (uint32_t i = 0; i < view->count; i++) {
		uint32_t word = chunk_word(view, i);
		uint32_t kind = word >> BLOCK_KIND_SHIFT;

		if (kind < CHUNK_DATA || kind > CHUNK_XATTR ||
		    chunk_class_of((enum chunk_kind)kind) != class) {
			err_set(e, ERR_CORRUPT, "chunk %u: kind %u", i, kind);
			return -1;
		}
		if ((word & BLOCK_LEN_MASK) == 0) {
			err_set(e, ERR_CORRUPT, "chunk %u: empty", i);
			return -1;
		}
		total += word & BLOCK_LEN_MASK;
	}
	if (total - BLOCK_PREFIX - 4 * (size_t)view->count >
	    BLOCK_PAYLOAD_MAX) {
		err_set(e, ERR_CORRUPT, "block of more than %u bytes",
		    BLOCK_PAYLOAD_MAX);
		return -1;
	}
	if (total != len) {
		err_set(e, ERR_CORRUPT, "block: chunks of %zu bytes in %zu",
		    total, len);
		return -1;
	}
	return 0;
}

bool
block_view_next(const struct block_view *view, struct block_iter *it,
    struct block_chunk *chunk)
{
	uint32_t word;

	if (it->next >= view->count)
		return false;
	if (it->next == 0)
		it->offset = BLOCK_PREFIX + 4 * (size_t)view->count;
	word = chunk_word(view, it->next);
	chunk->data = view->raw + it->offset;
	chunk->len = word & BLOCK_LEN_MASK;
	chunk->kind = (enum chunk_kind)(word >> BLOCK_KIND_SHIFT);
	it->offset += chunk->len;
	it->slot = it->next++;
	return true;
}

void
pack_head_encode(const struct pack_head *head, uint8_t out[PACK_HEAD_LEN])
{
	memcpy(out, head_magic, sizeof(head_magic));
	wire_store16(out + 8, VERSION);
	out[10] = (uint8_t)head->class;
	out[11] = 0;
	wire_store32(out + 12, head->rows);
}

int
pack_head_decode(
    const uint8_t data[PACK_HEAD_LEN], struct pack_head *head, struct err *e)
{
	uint16_t version = wire_load16(data + 8);

	if (memcmp(data, head_magic, sizeof(head_magic)) != 0) {
		err_set(e, ERR_CORRUPT, "not a pack");
		return -1;
	}
	if (version != VERSION) {
		err_set(e, ERR_UNSUPPORTED, "pack of version %u", version);
		return -1;
	}
	head->class = (enum chunk_class)data[10];
	head->rows = wire_load32(data + 12);
	if ((data[10] != CLASS_DATA && data[10] != CLASS_METADATA) ||
	    data[11] != 0 || head->rows == 0 || head->rows > PACK_ROWS_MAX) {
		err_set(e, ERR_CORRUPT, "bad pack head");
		return -1;
	}
	return 0;
}

void
pack_row_encode(const struct pack_row *row, uint8_t out[PACK_ROW_LEN])
{
	wire_store32(out, 0); /* key epoch */
	memcpy(out + 4, row->salt, PACK_SALT_LEN);
	memcpy(out + 4 + PACK_SALT_LEN, row->sealed, PACK_SEALED_LEN);
}

int
pack_row_decode(
    const uint8_t data[PACK_ROW_LEN], struct pack_row *row, struct err *e)
{
	uint32_t epoch = wire_load32(data);

	if (epoch != 0) {
		err_set(e, ERR_UNSUPPORTED, "key epoch %u", epoch);
		return -1;
	}
	memcpy(row->salt, data + 4, PACK_SALT_LEN);
	memcpy(row->sealed, data + 4 + PACK_SALT_LEN, PACK_SEALED_LEN);
	return 0;
}

void
pack_trailer_encode(const struct pack_trailer *t, uint8_t out[PACK_TRAILER_LEN])
{
	wire_store32(out, t->toc_offset);
	wire_store32(out + 4, t->padding);
	memcpy(out + 8, t->hash, sizeof(t->hash));
	memcpy(out + 40, tail_magic, sizeof(tail_magic));
}

int
pack_trailer_decode(const uint8_t data[PACK_TRAILER_LEN], uint64_t pack_len,
    struct pack_trailer *t, struct err *e)
{
	if (memcmp(data + 40, tail_magic, sizeof(tail_magic)) != 0) {
		err_set(e, ERR_CORRUPT, "no trailer: the pack is cut short");
		return -1;
	}
	t->toc_offset = wire_load32(data);
	t->padding = wire_load32(data + 4);
	memcpy(t->hash, data + 8, sizeof(t->hash));
	if (t->toc_offset < pack_body_offset(1) ||
	    (uint64_t)t->toc_offset + BLOCK_HEAD_LEN + BLOCK_TAG_LEN +
		    t->padding + PACK_TRAILER_LEN >
		pack_len) {
		err_set(e, ERR_CORRUPT, "bad trailer");
		return -1;
	}
	return 0;
}

void
pack_toc_add(
    struct buf *toc, uint32_t len, const struct chunk_id *ids, uint16_t count)
{
	wire_put_u32(toc, len);
	wire_put_u16(toc, count);
	buf_add(toc, ids, (size_t)count * CHUNK_ID_LEN);
}

void
pack_toc_finish(const struct buf *toc, uint32_t blocks, struct buf *out)
{
	wire_put_u32(out, blocks);
	buf_add(out, toc->data, toc->len);
}

int
pack_toc_each(const uint8_t *data, size_t len, pack_toc_cb block_cb, void *ctx,
    struct err *e)
{
	struct wire w;
	uint32_t blocks;

	wire_init(&w, data, len);
	blocks = wire_u32(&w);
	if (blocks > PACK_BLOCKS_MAX)
		blocks = 0;
	for (uint32_t i = 0; i < blocks && wire_ok(&w); i++) {
		uint32_t block_len = wire_u32(&w);
		uint16_t count = wire_u16(&w);
		const uint8_t *ids =
		    wire_bytes(&w, (size_t)count * CHUNK_ID_LEN);

		if (ids == NULL || count == 0 || count > BLOCK_CHUNKS_MAX ||
		    block_len == 0 || block_len > BLOCK_RAW_MAX)
			break;
		if (block_cb(ctx, block_len, ids, count, e) == -1)
			return -1;
		if (i == blocks - 1 && wire_done(&w))
			return 0;
	}
	err_set(e, ERR_CORRUPT, "bad table of contents");
	return -1;
}
