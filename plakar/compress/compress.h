/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * compress: the plaintext of a block, made small by zstd and back.
 *
 * What doesn't shrink is stored.  What was compressed is at once decompressed
 * and compared, unless told otherwise: a faulty codec or memory cell must not
 * make a backup that nobody can read.
 *
 * Threads: one compressor or decompressor a thread.
 * Limits:  blocks of at most BLOCK_RAW_MAX bytes; a frame that would become
 *          larger is refused without being opened further.
 */
#ifndef PLAKAR_COMPRESS_COMPRESS_H
#define PLAKAR_COMPRESS_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/pack.h"

#define COMPRESS_LEVEL_MIN 1
#define COMPRESS_LEVEL_MAX 19

struct err;
struct compressor;
struct decompressor;

struct compressor *compressor_new(int level, bool verify);
void compressor_free(struct compressor *c);

/*
 * Put len bytes at raw into out, which has room for BLOCK_RAW_MAX bytes.
 * ERR_CORRUPT when what came out can't be turned back.
 */
int compressor_run(struct compressor *c, const uint8_t *raw, size_t len,
    uint8_t *out, size_t *out_len, enum block_codec *codec,
    struct err *e) ATTR_CHECKED;

struct decompressor *decompressor_new(void);
void decompressor_free(struct decompressor *d);

/* The reverse; out has room for BLOCK_RAW_MAX bytes.  ERR_CORRUPT. */
int decompressor_run(struct decompressor *d, enum block_codec codec,
    const uint8_t *data, size_t len, uint8_t *out, size_t *out_len,
    struct err *e) ATTR_CHECKED;

#endif
