/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * writer: the workers of a pull: from batches of pieces of files to files.
 */
#ifndef PLAKAR_PULL_WRITER_H
#define PLAKAR_PULL_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/attr.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "plakar/format/content.h"
#include "plakar/format/entry.h"
#include "plakar/pull/pull.h"
#include "plakar/restore/target.h"

#define BATCH_PIECES 512
#define BATCH_BYTES  (4u << 20)
#define BATCH_FILES  40 /* a file being written holds two descriptors */

struct reader;
struct workq;

/* What all threads of a pull share. */
struct pull_shared {
	struct repo *repo;
	const struct pull_options *options;
	struct pull_counters *counters;
	struct target *target;
	struct reader *reader; /* of data */
	struct workq *queue;   /* of struct pull_batch */

	pthread_mutex_t lock; /* of all below, and of notes */
	bool failed;          /* nothing more can be written */
	struct err error;
};

/* A file on its way; freed when its last piece is written. */
struct pull_file {
	struct target_file target;
	struct buf encoded; /* what entry borrows from */
	struct entry entry;
	struct buf xattrs;
	char *path;
	atomic_uint pieces; /* not written yet, and 1 until all are known */
	atomic_bool failed;
};

/* A chunk and where it goes. */
struct pull_piece {
	struct pull_file *file;
	uint64_t offset;
	struct content_item item;
};

struct pull_batch {
	struct pull_piece pieces[BATCH_PIECES];
	size_t count, bytes, files;
};

/* A worker's thread; arg is the struct pull_shared. */
void *pull_worker(void *arg);

/* One piece, or the knowledge that there are no more, is done with. */
void pull_piece_done(struct pull_shared *shared, struct pull_file *file);

/* file can't be restored because of e. */
void pull_file_fail(
    struct pull_shared *shared, struct pull_file *file, const struct err *e);

void pull_note(struct pull_shared *shared, enum pull_note note,
    const char *path, const char *text);

/* Count and report a path that was not restored; ends all on a full disk. */
void pull_error(
    struct pull_shared *shared, const char *path, const struct err *e);
bool pull_failed(struct pull_shared *shared);

#endif
