/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ids: the names of things in a repository.
 *
 * Source: doc/formats/plakar-repository.md, sections 1 and 2.
 */
#ifndef PLAKAR_FORMAT_IDS_H
#define PLAKAR_FORMAT_IDS_H

#include <stdint.h>

#define CHUNK_ID_LEN    16
#define OBJECT_NAME_LEN 32 /* SHA-256 of an object's bytes */
#define REPO_ID_LEN     16

/* HMAC of a chunk's bytes under the id key of its kind. */
struct chunk_id {
	uint8_t bytes[CHUNK_ID_LEN];
};

struct object_name {
	uint8_t bytes[OBJECT_NAME_LEN];
};

enum chunk_kind {
	CHUNK_DATA = 1,
	CHUNK_TREE,
	CHUNK_CONTENT,
	CHUNK_XATTR,
};

#define CHUNK_KINDS 4

/* What a pack holds; never both. */
enum chunk_class {
	CLASS_DATA = 1,
	CLASS_METADATA,
};

static inline enum chunk_class
chunk_class_of(enum chunk_kind kind)
{
	return kind == CHUNK_DATA ? CLASS_DATA : CLASS_METADATA;
}

#endif
