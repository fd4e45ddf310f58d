/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * worker: one of the threads of a push: takes work and runs it from reading
 * files to sealed blocks.
 */
#ifndef PLAKAR_PUSH_WORKER_H
#define PLAKAR_PUSH_WORKER_H

#include <pthread.h>

#include "lib/attr.h"
#include "lib/err.h"
#include "plakar/chunk/chunker.h"
#include "plakar/format/content.h"
#include "plakar/format/pack.h"
#include "plakar/hash/sha256.h"
#include "plakar/push/push.h"
#include "plakar/push/work.h"

struct packer;
struct repo;
struct session;

/* Room for a full block and a chunk that is not decided yet. */
#define WORKER_BUFFER ((size_t)BLOCK_PAYLOAD_MAX + CHUNKER_MAX)

/* What all threads of a push share. */
struct push_shared {
	struct repo *repo;
	const struct push_options *options;
	struct push_counters *counters;
	struct chunker chunker;
	uint64_t small_max; /* bytes of a small file: its list fits the entry */
	struct session *session; /* NULL: a dry run */
	struct ring *ring;
	struct work *work;

	pthread_mutex_t lock; /* of all below, and of notes */
	bool failed;
	struct err error;
	struct bigfile **bigs;
	size_t bigs_count;
};

struct worker {
	struct push_shared *shared;
	struct packer *packer; /* NULL: a dry run */
	pthread_t thread;
	uint8_t *buffer; /* WORKER_BUFFER bytes */
	struct id_job *jobs;
	size_t jobs_count, jobs_cap;
};

/* The thread's function; arg is its struct worker. */
void *worker_run(void *arg);

/* Set up w and free what it holds; the thread is the caller's. */
void worker_init(struct worker *w, struct push_shared *shared);
void worker_clear(struct worker *w);

/* Give up the push because of e. */
void push_fail(struct push_shared *shared, const struct err *e);
bool push_failed(struct push_shared *shared);
void push_note(struct push_shared *shared, enum push_note note,
    const char *path, const char *text);

/*
 * Cut len bytes at data into jobs of w; returns how many bytes are dealt
 * with: all when last, else up to the last cut that is certain.
 */
size_t worker_cut(struct worker *w, const uint8_t *data, size_t len, bool last);

/* Compute the ids of the jobs, and store the chunks that are new. */
int worker_store_jobs(struct worker *w, struct err *e) ATTR_CHECKED;

/*
 * Fill in all of p's entry but its content: from its stat and from p->name
 * in dirfd, which fd has open, or -1.  What can't be read becomes the entry's error.  Fails for a link
 * whose target can't be read, and when the store does.
 */
int push_capture(struct push_shared *shared, struct pending *p, int dirfd,
    int fd, struct err *e) ATTR_CHECKED;

/* p could not be read: push_capture() notes it, with what errno says. */
void push_unreadable(struct pending *p, const char *what);

/* p's entry is complete: encode it, count it, and hand it to the tree. */
void push_complete(struct push_shared *shared, struct pending *p);

/* p is not to be in the snapshot: it vanished. */
void push_vanished(struct push_shared *shared, struct pending *p);

/* Open p's file; -1, with p completed or dropped, when that can't be. */
int push_open(struct push_shared *shared, struct pending *p);

/* Whether the file behind fd is still what st said.  Renews st. */
bool push_still_same(int fd, struct statx *st);

/* small.c: a run of small files. */
int worker_batch(
    struct worker *w, struct batch *batch, struct err *e) ATTR_CHECKED;

/* big.c: a large file; see there. */
struct bigfile *bigfile_new(struct push_shared *shared, struct pending *p);
void bigfile_free(struct bigfile *big);

/*
 * The large files that workers deal with: noted when one begins, so that a
 * push that fails can free them all when its threads have ended.
 */
void push_big_begins(struct push_shared *shared, struct bigfile *big);
void push_big_ended(struct push_shared *shared, struct bigfile *big);

int worker_big(
    struct worker *w, struct bigfile *big, struct err *e) ATTR_CHECKED;

/* Read all of p, a file that outgrew a batch, in this thread. */
int worker_big_alone(
    struct worker *w, struct pending *p, struct err *e) ATTR_CHECKED;

#endif
