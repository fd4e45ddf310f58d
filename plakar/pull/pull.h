/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * pull: a snapshot, or a part of it, back into a file system.
 *
 * Flow:   the calling thread reads the tree in order, makes directories and
 *         special files, and opens files; workers, one a processor, take
 *         runs of chunks, sorted by where they are stored, so that each
 *         block is opened once, verify and write them; when all is written,
 *         directories get their metadata, children before parents.
 * Memory: bounded, whatever the number and size of files; but for one word
 *         for each group of hard links that isn't complete.
 * Errors: what can't be restored is reported and counted, and nothing wrong
 *         is left in its place; all else is restored.  A full disk ends it.
 */
#ifndef PLAKAR_PULL_PULL_H
#define PLAKAR_PULL_PULL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"
#include "plakar/restore/target.h"

struct err;
struct repo;
struct snapshot;

/* What has happened so far; read by others while the pull runs. */
struct pull_counters {
	atomic_uint_fast64_t dirs_total, files_total, bytes_total;
	atomic_uint_fast64_t dirs, files, bytes;
	atomic_uint_fast64_t errors;
};

enum pull_note {
	PULL_ERROR,   /* path was not restored: text says why */
	PULL_WARNING, /* restored, but: text */
	PULL_DONE,    /* with options.tell: text says what was done */
};
typedef void (*pull_note_cb)(
    void *ctx, enum pull_note note, const char *path, const char *text);

struct pull_options {
	const char *path; /* what to restore: "/" is all */
	const char *to;   /* directory in which full paths are restored */
	enum target_overwrite overwrite;
	bool delete;   /* remove what the snapshot does not have */
	bool dry_run;  /* say what would be done */
	bool tell;     /* PULL_DONE notes */
	unsigned jobs; /* worker threads, or 0 for one a processor */
	const atomic_bool *stop;
	pull_note_cb note; /* by any thread, one at a time */
	void *note_ctx;
	/* Or NULL: the directory is there (but for dry_run), no thread yet. */
	void (*begin)(void *ctx);
	void *begin_ctx;
};

struct pull_result {
	uint64_t counts[TARGET_COUNTS];
	bool stopped;
	bool incomplete;      /* something was not restored */
	struct buf shortfall; /* one line that says what, or empty; owned */
};

/* repo has its index loaded.  ERR_NOT_FOUND: snap has no such path. */
int pull(struct repo *repo, const struct snapshot *snap,
    const struct pull_options *options, struct pull_counters *counters,
    struct pull_result *result, struct err *e) ATTR_CHECKED;

#endif
