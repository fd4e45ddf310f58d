/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * field: lists of tagged values, which config, snapshots and tombstones are
 * made of.
 *
 * Shape:  tag varint, length varint, value; tags ascend, and may repeat.  Who
 *         reads skips the tags that it does not know.
 * Errors: ERR_CORRUPT.
 * Source: doc/formats/plakar-repository.md, section 3.
 */
#ifndef PLAKAR_FORMAT_FIELD_H
#define PLAKAR_FORMAT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/wire.h"

struct buf;
struct err;

/* One field; data borrows from the list. */
struct field {
	uint64_t tag;
	const uint8_t *data; /* never NULL */
	size_t len;
	bool again; /* the field before has the same tag */
};

struct field_reader {
	struct wire w;
	uint64_t last; /* tag */
	bool any;
};

void field_reader_init(struct field_reader *fr, const void *data, size_t len);

/* 1 and *f, 0 at the end, -1. */
int field_next(
    struct field_reader *fr, struct field *f, struct err *e) ATTR_CHECKED;

/* The value as what it must be; else an error that names the tag. */
int field_u8(const struct field *f, uint8_t *v, struct err *e) ATTR_CHECKED;
int field_u64(const struct field *f, uint64_t *v, struct err *e) ATTR_CHECKED;
int field_bytes(
    const struct field *f, void *out, size_t len, struct err *e) ATTR_CHECKED;

/* Fields must be put in ascending order of tag. */
void field_put(struct buf *out, uint64_t tag, const void *data, size_t len);
void field_put_u8(struct buf *out, uint64_t tag, uint8_t v);
void field_put_u64(struct buf *out, uint64_t tag, uint64_t v);
void field_put_str(struct buf *out, uint64_t tag, const char *s);

#endif
