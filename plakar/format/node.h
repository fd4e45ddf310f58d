/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * node: one node of the tree of entries.
 *
 * Shape:  doc/formats/plakar-repository.md, sections 8.2 and 8.3.
 * Errors: reading gives ERR_CORRUPT; keys that a reader hands out ascend.
 */
#ifndef PLAKAR_FORMAT_NODE_H
#define PLAKAR_FORMAT_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"
#include "lib/wire.h"
#include "plakar/format/ids.h"

#define NODE_LEN_MAX      786432 /* bytes of a node's encoding */
#define NODE_KEY_MAX      262144
#define NODE_LEVELS       32 /* at most, of a tree */
#define NODE_BOUNDARY_KEY 16 /* bytes */

struct err;

/* Order of keys: as byte strings.  Below, at or above zero. */
int node_key_compare(
    const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* What is below a node, or in a whole snapshot. */
struct node_sums {
	uint64_t dirs;
	uint64_t others; /* entries that are no directories */
	uint64_t bytes;  /* st_size of files */
	uint64_t errors; /* entries that were not wholly read */
};

void node_sums_add(struct node_sums *to, const struct node_sums *more);

struct node_item {
	const uint8_t *key;
	size_t key_len;

	/* In a leaf. */
	const uint8_t *entry;
	size_t entry_len;

	/* In an inner node. */
	struct chunk_id child;
	struct node_sums sums;
};

/* Collects the items of one node. */
struct node_writer {
	uint8_t level;
	size_t count;
	struct buf items; /* encoded */
	struct buf
	    last_key; /* the key before: the next is written against it */
};

/* "= {0}" starts a writer for level 0. */
void node_writer_free(struct node_writer *nw);

/* Whether item still fits below NODE_LEN_MAX. */
bool node_writer_fits(
    const struct node_writer *nw, const struct node_item *item);

/* Item's key must be above the last one's. */
void node_writer_add(struct node_writer *nw, const struct node_item *item);

/* Append the node's encoding to out and start an empty one. */
void node_writer_finish(struct node_writer *nw, struct buf *out);

/* Whether a node of this level ends after item. */
bool node_boundary(const uint8_t boundary_key[NODE_BOUNDARY_KEY], uint8_t level,
    const struct node_item *item);

struct node_reader {
	struct wire w;
	uint8_t level;
	size_t left; /* items not read yet */
	bool first;
	struct buf key;
};

/* Borrows data until node_reader_free(). */
int node_reader_open(struct node_reader *nr, const void *data, size_t len,
    struct err *e) ATTR_CHECKED;

/* 1 and *item (borrowed until the next call), 0 at the end, or -1. */
int node_reader_next(
    struct node_reader *nr, struct node_item *item, struct err *e) ATTR_CHECKED;
void node_reader_free(struct node_reader *nr);

#endif
