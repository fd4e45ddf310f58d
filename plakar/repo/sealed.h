/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sealed: small objects that only who may read metadata can open: snapshots
 * and tombstones.
 *
 * Shape:  doc/formats/plakar-repository.md, sections 9 and 10.
 * Errors: ERR_CORRUPT when an object is not what was stored: its bytes are
 *         held against its name first.  ERR_NOT_FOUND, ERR_DENIED,
 *         ERR_UNSUPPORTED.
 */
#ifndef PLAKAR_REPO_SEALED_H
#define PLAKAR_REPO_SEALED_H

#include <stddef.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"
#include "plakar/store/store.h"

#define SEALED_MAGIC_LEN 8
#define SEALED_LEN_MAX   (16u << 20)
#define SEALED_SNAPSHOT  "PLKRsnap"
#define SEALED_TOMBSTONE "PLKRtomb"

struct buf;
struct err;
struct repo;

/* Store len bytes, durable when this returns, and say under which name. */
int sealed_store(struct repo *repo, enum store_kind kind, const char *magic,
    const void *data, size_t len, struct object_name *name,
    struct err *e) ATTR_CHECKED;

/*
 * Append what is sealed in the object to out.  1, or 0 when it is of another
 * magic, or -1.
 */
int sealed_load(struct repo *repo, enum store_kind kind, const char *magic,
    const struct object_name *name, struct buf *out,
    struct err *e) ATTR_CHECKED;

#endif
