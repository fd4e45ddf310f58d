/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Chunks are gathered in the open block; a full block is compressed, sealed
 * and written to the open pack; a full pack gets its table and trailer and
 * goes to the catalog.  No I/O but through the store.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/secret.h"
#include "lib/wire.h"
#include "plakar/compress/compress.h"
#include "plakar/crypto/aead.h"
#include "plakar/crypto/random.h"
#include "plakar/crypto/sealkey.h"
#include "plakar/hash/sha256.h"
#include "plakar/repo/repo.h"
#include "plakar/store/store.h"

#include "plakar/write/session_internal.h"

/* Room before the chunks for the longest table of their lengths. */
#define TABLE_ROOM (BLOCK_RAW_MAX - BLOCK_PAYLOAD_MAX)

/* Tree nodes are read one by one: smaller blocks make that cheaper. */
#define METADATA_PAYLOAD (256u << 10)

/* A pack of that many chunks is full too: segments stay within limits. */
#define PACK_CHUNKS_FULL 32768

struct open_block {
	uint8_t *raw; /* TABLE_ROOM, then the chunks */
	size_t len;   /* bytes of chunks */
	uint32_t count;
	struct chunk_id ids[BLOCK_CHUNKS_MAX];
	uint32_t words[BLOCK_CHUNKS_MAX]; /* length and kind of each */
};

struct open_pack {
	struct store_put *put; /* NULL: no pack is open */
	struct aead *aead;
	uint8_t salt[PACK_SALT_LEN];
	struct sha256 hash;
	uint64_t len; /* bytes written */
	uint32_t blocks;
	struct buf offsets; /* uint32_t each */
	struct buf toc;
	struct buf rows; /* struct segment_row each */
};

struct packer {
	struct session *session;
	enum chunk_class class;
	size_t payload_max;
	struct compressor *compressor;
	uint8_t *sealed; /* head, sealed bytes, tag */
	struct open_block block;
	struct open_pack pack;
};

struct packer *
packer_new(struct session *s, enum chunk_class class)
{
	struct packer *p = xcalloc(1, sizeof(*p));

	p->session = s;
	p->class = class;
	p->payload_max =
	    class == CLASS_DATA ? BLOCK_PAYLOAD_MAX : METADATA_PAYLOAD;
	p->compressor = compressor_new(s->options.level, s->options.verify);
	p->sealed = xmalloc(BLOCK_HEAD_LEN + BLOCK_RAW_MAX + BLOCK_TAG_LEN);
	p->block.raw = xmalloc(BLOCK_RAW_MAX);
	return p;
}

static void
clear_pack(struct open_pack *pack)
{
	aead_free(pack->aead);
	buf_free(&pack->offsets);
	buf_free(&pack->toc);
	buf_free(&pack->rows);
	*pack = (struct open_pack){ 0 };
}

void
packer_free(struct packer *p)
{
	if (p == NULL)
		return;
	if (p->pack.put != NULL)
		store_put_abort(p->pack.put);
	clear_pack(&p->pack);
	compressor_free(p->compressor);
	free(p->block.raw);
	free(p->sealed);
	free(p);
}

static int
write_bytes(struct packer *p, const void *data, size_t len, struct err *e)
{
	sha256_update(&p->pack.hash, data, len);
	p->pack.len += len;
	return store_put_write(p->pack.put, data, len, e);
}

static int
open_pack(struct packer *p, struct err *e)
{
	const struct class_key *key = &p->session->keys[p->class - 1];
	struct pack_head head = { .class = p->class, .rows = 1 };
	struct open_pack *pack = &p->pack;
	struct pack_row row;
	uint8_t bytes[PACK_HEAD_LEN + PACK_ROW_LEN];
	uint8_t *seal_key;

	random_bytes(pack->salt, sizeof(pack->salt));
	seal_key = secret_alloc(SEALKEY_LEN);
	if (sealkey_derive(key->secret, pack->salt, seal_key, e) == 0)
		pack->aead =
		    aead_new(p->session->repo->config.aead, seal_key, e);
	secret_free(seal_key);
	if (pack->aead == NULL)
		return -1;

	memcpy(row.salt, pack->salt, sizeof(row.salt));
	memcpy(row.sealed, key->sealed, sizeof(row.sealed));
	pack_head_encode(&head, bytes);
	pack_row_encode(&row, bytes + PACK_HEAD_LEN);
	sha256_init(&pack->hash);
	if (store_put_begin(p->session->repo->store, &pack->put, e) == -1)
		return -1;
	return write_bytes(p, bytes, sizeof(bytes), e);
}

/* Seal len bytes that stand at p->sealed + BLOCK_HEAD_LEN, and write. */
static int
write_sealed(
    struct packer *p, uint8_t *sealed, struct block_head *head, struct err *e)
{
	uint8_t ad[BLOCK_AD_LEN];
	uint8_t *body = sealed + BLOCK_HEAD_LEN;

	block_head_encode(head, sealed);
	block_ad(
	    p->session->repo->config.repo_id, p->class, p->pack.salt, head, ad);
	if (aead_seal(p->pack.aead, head->number, ad, sizeof(ad), body,
		head->len, body, e) == -1)
		return -1;
	return write_bytes(
	    p, sealed, BLOCK_HEAD_LEN + head->len + BLOCK_TAG_LEN, e);
}

/* Note where each chunk of the open block went. */
static void
add_rows(struct packer *p)
{
	struct segment_row *row =
	    (void *)buf_reserve(&p->pack.rows, p->block.count * sizeof(*row));

	for (uint32_t i = 0; i < p->block.count; i++)
		row[i] = (struct segment_row){ .id = p->block.ids[i],
			.block = (uint16_t)p->pack.blocks,
			.slot = (uint16_t)i };
	p->pack.rows.len += p->block.count * sizeof(*row);
}

/* The table of lengths goes right before the chunks. */
static uint8_t *
finish_raw(struct open_block *block, size_t *len)
{
	size_t table = 4 + 4 * (size_t)block->count;
	uint8_t *raw = block->raw + TABLE_ROOM - table;

	wire_store32(raw, block->count);
	for (uint32_t i = 0; i < block->count; i++)
		wire_store32(raw + 4 + 4 * (size_t)i, block->words[i]);
	*len = table + block->len;
	return raw;
}

static int finish_pack(struct packer *p, struct err *e);

static int
close_block(struct packer *p, struct err *e)
{
	struct block_head head = { .marker = BLOCK_CHUNKS };
	uint32_t offset;
	uint8_t *raw;
	size_t raw_len, len;

	if (p->block.count == 0)
		return 0;
	if (p->pack.put == NULL && open_pack(p, e) == -1)
		return -1;
	raw = finish_raw(&p->block, &raw_len);
	if (compressor_run(p->compressor, raw, raw_len,
		p->sealed + BLOCK_HEAD_LEN, &len, &head.codec, e) == -1)
		return -1;
	head.number = p->pack.blocks;
	head.len = (uint32_t)len;
	offset = (uint32_t)p->pack.len;
	if (write_sealed(p, p->sealed, &head, e) == -1)
		return -1;
	buf_add(&p->pack.offsets, &offset, sizeof(offset));
	pack_toc_add(
	    &p->pack.toc, head.len, p->block.ids, (uint16_t)p->block.count);
	add_rows(p);
	p->pack.blocks++;
	p->block.count = 0;
	p->block.len = 0;
	if (p->pack.len >= p->session->options.pack_size ||
	    p->pack.rows.len / sizeof(struct segment_row) >= PACK_CHUNKS_FULL)
		return finish_pack(p, e);
	return 0;
}

/* Write the sealed table of contents. */
static int
write_toc(struct packer *p, struct err *e)
{
	struct block_head head = { .marker = BLOCK_TOC,
		.codec = CODEC_STORED,
		.number = PACK_TOC_NUMBER };
	struct buf sealed = { 0 };
	int rc;

	buf_add_zero(&sealed, BLOCK_HEAD_LEN);
	pack_toc_finish(&p->pack.toc, p->pack.blocks, &sealed);
	head.len = (uint32_t)(sealed.len - BLOCK_HEAD_LEN);
	buf_add_zero(&sealed, BLOCK_TAG_LEN);
	rc = write_sealed(p, sealed.data, &head, e);
	buf_free(&sealed);
	return rc;
}

/* Take the open pack's bookkeeping out of the packer. */
static struct full_pack *
make_full_pack(struct packer *p, uint32_t toc_offset)
{
	struct full_pack *fp = xcalloc(1, sizeof(*fp));

	buf_add(&p->pack.offsets, &toc_offset, sizeof(toc_offset));
	sha256_final(&p->pack.hash, fp->info.name.bytes);
	fp->put = p->pack.put;
	fp->info.class = p->class;
	fp->info.size = (uint32_t)p->pack.len;
	fp->info.blocks = p->pack.blocks;
	fp->info.offsets = (void *)p->pack.offsets.data;
	fp->rows = (void *)p->pack.rows.data;
	fp->rows_count = p->pack.rows.len / sizeof(*fp->rows);
	p->pack.put = NULL;
	p->pack.offsets = (struct buf){ 0 };
	p->pack.rows = (struct buf){ 0 };
	clear_pack(&p->pack);
	return fp;
}

static int
finish_pack(struct packer *p, struct err *e)
{
	struct pack_trailer trailer = { 0 };
	uint8_t bytes[PACK_TRAILER_LEN];
	struct sha256 *hash = &p->pack.hash;
	uint64_t offset = p->pack.len;

	if (write_toc(p, e) == -1)
		return -1;
	/* The trailer holds the hash of all before the hash. */
	trailer.toc_offset = (uint32_t)offset;
	pack_trailer_encode(&trailer, bytes);
	{
		struct sha256 fork = *hash;

		sha256_update(&fork, bytes, 8);
		sha256_final(&fork, trailer.hash);
	}
	pack_trailer_encode(&trailer, bytes);
	if (write_bytes(p, bytes, sizeof(bytes), e) == -1)
		return -1;
	atomic_fetch_add(&p->session->stored, p->pack.len);
	return catalog_add(
	    p->session->catalog, make_full_pack(p, (uint32_t)offset), e);
}

int
packer_add(struct packer *p, enum chunk_kind kind, const struct chunk_id *id,
    const uint8_t *data, size_t len, struct err *e)
{
	struct open_block *block = &p->block;

	assert(len > 0 && len <= BLOCK_PAYLOAD_MAX);
	assert(chunk_class_of(kind) == p->class);
	if ((block->count > 0 && block->len + len > p->payload_max) ||
	    block->count == BLOCK_CHUNKS_MAX)
		if (close_block(p, e) == -1)
			return -1;
	memcpy(block->raw + TABLE_ROOM + block->len, data, len);
	block->ids[block->count] = *id;
	block->words[block->count] =
	    (uint32_t)len | (uint32_t)kind << BLOCK_KIND_SHIFT;
	block->len += len;
	block->count++;
	atomic_fetch_add(&p->session->chunks, 1);
	atomic_fetch_add(&p->session->bytes, len);
	return 0;
}

int
packer_flush(struct packer *p, struct err *e)
{
	if (close_block(p, e) == -1)
		return -1;
	return p->pack.put != NULL ? finish_pack(p, e) : 0;
}
