/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * push: a snapshot of some directories.
 *
 * Flow:   the calling thread walks and, beside it, reads the parent's tree;
 *         what is unchanged is carried over unopened; the rest goes to
 *         workers, one a processor, each of which takes a run of small files
 *         or a piece of a large one from reading to sealed blocks; finished
 *         entries go, in order, into the tree.  Then index, then snapshot.
 * Memory: bounded, whatever the number and size of files.
 * Errors: what can't be read is reported, counted, and noted in the snapshot;
 *         a failing store ends the push.
 */
#ifndef PLAKAR_PUSH_PUSH_H
#define PLAKAR_PUSH_PUSH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/snapshot.h"

struct err;
struct repo;
struct walk_options;

/* What has happened so far; read by others while the push runs. */
struct push_counters {
	atomic_uint_fast64_t dirs, files; /* found: files are all non-dirs */
	atomic_uint_fast64_t unchanged;   /* of files: carried over */
	atomic_uint_fast64_t bytes_found; /* st_size of files found */
	atomic_uint_fast64_t bytes_done;  /* of these, dealt with */
	atomic_uint_fast64_t bytes_read;  /* of these, really read */
	atomic_uint_fast64_t new_bytes;   /* not in the repository before */
	atomic_uint_fast64_t stored;      /* bytes added to the store */
	atomic_uint_fast64_t errors;
	atomic_bool walked; /* everything was found */
};

/* A thing to tell the person; called by any thread, one at a time. */
enum push_note {
	PUSH_ERROR,   /* path could not be (wholly) saved: text says why */
	PUSH_WARNING, /* saved, but: text */
	PUSH_WHY,     /* path was read again because of text */
};
typedef void (*push_note_cb)(
    void *ctx, enum push_note note, const char *path, const char *text);

struct push_options {
	const char *const *roots;
	size_t roots_count;
	const struct walk_options *walk; /* what to leave out */
	const char *const *tags;
	size_t tags_count;
	int level;               /* of compression, or 0 to choose */
	bool no_verify;          /* don't decompress and compare each block */
	bool force;              /* read everything, whatever the parent says */
	bool dry_run;            /* read and count; store nothing */
	bool why;                /* give PUSH_WHY notes */
	unsigned jobs;           /* worker threads, or 0 for one a processor */
	uint64_t checkpoint;     /* bytes stored between partial snapshots */
	const atomic_bool *stop; /* set: leave a partial snapshot and end */
	push_note_cb note;
	void *note_ctx;
};

struct push_result {
	bool stored; /* a snapshot was made: name is set */
	bool partial;
	struct object_name name;
	struct node_sums sums;
};

/* repo has its index loaded. */
int push(struct repo *repo, const struct push_options *options,
    struct push_counters *counters, struct push_result *result,
    struct err *e) ATTR_CHECKED;

#endif
