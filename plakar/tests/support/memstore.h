/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * memstore: chunks in memory, as sink and source of the trees under test.
 */
#ifndef PLAKAR_TESTS_SUPPORT_MEMSTORE_H
#define PLAKAR_TESTS_SUPPORT_MEMSTORE_H

#include <stddef.h>

#include "plakar/format/chunkio.h"

struct memstore;

struct memstore *memstore_new(void);
void memstore_free(struct memstore *ms);
struct chunk_sink memstore_sink(struct memstore *ms);
struct chunk_source memstore_source(struct memstore *ms);

/* How many different chunks were put. */
size_t memstore_count(const struct memstore *ms);

#endif
