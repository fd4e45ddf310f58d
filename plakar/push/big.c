/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Large files, and those with holes.  Where a file is cut depends on all
 * before, so pieces are read and cut one after the other; but each piece is
 * hashed, compressed and sealed by the worker that read it while the next
 * worker reads the next piece.  Pieces finish in any order and are put
 * together in the file's.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/content/builder.h"
#include "plakar/format/pack.h"
#include "plakar/push/worker.h"
#include "plakar/write/session.h"

#define PARKED_MAX 64  /* finished pieces that wait for one before them */
#define ITEMS_MANY 512 /* chunks and holes: enough for a piece */

/* What one worker read in one go. */
struct piece {
	uint64_t seq;
	struct content_item *items; /* ids of chunks set later */
	size_t count, cap;
	bool exhausted; /* the file ends here */
};

struct bigfile {
	struct pending *p;
	int fd;
	bool sparse;
	unsigned attempt;

	/* Where reading is; one worker at a time, see work_take(). */
	uint64_t offset;
	uint64_t data_end; /* where the data at offset ends, or a hole begins */
	uint64_t next_seq;
	uint8_t *carry; /* bytes read, but not cut yet */
	size_t carry_len;
	bool read_failed;

	pthread_mutex_t lock; /* of all below */
	bool exhausted;
	unsigned in_flight;
	pthread_cond_t parking; /* next_done moved on */
	uint64_t next_done;     /* the piece that the builder needs next */
	struct piece *parked[PARKED_MAX];
	struct content_builder *builder;
};

/* A dry run has no session: nodes are counted as if they were there. */
static int
put_nowhere(void *ctx, enum chunk_kind kind, const void *data, size_t len,
    struct chunk_id *id, struct err *e)
{
	(void)ctx;
	(void)kind;
	(void)data;
	(void)len;
	(void)e;
	*id = (struct chunk_id){ { 0 } };
	return 0;
}

static void
start_reading(struct push_shared *shared, struct bigfile *big)
{
	struct chunk_sink sink = { .put = put_nowhere };

	if (shared->session != NULL)
		sink = session_sink(shared->session);
	content_builder_free(big->builder);
	big->builder = content_builder_new(&sink);
	big->sparse = big->p->st.stx_blocks * 512 < big->p->st.stx_size;
	big->offset = 0;
	big->data_end = big->sparse ? 0 : big->p->st.stx_size;
	big->next_seq = 0;
	big->next_done = 0;
	big->carry_len = 0;
	big->exhausted = false;
	big->read_failed = false;
}

struct bigfile *
bigfile_new(struct push_shared *shared, struct pending *p)
{
	struct bigfile *big = xcalloc(1, sizeof(*big));

	big->p = p;
	big->fd = -1;
	big->carry = xmalloc(shared->chunker.params.max);
	pthread_mutex_init(&big->lock, NULL);
	pthread_cond_init(&big->parking, NULL);
	start_reading(shared, big);
	return big;
}

static void
piece_free(struct piece *piece)
{
	if (piece != NULL)
		free(piece->items);
	free(piece);
}

static void
add_item(struct piece *piece, uint64_t len, bool hole)
{
	if (piece->count == piece->cap) {
		piece->cap = piece->cap * 2 + 64;
		piece->items = xreallocarray(
		    piece->items, piece->cap, sizeof(*piece->items));
	}
	piece->items[piece->count++] =
	    (struct content_item){ .len = len, .hole = hole };
}

void
bigfile_free(struct bigfile *big)
{
	for (size_t i = 0; i < PARKED_MAX; i++)
		piece_free(big->parked[i]);
	if (big->fd != -1)
		close(big->fd);
	content_builder_free(big->builder);
	pthread_mutex_destroy(&big->lock);
	pthread_cond_destroy(&big->parking);
	free(big->carry);
	free(big);
}

/*
 * At the end of data: find the next data, note the hole before it.  False at
 * the end of the file.
 */
static bool
next_data(struct bigfile *big, struct piece *piece)
{
	uint64_t size = big->p->st.stx_size, start = size;
	off_t at;

	if (!big->sparse || big->offset >= size)
		return false;
	at = lseek(big->fd, (off_t)big->offset, SEEK_DATA);
	if (at != -1)
		start = (uint64_t)at < size ? (uint64_t)at : size;
	else if (errno != ENXIO)
		start = big->offset; /* no holes are known here: all is data */
	if (start > big->offset)
		add_item(piece, start - big->offset, true);
	big->offset = start;
	if (start == size)
		return false;
	at = lseek(big->fd, (off_t)start, SEEK_HOLE);
	big->data_end = at == -1 || (uint64_t)at > size ? size : (uint64_t)at;
	/* A hole that was dug meanwhile: what is there reads as zeros. */
	if (big->data_end <= start)
		big->data_end = size;
	return true;
}

/* Read on up to data_end, as far as the buffer goes; false when it failed. */
static bool
read_data(struct worker *w, struct bigfile *big, size_t *filled)
{
	while (big->offset < big->data_end && *filled < WORKER_BUFFER) {
		uint64_t want = big->data_end - big->offset;
		ssize_t n;

		if (want > WORKER_BUFFER - *filled)
			want = WORKER_BUFFER - *filled;
		n = pread(big->fd, w->buffer + *filled, (size_t)want,
		    (off_t)big->offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		if (n == 0) {
			/* It was cut short: what is left is not there. */
			big->p->st.stx_size = big->offset;
			big->data_end = big->offset;
			break;
		}
		*filled += (size_t)n;
		big->offset += (uint64_t)n;
	}
	return true;
}

/* Note the chunks that worker_cut() made since job first. */
static void
note_chunks(struct worker *w, struct piece *piece, size_t first)
{
	for (size_t i = first; i < w->jobs_count; i++)
		add_item(piece, w->jobs[i].len, false);
}

/*
 * Read the next piece: what was carried, data, holes, until the buffer or
 * the list is full or the file ends.  False when reading failed.
 */
static bool
read_piece(struct worker *w, struct bigfile *big, struct piece *piece)
{
	size_t start = 0, filled = big->carry_len;

	memcpy(w->buffer, big->carry, big->carry_len);
	big->carry_len = 0;
	w->jobs_count = 0;
	for (;;) {
		bool last;
		size_t first = w->jobs_count;

		if (!read_data(w, big, &filled))
			return false;
		last = big->offset >= big->data_end;
		start += worker_cut(w, w->buffer + start, filled - start, last);
		note_chunks(w, piece, first);
		if (!last)
			break;
		if (!next_data(big, piece)) {
			piece->exhausted = true;
			return true;
		}
		if (piece->count >= ITEMS_MANY ||
		    WORKER_BUFFER - filled < w->shared->chunker.params.max)
			return true;
	}
	big->carry_len = filled - start;
	memcpy(big->carry, w->buffer + start, big->carry_len);
	return true;
}

/* The ids are known: put them into the piece; count its bytes. */
static void
set_ids(const struct worker *w, struct pending *p, struct piece *piece)
{
	size_t job = 0;
	uint64_t len = 0;

	for (size_t i = 0; i < piece->count; i++)
		if (!piece->items[i].hole) {
			memcpy(piece->items[i].id.bytes, w->jobs[job++].out,
			    CHUNK_ID_LEN);
			len += piece->items[i].len;
		}
	assert(job == w->jobs_count);
	atomic_fetch_add(&p->counted, len);
}

/*
 * Take piece, and give the builder all pieces whose turn has come.  *last:
 * the file is complete.
 */
static int
park(struct bigfile *big, struct piece *piece, bool *last, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&big->lock);
	big->parked[piece->seq % PARKED_MAX] = piece;
	while (rc == 0) {
		struct piece **slot = &big->parked[big->next_done % PARKED_MAX];

		if (*slot == NULL)
			break;
		for (size_t i = 0; i < (*slot)->count && rc == 0; i++)
			rc = content_builder_add(
			    big->builder, &(*slot)->items[i], e);
		piece_free(*slot);
		*slot = NULL;
		big->next_done++;
	}
	pthread_cond_broadcast(&big->parking);
	big->in_flight--;
	*last = big->exhausted && big->in_flight == 0;
	pthread_mutex_unlock(&big->lock);
	return rc;
}

/* All is read and stored: the entry, or once more if the file changed. */
static int
finish(struct worker *w, struct bigfile *big, bool *again, struct err *e)
{
	struct pending *p = big->p;
	bool changed = false;

	*again = false;
	if (big->read_failed) {
		push_unreadable(p, "cannot read");
	} else if (!push_still_same(big->fd, &p->st)) {
		if (big->attempt++ == 0) {
			start_reading(w->shared, big);
			*again = true;
			return 0;
		}
		changed = true;
	}
	if (push_capture(w->shared, p, dirref_fd(p->dir), big->fd, e) == -1)
		return -1;
	if (!big->read_failed &&
	    content_builder_finish(big->builder, &p->entry, e) == -1)
		return -1;
	p->entry.changed = changed;
	push_complete(w->shared, p);
	return 0;
}

/* Read the next piece of big, for which this worker has its turn. */
static struct piece *
take_piece(struct worker *w, struct bigfile *big)
{
	struct piece *piece = xcalloc(1, sizeof(*piece));

	piece->seq = big->next_seq++;
	if (!read_piece(w, big, piece)) {
		big->read_failed = true;
		piece->exhausted = true;
		piece->count = 0;
		w->jobs_count = 0;
	}
	return piece;
}

/*
 * Wait while too many pieces are parked behind a slow one.  False when the
 * push has failed meanwhile: that piece may never come.
 */
static bool
wait_for_parking(struct worker *w, struct bigfile *big)
{
	bool failed = false;

	pthread_mutex_lock(&big->lock);
	while (big->next_seq - big->next_done >= PARKED_MAX && !failed) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&big->parking, &big->lock, &until);
		failed = push_failed(w->shared);
	}
	pthread_mutex_unlock(&big->lock);
	return !failed;
}

int
worker_big(struct worker *w, struct bigfile *big, struct err *e)
{
	struct piece *piece;
	bool exhausted, last, again;

	if (big->fd == -1) {
		big->fd = push_open(w->shared, big->p);
		if (big->fd == -1) {
			work_big_read(w->shared->work, big, true);
			push_big_ended(w->shared, big);
			return 0;
		}
	}
	if (!wait_for_parking(w, big))
		return 0;
	piece = take_piece(w, big);
	exhausted = piece->exhausted;
	pthread_mutex_lock(&big->lock);
	big->in_flight++;
	big->exhausted = exhausted;
	pthread_mutex_unlock(&big->lock);
	work_big_read(w->shared->work, big, exhausted);

	if (worker_store_jobs(w, e) == -1) {
		piece_free(piece);
		return -1;
	}
	set_ids(w, big->p, piece);
	if (park(big, piece, &last, e) == -1)
		return -1;
	if (!last)
		return 0;
	if (finish(w, big, &again, e) == -1)
		return -1;
	if (again)
		work_return_big(w->shared->work, big);
	else
		push_big_ended(w->shared, big);
	return 0;
}

int
worker_big_alone(struct worker *w, struct pending *p, struct err *e)
{
	struct bigfile *big = bigfile_new(w->shared, p);
	struct piece *piece;
	bool last, again = true;
	int rc = 0;

	big->fd = push_open(w->shared, p);
	while (big->fd != -1 && again && rc == 0) {
		do {
			piece = take_piece(w, big);
			big->in_flight++;
			big->exhausted = piece->exhausted;
			rc = worker_store_jobs(w, e);
			if (rc == -1) {
				piece_free(piece);
				break;
			}
			set_ids(w, big->p, piece);
			rc = park(big, piece, &last, e);
		} while (rc == 0 && !last);
		if (rc == 0)
			rc = finish(w, big, &again, e);
	}
	bigfile_free(big);
	return rc;
}
