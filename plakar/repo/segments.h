/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * segments: index segments as objects of the store.
 *
 * Shape:  doc/formats/plakar-repository.md, section 7.
 * Errors: ERR_CORRUPT when an object is not what was stored.
 */
#ifndef PLAKAR_REPO_SEGMENTS_H
#define PLAKAR_REPO_SEGMENTS_H

#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"

struct err;
struct repo;
struct segment;

/* Store seg, whose rows are sorted, durable when this returns. */
int segments_store(struct repo *repo, const struct segment *seg,
    struct object_name *name, uint64_t *stored, struct err *e) ATTR_CHECKED;

int segments_load(struct repo *repo, const struct object_name *name,
    struct segment *seg, struct err *e) ATTR_CHECKED;

#endif
