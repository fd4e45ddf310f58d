/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * work: what waits for a worker: runs of small files, and large files of
 * which several workers may read and store pieces at the same time.
 *
 * Threads: work_put_*() block while much is waiting.
 */
#ifndef PLAKAR_PUSH_WORK_H
#define PLAKAR_PUSH_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "plakar/push/ring.h"

#define BATCH_FILES 128
#define BATCH_BYTES (768u << 10)
#define SMALL_MAX   (256u << 10) /* bytes: above, no file is small */

struct bigfile;
struct work;

/* A run of small files. */
struct batch {
	struct pending *files[BATCH_FILES];
	size_t count;
	size_t bytes;
};

enum work_kind {
	WORK_NONE, /* closed, or failed: the worker ends */
	WORK_BATCH,
	WORK_BIG,
	WORK_FLUSH, /* make durable what the worker has open: work_flushed() */
};

/* For that many workers. */
struct work *work_new(unsigned workers);
void work_free(struct work *w);

/* Both take what they are given. */
void work_put_batch(struct work *w, struct batch *batch);
void work_put_big(struct work *w, struct bigfile *big);

/* A large file that a worker had taken is to be read again; never blocks. */
void work_return_big(struct work *w, struct bigfile *big);

/* No more will be put; workers end when nothing is left. */
void work_close(struct work *w);

/*
 * Ask every worker to flush between two works, and wait until all did, or
 * until the work is cancelled.
 */
void work_flush(struct work *w);
void work_flushed(struct work *w);

/* Workers end at once; whatever waits stays. */
void work_cancel(struct work *w);

/*
 * The next thing to do.  A batch is the caller's.  A large file is the
 * caller's to read a piece of; work_big_read() ends that, and when nothing of
 * it is left to read, the file waits for no other worker.  *flushes counts
 * the worker's flushes: 0 at first, and not to be touched.
 */
enum work_kind work_take(struct work *w, unsigned *flushes,
    struct batch **batch, struct bigfile **big);
void work_big_read(struct work *w, struct bigfile *big, bool exhausted);

#endif
