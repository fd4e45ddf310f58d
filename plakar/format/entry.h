/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * entry: everything that a snapshot knows about one path, but its path.
 *
 * Shape:     doc/formats/plakar-repository.md, section 8.1.
 * Ownership: pointers in a decoded entry borrow from the encoded bytes; those
 *            in an entry to be encoded belong to whoever filled it in.
 * Errors:    entry_decode() gives ERR_CORRUPT, and an entry it accepts obeys
 *            every rule of that section.
 */
#ifndef PLAKAR_FORMAT_ENTRY_H
#define PLAKAR_FORMAT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"

#define ENTRY_INLINE_MAX 96    /* bytes of content kept in the entry */
#define ENTRY_LIST_MAX   32    /* content items kept in the entry */
#define ENTRY_TARGET_MAX 65535 /* bytes of a link's target */
#define ENTRY_XATTRS_MAX 512   /* bytes of an attribute set kept here */
#define ENTRY_ERROR_MAX  1024  /* bytes of an error's text */

struct buf;
struct err;

enum entry_type {
	ENTRY_FILE = 1,
	ENTRY_DIR,
	ENTRY_SYMLINK,
	ENTRY_FIFO,
	ENTRY_SOCKET,
	ENTRY_CHAR,
	ENTRY_BLOCK,
};

enum entry_content {
	ENTRY_CONTENT_NONE,
	ENTRY_CONTENT_INLINE, /* content, content_len: the bytes themselves */
	ENTRY_CONTENT_LIST,   /* content, content_len: encoded items, 8.4 */
	ENTRY_CONTENT_TREE,   /* content_id: root of the content tree */
};

struct entry_time {
	int64_t sec;
	uint32_t nsec; /* below 1,000,000,000 */
};

struct entry {
	enum entry_type type;
	uint32_t mode; /* low 12 bits of st_mode */
	uint32_t uid, gid;
	uint64_t size;
	struct entry_time mtime, ctime, btime;
	bool has_btime;
	uint64_t ino;

	/* Set for entries other than directories with more than one link. */
	uint32_t nlink; /* 0 when not recorded */
	uint32_t dev_major, dev_minor;

	uint32_t rdev_major, rdev_minor; /* devices only */
	const uint8_t *target;           /* symbolic links only */
	size_t target_len;
	uint32_t inode_flags;

	/* The attribute set: here (xattrs_len > 0), elsewhere, or none. */
	const uint8_t *xattrs;
	size_t xattrs_len;
	bool has_xattrs_id;
	struct chunk_id xattrs_id;

	enum entry_content content_kind;
	const uint8_t *content;
	size_t content_len;
	struct chunk_id content_id;

	bool changed; /* while it was read */
	bool recorded_only;
	const char *error; /* not terminated; error_len > 0 when set */
	size_t error_len;
};

/* Append the encoding of ent, which must obey the section's rules. */
void entry_encode(const struct entry *ent, struct buf *out);

/* Decode exactly len bytes at data. */
int entry_decode(const void *data, size_t len, struct entry *ent,
    struct err *e) ATTR_CHECKED;

/*
 * Whether content of a file can be taken over from its entry in an earlier
 * snapshot: size, mtime, ctime and inode are equal.
 */
bool entry_same_version(const struct entry *a, const struct entry *b);

#endif
