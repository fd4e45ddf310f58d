/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Small files: many are read into one buffer, then cut, hashed and stored
 * together, so that the hash's lanes and the blocks are full.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/push/worker.h"

#define READ_ROOM (SMALL_MAX + 1) /* one more byte shows that it grew */

/* A file of the run, whose bytes are in the buffer. */
struct span {
	struct pending *p;
	const uint8_t *data;
	size_t len;
	size_t first_job;
};

/* The files read into the buffer so far. */
struct fill {
	struct span spans[BATCH_FILES];
	size_t count;
	size_t used; /* bytes of the buffer */

	/* Files that are large by now: their turn comes after the buffer's. */
	struct pending *outgrown[BATCH_FILES];
	size_t outgrown_count;
};

/* Up to READ_ROOM bytes of fd from its start, or -1. */
static ssize_t
read_from_start(int fd, uint8_t *to, size_t expected)
{
	size_t done = 0;

	/* Mostly one call: it returns less than asked, so that was all. */
	for (;;) {
		size_t want =
		    done <= expected ? expected + 1 - done : READ_ROOM - done;
		ssize_t n = pread(fd, to + done, want, (off_t)done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		done += (size_t)n;
		if ((size_t)n < want || done == READ_ROOM)
			return (ssize_t)done;
	}
}

/*
 * Read the file behind fd, once more if it changed meanwhile.  1: read, its
 * bytes are at to; 0: it can't be read, or is no small file any more.
 */
static int
read_stable(struct pending *p, uint64_t small_max, int fd, uint8_t *to,
    size_t *len, bool *outgrown)
{
	*outgrown = false;
	for (int attempt = 0; attempt < 2; attempt++) {
		ssize_t n = read_from_start(fd, to, p->st.stx_size);

		if (n == -1) {
			push_unreadable(p, "cannot read");
			*len = 0;
			return 1;
		}
		if (push_still_same(fd, &p->st) &&
		    (size_t)n == p->st.stx_size) {
			*len = (size_t)n;
			p->entry.changed = false;
			return 1;
		}
		if (p->st.stx_size > small_max) {
			*outgrown = true;
			return 0;
		}
		*len = (uint64_t)n <= small_max ? (size_t)n : (size_t)small_max;
		p->entry.changed = true;
	}
	return 1;
}

/* Read one file of the run into the buffer. */
static int
read_file(struct worker *w, struct pending *p, struct fill *fill, struct err *e)
{
	uint8_t *to = w->buffer + fill->used;
	int fd = push_open(w->shared, p), rc = 0;
	bool outgrown, changed;
	size_t len;

	if (fd == -1)
		return 0;
	if (read_stable(p, w->shared->small_max, fd, to, &len, &outgrown)) {
		changed = p->entry.changed;
		rc = push_capture(w->shared, p, dirref_fd(p->dir), fd, e);
		p->entry.changed = changed;
		p->entry.size = len;
		fill->spans[fill->count++] =
		    (struct span){ .p = p, .data = to, .len = len };
		fill->used += len;
	} else if (outgrown) {
		fill->outgrown[fill->outgrown_count++] = p;
	}
	close(fd);
	return rc;
}

/* Where a file's chunks are, from its jobs, into its entry. */
static void
list_chunks(const struct worker *w, const struct span *span, size_t end,
    struct buf *list)
{
	for (size_t i = span->first_job; i < end; i++) {
		struct content_item item = { .len = w->jobs[i].len };

		memcpy(item.id.bytes, w->jobs[i].out, CHUNK_ID_LEN);
		content_put(list, &item);
	}
	assert(end - span->first_job <= ENTRY_LIST_MAX);
	span->p->entry.content_kind = ENTRY_CONTENT_LIST;
	span->p->entry.content = list->data;
	span->p->entry.content_len = list->len;
}

/* Store what the buffer holds, and complete the files in it. */
static int
store_fill(struct worker *w, struct fill *fill, struct err *e)
{
	struct buf list = { 0 };

	w->jobs_count = 0;
	for (size_t i = 0; i < fill->count; i++) {
		struct span *span = &fill->spans[i];

		span->first_job = w->jobs_count;
		if (span->len > ENTRY_INLINE_MAX)
			worker_cut(w, span->data, span->len, true);
	}
	if (worker_store_jobs(w, e) == -1)
		return -1;
	for (size_t i = 0; i < fill->count; i++) {
		struct span *span = &fill->spans[i];
		struct entry *ent = &span->p->entry;
		size_t end =
		    i + 1 < fill->count ? span[1].first_job : w->jobs_count;

		buf_reset(&list);
		if (span->len > ENTRY_INLINE_MAX) {
			list_chunks(w, span, end, &list);
			atomic_store(&span->p->counted, span->len);
		} else if (span->len > 0) {
			ent->content_kind = ENTRY_CONTENT_INLINE;
			ent->content = span->data;
			ent->content_len = span->len;
		}
		push_complete(w->shared, span->p);
	}
	buf_free(&list);
	fill->count = 0;
	fill->used = 0;
	return 0;
}

int
worker_batch(struct worker *w, struct batch *batch, struct err *e)
{
	struct fill fill;

	fill.count = fill.used = fill.outgrown_count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		if (fill.used + READ_ROOM > WORKER_BUFFER &&
		    store_fill(w, &fill, e) == -1)
			return -1;
		if (read_file(w, batch->files[i], &fill, e) == -1)
			return -1;
	}
	if (store_fill(w, &fill, e) == -1)
		return -1;
	for (size_t i = 0; i < fill.outgrown_count; i++)
		if (worker_big_alone(w, fill.outgrown[i], e) == -1)
			return -1;
	return 0;
}
