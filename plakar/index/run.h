/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * run: a sorted part of the index in the cache folder, mapped, not loaded.
 *
 * A run holds the rows of one or more index segments, the packs and block
 * offsets that they name, and a Bloom filter of the ids.  It is written once,
 * under a temporary name, synced and renamed; it may be deleted at any time,
 * also while others have it mapped.  Its bytes are in this machine's order:
 * it never leaves the machine.
 *
 * Errors: run_open() gives ERR_CORRUPT for a file that is no whole run; the
 *         caller then deletes it and makes it again.
 * Threads: an open run is read-only and may be shared.
 */
#ifndef PLAKAR_INDEX_RUN_H
#define PLAKAR_INDEX_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/segment.h"

struct err;

struct run_pack {
	struct object_name name;
	uint32_t class;
	uint32_t size;
	uint32_t first; /* place of its first block offset */
	uint32_t blocks;
};

struct run {
	char *path;
	void *map;
	size_t map_len;
	size_t covers_count, packs_count, offsets_count, rows_count;
	const struct object_name *covers; /* the segments that it holds */
	const struct run_pack *packs;
	const uint32_t *offsets;
	const uint64_t *filter;
	size_t filter_lines;
	const struct segment_row *rows;
};

int run_open(const char *path, struct run **out, struct err *e) ATTR_CHECKED;

/* Unmap; the file stays.  NULL is allowed. */
void run_close(struct run *run);

/* The row of id, or NULL.  Rows with bad references are not found. */
const struct segment_row *run_find(
    const struct run *run, const struct chunk_id *id);

/*
 * Give back the pages that were touched, which count as this process's
 * memory.  They stay in the system's cache.
 */
void run_release(const struct run *run);

/* Write seg, the content of the segment object name, as a run into dir. */
int run_write(const char *dir, const struct segment *seg,
    const struct object_name *name, struct run **out,
    struct err *e) ATTR_CHECKED;

/* Write the union of n runs as one run into dir. */
int run_merge(const char *dir, struct run *const *runs, size_t n,
    struct run **out, struct err *e) ATTR_CHECKED;

#endif
