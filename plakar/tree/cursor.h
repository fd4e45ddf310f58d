/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * cursor: reads a tree of entries in order of key, either way, from any key
 * on, holding one node a level in memory.
 */
#ifndef PLAKAR_TREE_CURSOR_H
#define PLAKAR_TREE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/chunkio.h"
#include "plakar/format/node.h"

struct err;
struct tree_cursor;

/* root NULL is the empty tree.  Stands before the first entry. */
struct tree_cursor *tree_cursor_new(
    const struct chunk_source *source, const struct chunk_id *root);
void tree_cursor_free(struct tree_cursor *tc);

/* Go to before the first entry whose key is not below key. */
int tree_cursor_seek(struct tree_cursor *tc, const uint8_t *key, size_t key_len,
    struct err *e) ATTR_CHECKED;

/* Go to after the last entry. */
int tree_cursor_end(struct tree_cursor *tc, struct err *e) ATTR_CHECKED;

/*
 * Step over one entry.  1 and *item, which is a leaf's and borrowed until
 * the next call; 0 when there is none; -1.
 */
int tree_cursor_next(
    struct tree_cursor *tc, struct node_item *item, struct err *e) ATTR_CHECKED;
int tree_cursor_prev(
    struct tree_cursor *tc, struct node_item *item, struct err *e) ATTR_CHECKED;

/* 1 and *item when key is in the tree, 0 when not, -1. */
int tree_cursor_find(struct tree_cursor *tc, const uint8_t *key, size_t key_len,
    struct node_item *item, struct err *e) ATTR_CHECKED;

#endif
