/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * reader: chunks from the store: found in the index, their blocks read,
 * opened, decompressed, and each chunk held against its id.
 *
 * Blocks just opened are kept, a few of them: neighbours are read together.
 *
 * Threads: all calls may run in any number of threads; two that want the
 *          same block open it once.
 * Errors:  ERR_NOT_FOUND: no index segment has the chunk, or the pack is
 *          gone.  ERR_CORRUPT: what is stored is not what was written.
 *          ERR_DENIED: the key in use may not read this class.
 */
#ifndef PLAKAR_READ_READER_H
#define PLAKAR_READ_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/chunkio.h"
#include "plakar/format/ids.h"

struct err;
struct index_place;
struct open_block;
struct reader;
struct repo;

/* Keeps up to blocks open blocks (1 MiB each).  repo outlives the reader. */
struct reader *reader_new(struct repo *repo, size_t blocks);
void reader_free(struct reader *r);

/* Replace the content of out by the chunk. */
int reader_get(struct reader *r, enum chunk_kind kind,
    const struct chunk_id *id, struct buf *out, struct err *e) ATTR_CHECKED;
struct chunk_source reader_source(struct reader *r);

/*
 * The block at place, for as long as it is not released.  Its seal is
 * verified, the ids of its chunks are not: that is the caller's.
 */
int reader_block(struct reader *r, const struct index_place *place,
    struct open_block **out, struct err *e) ATTR_CHECKED;
void reader_block_release(struct reader *r, struct open_block *block);

/* A chunk of an open block.  ERR_CORRUPT: no such slot, or of other kind. */
int open_block_chunk(const struct open_block *block, uint16_t slot,
    enum chunk_kind kind, const uint8_t **data, size_t *len,
    struct err *e) ATTR_CHECKED;

/* Whether len bytes at data have this id. */
bool reader_verify(const struct reader *r, enum chunk_kind kind,
    const struct chunk_id *id, const uint8_t *data, size_t len);

#endif
