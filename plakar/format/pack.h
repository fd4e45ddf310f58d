/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * pack: blocks of chunks, and the packs that hold them, as bytes.
 *
 * Shape:  doc/formats/plakar-repository.md, sections 5 and 6.
 * Errors: decoders give ERR_CORRUPT (ERR_UNSUPPORTED for a newer version).
 *         What they accept obeys every rule that can be checked without keys.
 */
#ifndef PLAKAR_FORMAT_PACK_H
#define PLAKAR_FORMAT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"

#define BLOCK_PAYLOAD_MAX (1u << 20) /* bytes of chunks in a block */
#define BLOCK_CHUNKS_MAX  8192u
#define BLOCK_LEN_MASK    0xffffffu /* of a chunk's word: its length */
#define BLOCK_KIND_SHIFT  24        /* and its kind */
#define BLOCK_HEAD_LEN    20
#define BLOCK_TAG_LEN     16
#define BLOCK_RAW_MAX     (BLOCK_PAYLOAD_MAX + 4 + 4 * BLOCK_CHUNKS_MAX)

#define PACK_SALT_LEN     16
#define PACK_SEALED_LEN   80
#define PACK_HEAD_LEN     16
#define PACK_ROW_LEN      (4 + PACK_SALT_LEN + PACK_SEALED_LEN)
#define PACK_TRAILER_LEN  48
#define PACK_LEN_MAX      (512u << 20)
#define PACK_BLOCKS_MAX   65535u
#define PACK_ROWS_MAX     4096u
#define PACK_TOC_NUMBER   0xffffffffu

/* repository id, class, salt, number, length, codec */
#define BLOCK_AD_LEN (REPO_ID_LEN + 1 + PACK_SALT_LEN + 4 + 4 + 1)

struct buf;
struct err;

enum block_codec {
	CODEC_STORED,
	CODEC_ZSTD,
};

enum block_marker {
	BLOCK_CHUNKS = 0x4b4c4250,
	BLOCK_TOC = 0x434f5450,
};

struct block_head {
	enum block_marker marker;
	uint16_t row; /* of the pack's key table */
	enum block_codec codec;
	uint32_t number; /* nonce number */
	uint32_t len;    /* of the sealed bytes, without the tag */
};

struct pack_row {
	uint8_t salt[PACK_SALT_LEN];
	uint8_t sealed[PACK_SEALED_LEN]; /* session key for this row's blocks */
};

struct pack_head {
	enum chunk_class class;
	uint32_t rows;
};

struct pack_trailer {
	uint32_t toc_offset;
	uint32_t padding;
	uint8_t hash[32]; /* SHA-256 of all before it */
};

void block_head_encode(
    const struct block_head *head, uint8_t out[BLOCK_HEAD_LEN]);
int block_head_decode(const uint8_t data[BLOCK_HEAD_LEN],
    struct block_head *head, struct err *e) ATTR_CHECKED;

/* What the seal of a block covers besides its bytes. */
void block_ad(const uint8_t repo_id[REPO_ID_LEN], enum chunk_class class,
    const uint8_t salt[PACK_SALT_LEN], const struct block_head *head,
    uint8_t out[BLOCK_AD_LEN]);

/* A block's plaintext: a head and count chunks, found by slot. */
struct block_view {
	const uint8_t *raw;
	uint32_t count;
};

struct block_chunk {
	const uint8_t *data;
	uint32_t len;
	enum chunk_kind kind;
};

/* Borrows raw; all lengths and kinds in it are checked here. */
int block_view_open(struct block_view *view, const uint8_t *raw, size_t len,
    enum chunk_class class, struct err *e) ATTR_CHECKED;

/* The chunks in order: start with it all zero; false after the last. */
struct block_iter {
	uint32_t slot; /* of the chunk just returned, once started */
	uint32_t next;
	size_t offset;
};
bool block_view_next(const struct block_view *view, struct block_iter *it,
    struct block_chunk *chunk);

void pack_head_encode(const struct pack_head *head, uint8_t out[PACK_HEAD_LEN]);
int pack_head_decode(const uint8_t data[PACK_HEAD_LEN], struct pack_head *head,
    struct err *e) ATTR_CHECKED;
void pack_row_encode(const struct pack_row *row, uint8_t out[PACK_ROW_LEN]);
int pack_row_decode(const uint8_t data[PACK_ROW_LEN], struct pack_row *row,
    struct err *e) ATTR_CHECKED;

/* Where the first block of a pack with that many rows begins. */
static inline uint32_t
pack_body_offset(uint32_t rows)
{
	return PACK_HEAD_LEN + rows * PACK_ROW_LEN;
}

void pack_trailer_encode(
    const struct pack_trailer *t, uint8_t out[PACK_TRAILER_LEN]);
int pack_trailer_decode(const uint8_t data[PACK_TRAILER_LEN], uint64_t pack_len,
    struct pack_trailer *t, struct err *e) ATTR_CHECKED;

/* A table of contents, collected block by block. */
void pack_toc_add(
    struct buf *toc, uint32_t len, const struct chunk_id *ids, uint16_t count);

/* The plaintext of a table of blocks blocks that pack_toc_add() collected. */
void pack_toc_finish(const struct buf *toc, uint32_t blocks, struct buf *out);

/*
 * Call block_cb for each block of a table: its length (as in block_head) and
 * ids; ids is borrowed, unaligned bytes.  -1 from it ends the walk.
 */
typedef int (*pack_toc_cb)(
    void *ctx, uint32_t len, const uint8_t *ids, uint16_t count, struct err *e);
int pack_toc_each(const uint8_t *data, size_t len, pack_toc_cb block_cb,
    void *ctx, struct err *e) ATTR_CHECKED;

#endif
