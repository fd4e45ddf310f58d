/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * xattrset: a file's extended attributes as bytes.
 *
 * Shape:  for each attribute, in ascending order of name: length varint,
 *         name, length varint, value.
 * Limits: a name is 1 to 255 bytes without zeros; a set 1 MiB.
 * Pure:   no I/O.
 * Source: doc/formats/plakar-repository.md, section 8.1.
 */
#ifndef PLAKAR_META_XATTRSET_H
#define PLAKAR_META_XATTRSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define XATTRSET_NAME_MAX 255
#define XATTRSET_MAX      (1024 * 1024)

struct buf;
struct err;

/* One attribute, borrowed from the set; its name is not terminated. */
struct xattr {
	const char *name;
	size_t name_len;
	const void *value;
	size_t value_len;
};

void xattrset_add(struct buf *set, const char *name, size_t name_len,
    const void *value, size_t value_len);

/*
 * The attribute at *offset, which is moved past it; false at the end.  Starts
 * with 0, and expects a set that xattrset_check() took.
 */
bool xattrset_next(const void *set, size_t len, size_t *offset,
    struct xattr *one) ATTR_CHECKED;

/* ERR_CORRUPT for bytes that are no set. */
int xattrset_check(const void *set, size_t len, struct err *e) ATTR_CHECKED;

/* Whether the set has an attribute of that name. */
bool xattrset_have(const void *set, size_t len, const char *name);

#endif
