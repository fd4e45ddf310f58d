/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/workq.h"
#include "plakar/hash/sha256.h"
#include "plakar/index/index.h"
#include "plakar/read/reader.h"
#include "plakar/repo/repo.h"

#include "plakar/pull/writer.h"

/* A piece, where it is stored. */
struct located {
	struct index_place place;
	const struct pull_piece *piece;
	const uint8_t *data; /* in its block, while that is open */
};

/* A worker's own memory. */
struct bench {
	struct located located[BATCH_PIECES];
	struct id_job jobs[BATCH_PIECES];
};

void
pull_note(struct pull_shared *shared, enum pull_note note, const char *path,
    const char *text)
{
	pthread_mutex_lock(&shared->lock);
	if (shared->options->note != NULL)
		shared->options->note(
		    shared->options->note_ctx, note, path, text);
	pthread_mutex_unlock(&shared->lock);
}

/* Errors after which no other file would fare better. */
static bool
is_fatal(const struct err *e)
{
	return e->kind == ERR_SYSTEM &&
	    (e->errnum == ENOSPC || e->errnum == EDQUOT || e->errnum == EROFS);
}

void
pull_error(struct pull_shared *shared, const char *path, const struct err *e)
{
	atomic_fetch_add(&shared->counters->errors, 1);
	pull_note(shared, PULL_ERROR, path, e->msg);
	if (!is_fatal(e))
		return;
	pthread_mutex_lock(&shared->lock);
	if (!shared->failed) {
		shared->failed = true;
		shared->error = *e;
	}
	pthread_mutex_unlock(&shared->lock);
}

bool
pull_failed(struct pull_shared *shared)
{
	bool failed;

	pthread_mutex_lock(&shared->lock);
	failed = shared->failed;
	pthread_mutex_unlock(&shared->lock);
	return failed;
}

void
pull_file_fail(
    struct pull_shared *shared, struct pull_file *file, const struct err *e)
{
	/* One report a file is enough. */
	if (!atomic_exchange(&file->failed, true))
		pull_error(shared, file->path, e);
}

static void
finish_file(struct pull_shared *shared, struct pull_file *file)
{
	bool ok = !atomic_load(&file->failed);
	struct err e;

	if (target_file_end(&file->target, file->xattrs.data, file->xattrs.len,
		ok, &e) == -1)
		pull_file_fail(shared, file, &e);
	if (atomic_load(&file->failed)) {
		if (file->entry.nlink > 0)
			target_link_forget(shared->target, &file->entry);
	} else {
		atomic_fetch_add(&shared->counters->files, 1);
	}
	buf_free(&file->encoded);
	buf_free(&file->xattrs);
	free(file->path);
	free(file);
}

void
pull_piece_done(struct pull_shared *shared, struct pull_file *file)
{
	if (atomic_fetch_sub(&file->pieces, 1) == 1)
		finish_file(shared, file);
}

static int
compare_places(const void *a, const void *b)
{
	const struct located *x = a, *y = b;
	int order = memcmp(&x->place.pack, &y->place.pack, OBJECT_NAME_LEN);

	if (order != 0)
		return order;
	if (x->place.offset != y->place.offset)
		return x->place.offset < y->place.offset ? -1 : 1;
	return (x->place.slot > y->place.slot) -
	    (x->place.slot < y->place.slot);
}

/* Find where each piece of the batch is; returns how many are known. */
static size_t
locate(struct pull_shared *shared, const struct pull_batch *batch,
    struct located *located)
{
	size_t n = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const struct pull_piece *piece = &batch->pieces[i];
		struct err e;

		if (index_find(shared->repo->index, &piece->item.id,
			&located[n].place)) {
			located[n++].piece = piece;
			continue;
		}
		err_set(&e, ERR_NOT_FOUND,
		    "a chunk of it is missing from the repository");
		pull_file_fail(shared, piece->file, &e);
	}
	if (n > 1)
		qsort(located, n, sizeof(*located), compare_places);
	return n;
}

static int
write_at(const struct pull_piece *piece, const uint8_t *data, size_t len,
    struct err *e)
{
	uint64_t offset = piece->offset;

	while (len > 0) {
		ssize_t n =
		    pwrite(piece->file->target.fd, data, len, (off_t)offset);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err_sys(e, "cannot write");
			return -1;
		}
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* How many of n located chunks stand together in memory and in their file. */
static size_t
run_length(const struct located *l, size_t n, size_t *len)
{
	size_t i = 1;

	*len = (size_t)l->piece->item.len;
	while (i < n && l[i].piece->file == l->piece->file &&
	    l[i].piece->offset == l->piece->offset + *len &&
	    l[i].data == l->data + *len) {
		*len += (size_t)l[i].piece->item.len;
		i++;
	}
	return i;
}

/* Point each piece at its chunk in block; wrong ones fail their file. */
static size_t
find_chunks(struct pull_shared *shared, const struct open_block *block,
    struct located *l, size_t n, struct id_job *jobs)
{
	size_t good = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pull_piece *piece = l[i].piece;
		const uint8_t *data;
		size_t len;
		struct err e;

		if (open_block_chunk(block, l[i].place.slot, CHUNK_DATA, &data,
			&len, &e) == -1) {
			pull_file_fail(shared, piece->file, &e);
		} else if (len != piece->item.len) {
			err_set(&e, ERR_CORRUPT, "a chunk of wrong length");
			pull_file_fail(shared, piece->file, &e);
		} else {
			jobs[good] =
			    (struct id_job){ .data = data, .len = len };
			l[good] = l[i];
			l[good++].data = data;
		}
	}
	return good;
}

/* Verify and write the n pieces that are in this block. */
static void
write_block(struct pull_shared *shared, const struct open_block *block,
    struct located *l, size_t n, struct id_job *jobs)
{
	struct err e;
	size_t good = 0, len, step;

	n = find_chunks(shared, block, l, n, jobs);
	id_compute(repo_id_key(shared->repo, CHUNK_DATA), jobs, n);
	for (size_t i = 0; i < n; i++) {
		if (memcmp(jobs[i].out, l[i].piece->item.id.bytes,
			CHUNK_ID_LEN) == 0) {
			l[good++] = l[i];
			continue;
		}
		err_set(
		    &e, ERR_CORRUPT, "a chunk of it is not what was stored");
		pull_file_fail(shared, l[i].piece->file, &e);
	}
	for (size_t i = 0; i < good; i += step) {
		struct pull_file *file = l[i].piece->file;

		step = run_length(&l[i], good - i, &len);
		if (!atomic_load(&file->failed) &&
		    write_at(l[i].piece, l[i].data, len, &e) == -1)
			pull_file_fail(shared, file, &e);
		atomic_fetch_add(&shared->counters->bytes, len);
	}
}

static void
write_batch(struct pull_shared *shared, const struct pull_batch *batch,
    struct bench *bench)
{
	struct located *l = bench->located;
	size_t n = locate(shared, batch, l), same;

	for (size_t i = 0; i < n; i += same) {
		struct open_block *block;
		struct err e;

		same = 1;
		while (i + same < n &&
		    l[i + same].place.offset == l[i].place.offset &&
		    memcmp(&l[i + same].place.pack, &l[i].place.pack,
			OBJECT_NAME_LEN) == 0)
			same++;
		if (reader_block(shared->reader, &l[i].place, &block, &e) ==
		    -1) {
			for (size_t k = i; k < i + same; k++)
				pull_file_fail(shared, l[k].piece->file, &e);
			continue;
		}
		write_block(shared, block, &l[i], same, bench->jobs);
		reader_block_release(shared->reader, block);
	}
	for (size_t i = 0; i < batch->count; i++)
		pull_piece_done(shared, batch->pieces[i].file);
}

void *
pull_worker(void *arg)
{
	struct pull_shared *shared = arg;
	struct bench *bench = xmalloc(sizeof(*bench));
	struct pull_batch *batch;

	while ((batch = workq_pop(shared->queue)) != NULL) {
		write_batch(shared, batch, bench);
		free(batch);
	}
	free(bench);
	return NULL;
}
