/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * key: a path as the key of its entry in a tree.
 *
 * Shape:  each component of the parent directory followed by a zero byte,
 *         one more zero byte, then the name; "/" is the empty key.  So
 *         /a/b/c is "a\0b\0\0c", and byte order is the order of a walk that
 *         lists a directory and then enters its subdirectories.
 *         A directory's *stem* is what all below it begin with: its
 *         components, each followed by a zero byte ("" for "/").  A child's
 *         key is the stem, a zero byte, the name; a deeper one's is the
 *         stem, then the key that it would have if the directory were "/".
 * Limits: KEY_MAX bytes.  No component is empty, "." or "..", or holds '/'.
 * Pure:   no I/O, no state.
 * Source: doc/formats/plakar-repository.md, section 8.1.
 */
#ifndef PLAKAR_FORMAT_KEY_H
#define PLAKAR_FORMAT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define KEY_MAX 262144 /* bytes */

struct buf;
struct err;

/* Whether these bytes are the key of a path.  All else here expects so. */
bool key_valid(const void *key, size_t len);

/*
 * Append the key of an absolute path of len bytes.  Repeated and trailing
 * slashes and "." components don't matter.  ERR_USAGE: not absolute, or has
 * a zero byte or "..".  ERR_LIMIT.  On failure out is as before.
 */
int key_from_path(
    const char *path, size_t len, struct buf *out, struct err *e) ATTR_CHECKED;

/* Append the absolute path. */
void key_to_path(const void *key, size_t len, struct buf *out);

/* Append the stem of the directory that has this key. */
void key_stem(const void *key, size_t len, struct buf *out);

/* How many bytes of the key are the stem of its parent; not for "/". */
size_t key_parent_stem_len(const void *key, size_t len);

/* Append the key of the directory whose stem this is. */
void key_from_stem(const void *stem, size_t len, struct buf *out);

/* Append the key of name in the directory that has this stem. */
void key_child(const void *stem, size_t stem_len, const void *name,
    size_t name_len, struct buf *out);

/* Append the key of the parent directory.  False for "/", which has none. */
bool key_parent(const void *key, size_t len, struct buf *out) ATTR_CHECKED;

/* The last component, borrowed from key; empty for "/". */
const char *key_name(const void *key, size_t len, size_t *name_len);

/*
 * Append to low and high the bounds of the keys of a directory's children,
 * or of all its descendants: low <= key < high.  An empty high is no bound.
 */
void key_children(
    const void *key, size_t len, struct buf *low, struct buf *high);
void key_descendants(
    const void *key, size_t len, struct buf *low, struct buf *high);

#endif
