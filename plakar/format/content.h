/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * content: what a file holds, as a list of chunks and holes.
 *
 * Shape:  doc/formats/plakar-repository.md, section 8.4.
 * Units:  lengths are bytes of the file.
 * Errors: item readers turn their struct wire bad; a node that
 *         content_node_open() accepts is checked item by item as it is read.
 */
#ifndef PLAKAR_FORMAT_CONTENT_H
#define PLAKAR_FORMAT_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/wire.h"
#include "plakar/format/ids.h"

#define CONTENT_NODE_ITEMS 4096 /* at most, in one node */
#define CONTENT_LEVELS     16   /* at most, of a tree */

struct buf;
struct err;

struct content_item {
	uint64_t len; /* above 0 */
	bool hole;
	struct chunk_id id; /* unless hole */
};

void content_put(struct buf *out, const struct content_item *item);
void content_get(struct wire *w, struct content_item *item);

/* How many items stand in len bytes that content_put() made. */
size_t content_count(const uint8_t *items, size_t len);

/* Whether a node ends after the item or child with this id. */
bool content_boundary(const struct chunk_id *id);

/* The head of a node of count items; the items follow with content_put(). */
void content_node_head(struct buf *out, uint8_t level, size_t count);

/* An inner node's item. */
struct content_child {
	struct chunk_id id;
	uint64_t len; /* bytes of the file below it */
};

void content_child_put(struct buf *out, const struct content_child *child);

/* Reads a node: level, then count items or children with the getters. */
struct content_node {
	struct wire w;
	uint8_t level;
	size_t count;
};

int content_node_open(struct content_node *node, const void *data, size_t len,
    struct err *e) ATTR_CHECKED;
void content_child_get(struct wire *w, struct content_child *child);

#endif
