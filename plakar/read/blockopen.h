/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * blockopen: from the sealed bytes of a block to its chunks.
 *
 * Threads: one struct block_opener a thread.
 */
#ifndef PLAKAR_READ_BLOCKOPEN_H
#define PLAKAR_READ_BLOCKOPEN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/pack.h"

struct block_opener;
struct err;
struct packkeys;
struct repo;

struct block_opener *block_opener_new(struct repo *repo, struct packkeys *keys);
void block_opener_free(struct block_opener *o);

/*
 * Open the len bytes at sealed, a whole block of this pack (head, sealed
 * bytes, tag; overwritten), into raw, which has room for BLOCK_RAW_MAX
 * bytes; view borrows raw.  ERR_CORRUPT, ERR_DENIED.
 */
int block_open(struct block_opener *o, const struct object_name *pack,
    enum chunk_class class, uint8_t *sealed, size_t len, uint8_t *raw,
    struct block_view *view, struct err *e) ATTR_CHECKED;

#endif
