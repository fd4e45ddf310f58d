/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * chunkio: how trees reach the chunks that they are made of, without knowing
 * of packs, keys or disks.
 */
#ifndef PLAKAR_FORMAT_CHUNKIO_H
#define PLAKAR_FORMAT_CHUNKIO_H

#include <stddef.h>

#include "plakar/format/ids.h"

struct buf;
struct err;

/* Where chunks go.  put() may be called by several threads. */
struct chunk_sink {
	int (*put)(void *ctx, enum chunk_kind kind, const void *data,
	    size_t len, struct chunk_id *id, struct err *e);
	void *ctx;
};

/*
 * Where chunks come from: get() replaces the content of out by the chunk,
 * whose id it has verified.  ERR_NOT_FOUND, or ERR_CORRUPT.
 */
struct chunk_source {
	int (*get)(void *ctx, enum chunk_kind kind, const struct chunk_id *id,
	    struct buf *out, struct err *e);
	void *ctx;
};

#endif
