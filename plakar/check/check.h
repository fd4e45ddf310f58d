/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * check: is what was saved still there, and right?
 *
 * Structure: every object that small ones name is there; every index segment
 *            and snapshot is what was stored; every chunk that a snapshot
 *            needs is in the index, in a pack that exists with its length.
 * Data:      beside that, every pack is read: its hash, the seal and the
 *            decompression of each block, the id of each chunk.
 * Keyless:   every object's bytes are held against its name: no key needed.
 *
 * Nothing is changed.  Whatever is found is told, and the check goes on.
 */
#ifndef PLAKAR_CHECK_CHECK_H
#define PLAKAR_CHECK_CHECK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/attr.h"

struct err;
struct repo;
struct snapshot_ref;
struct store;

struct check_counters {
	atomic_uint_fast64_t objects_total, objects;
	atomic_uint_fast64_t bytes_total, bytes;
	atomic_uint_fast64_t problems;
};

/* What was found; by any thread, one at a time. */
struct check_report {
	/* An object of the store is damaged, missing or strange. */
	void (*object)(void *ctx, const char *name, const char *text);
	/* A path of a snapshot is damaged. */
	void (*path)(void *ctx, const struct snapshot_ref *ref,
	    const char *path, const char *text);
	/* A snapshot was looked at. */
	void (*snapshot)(void *ctx, const struct snapshot_ref *ref, bool ok);
	void *ctx;
};

struct check_options {
	bool data;
	unsigned jobs; /* threads that read packs, or 0 for one a processor */
	const char *snapshot; /* only this one's tree, or NULL for all */
	const atomic_bool *stop;
	struct check_report report;
};

/*
 * Opens the index of repo itself.  0 when the check could be made, whatever
 * it found: counters->problems says.  ERR_CANCELLED when it was stopped.
 */
int check_repository(struct repo *repo, const struct check_options *options,
    struct check_counters *counters, struct err *e) ATTR_CHECKED;

int check_keyless(struct store *store, const struct check_options *options,
    struct check_counters *counters, struct err *e) ATTR_CHECKED;

#endif
