/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * compare: whether an open file holds what an entry says, without reading
 * anything but the file and the entry's content list.
 */
#ifndef PLAKAR_PULL_COMPARE_H
#define PLAKAR_PULL_COMPARE_H

#include "lib/attr.h"
#include "plakar/format/chunkio.h"
#include "plakar/hash/sha256.h"

struct entry;
struct err;

/* 1: it does; 0: it differs; -1: that can't be told. */
int pull_compare(const struct chunk_source *source, const struct id_key *key,
    const struct entry *ent, int fd, struct err *e) ATTR_CHECKED;

#endif
