/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * snapshot: what a snapshot's object says, as a value and as bytes.
 *
 * Shape:     doc/formats/plakar-repository.md, section 9: the plaintext.
 * Ownership: a decoded snapshot owns all that it points to: snapshot_clear().
 *            Texts have no zero byte, but else any: escape what is printed.
 * Errors:    decoding gives ERR_CORRUPT.
 */
#ifndef PLAKAR_FORMAT_SNAPSHOT_H
#define PLAKAR_FORMAT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"
#include "plakar/format/node.h"

#define SNAPSHOT_LEN_MAX  (16u << 20)
#define SNAPSHOT_NAME_HEX 32 /* digits of a snapshot's id, as people see it */

struct buf;
struct err;

struct snapshot_time {
	uint64_t sec; /* since 1970, UTC */
	uint32_t nsec;
};

/* A user or group and its name at the time. */
struct snapshot_owner {
	uint32_t id;
	char *name;
};

struct snapshot_owners {
	struct snapshot_owner *list;
	size_t count;
};

struct snapshot {
	struct snapshot_time start, end;
	char *host, *user;
	char **roots; /* absolute paths */
	size_t roots_count;
	char **tags;
	size_t tags_count;
	bool empty; /* no tree */
	struct chunk_id tree;
	struct node_sums sums;
	bool has_parent, has_previous;
	struct object_name parent, previous;
	bool partial;
	uint64_t new_chunks, new_bytes, stored_bytes;
	struct snapshot_owners users, groups;
	char *program; /* NULL: not said */
};

void snapshot_clear(struct snapshot *s);
void snapshot_encode(const struct snapshot *s, struct buf *out);
int snapshot_decode(const void *data, size_t len, struct snapshot *s,
    struct err *e) ATTR_CHECKED;

/* The name that an id had, or NULL.  Borrowed. */
const char *snapshot_owner_name(
    const struct snapshot_owners *owners, uint32_t id);

#endif
