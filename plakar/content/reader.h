/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * reader: what a file holds, item by item in order, from its entry.
 *
 * Not for content kept in the entry itself (ENTRY_CONTENT_INLINE).
 */
#ifndef PLAKAR_CONTENT_READER_H
#define PLAKAR_CONTENT_READER_H

#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/chunkio.h"
#include "plakar/format/content.h"

struct entry;
struct err;

/* -1 ends the walk. */
typedef int (*content_cb)(
    void *ctx, const struct content_item *item, uint64_t offset, struct err *e);

/* Called before a content node is entered: 1 enter, 0 pass over, -1 end. */
typedef int (*content_node_cb)(
    void *ctx, const struct chunk_id *id, struct err *e);

/*
 * Call item_cb for each item of ent.  ERR_CORRUPT when the items do not add
 * up to the size of ent.  node_cb may be NULL: enter all; when it passes
 * nodes over, the sum is not judged.
 */
int content_each(const struct chunk_source *source, const struct entry *ent,
    content_cb item_cb, content_node_cb node_cb, void *ctx,
    struct err *e) ATTR_CHECKED;

#endif
