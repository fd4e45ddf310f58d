/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * builder: collects what a file holds, in order, into an entry: a short list
 * there, or a tree of content nodes beside it, whatever the file's size in
 * bounded memory.
 *
 * Source: doc/formats/plakar-repository.md, section 8.4.
 */
#ifndef PLAKAR_CONTENT_BUILDER_H
#define PLAKAR_CONTENT_BUILDER_H

#include "lib/attr.h"
#include "plakar/format/chunkio.h"
#include "plakar/format/content.h"

struct content_builder;
struct entry;
struct err;

struct content_builder *content_builder_new(const struct chunk_sink *sink);
void content_builder_free(struct content_builder *cb);

int content_builder_add(struct content_builder *cb,
    const struct content_item *item, struct err *e) ATTR_CHECKED;

/*
 * Set the content and size of ent.  What ent then borrows lives as long as
 * the builder.
 */
int content_builder_finish(
    struct content_builder *cb, struct entry *ent, struct err *e) ATTR_CHECKED;

#endif
