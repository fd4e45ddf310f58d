/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * segment: an index segment's plaintext: which chunk is where.
 *
 * Shape:  doc/formats/plakar-repository.md, section 7.
 * Limits: SEGMENT_ROWS_MAX rows, SEGMENT_LEN_MAX bytes: so a reader's memory
 *         is bounded.
 * Errors: decoding gives ERR_CORRUPT; what it accepts is in order and names
 *         only packs and blocks that stand in its own table.
 */
#ifndef PLAKAR_FORMAT_SEGMENT_H
#define PLAKAR_FORMAT_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"

#define SEGMENT_ROWS_MAX  262144u
#define SEGMENT_PACKS_MAX 65536u
#define SEGMENT_LEN_MAX   (16u << 20)

struct buf;
struct err;

/* A pack, with where its blocks begin. */
struct segment_pack {
	struct object_name name;
	enum chunk_class class;
	uint32_t size; /* bytes of the pack */
	uint32_t blocks;
	uint32_t *offsets; /* blocks + 1: the last is the table's */
};

struct segment_row {
	struct chunk_id id;
	uint32_t pack; /* place in the table of packs */
	uint16_t block;
	uint16_t slot;
};

struct segment {
	size_t packs_count;
	struct segment_pack *packs; /* owned, with their offsets */
	size_t rows_count;
	struct segment_row *rows; /* owned */
};

void segment_free(struct segment *seg);

/* Put rows in the order that the format demands. */
void segment_sort(struct segment_row *rows, size_t n);

/* Append the encoding of seg, whose rows are sorted. */
void segment_encode(const struct segment *seg, struct buf *out);
int segment_decode(const void *data, size_t len, struct segment *seg,
    struct err *e) ATTR_CHECKED;

#endif
