/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"
#include "plakar/index/index.h"
#include "plakar/meta/meta.h"
#include "plakar/repo/repo.h"
#include "plakar/write/session.h"

#include "plakar/push/worker.h"

void
worker_init(struct worker *w, struct push_shared *shared)
{
	*w = (struct worker){ .shared = shared };
	w->buffer = xmalloc(WORKER_BUFFER);
	if (shared->session != NULL)
		w->packer = session_packer(shared->session);
}

void
worker_clear(struct worker *w)
{
	packer_free(w->packer);
	free(w->buffer);
	free(w->jobs);
}

void
push_fail(struct push_shared *shared, const struct err *e)
{
	pthread_mutex_lock(&shared->lock);
	if (!shared->failed) {
		shared->failed = true;
		shared->error = *e;
	}
	pthread_mutex_unlock(&shared->lock);
	work_cancel(shared->work);
	ring_wake(shared->ring);
}

bool
push_failed(struct push_shared *shared)
{
	bool failed;

	pthread_mutex_lock(&shared->lock);
	failed = shared->failed;
	pthread_mutex_unlock(&shared->lock);
	return failed;
}

void
push_note(struct push_shared *shared, enum push_note note, const char *path,
    const char *text)
{
	pthread_mutex_lock(&shared->lock);
	if (shared->options->note != NULL)
		shared->options->note(
		    shared->options->note_ctx, note, path, text);
	pthread_mutex_unlock(&shared->lock);
}

void
push_big_begins(struct push_shared *shared, struct bigfile *big)
{
	pthread_mutex_lock(&shared->lock);
	shared->bigs = xreallocarray(
	    shared->bigs, shared->bigs_count + 1, sizeof(struct bigfile *));
	shared->bigs[shared->bigs_count++] = big;
	pthread_mutex_unlock(&shared->lock);
}

void
push_big_ended(struct push_shared *shared, struct bigfile *big)
{
	pthread_mutex_lock(&shared->lock);
	for (size_t i = 0; i < shared->bigs_count; i++)
		if (shared->bigs[i] == big) {
			shared->bigs[i] = shared->bigs[--shared->bigs_count];
			break;
		}
	pthread_mutex_unlock(&shared->lock);
	bigfile_free(big);
}

size_t
worker_cut(struct worker *w, const uint8_t *data, size_t len, bool last)
{
	size_t done = 0;

	for (;;) {
		size_t cut = chunker_cut(
		    &w->shared->chunker, data + done, len - done, last);

		if (cut == 0)
			return done;
		if (w->jobs_count == w->jobs_cap) {
			w->jobs_cap = 2 * w->jobs_cap + 64;
			w->jobs = xreallocarray(
			    w->jobs, w->jobs_cap, sizeof(*w->jobs));
		}
		w->jobs[w->jobs_count++] =
		    (struct id_job){ .data = data + done, .len = cut };
		done += cut;
	}
}

/* In a dry run: whether the repository lacks it, as far as can be told. */
static bool
is_new(struct worker *w, const struct chunk_id *id)
{
	if (w->shared->session != NULL)
		return session_claim(w->shared->session, id);
	return !index_has(w->shared->repo->index, id);
}

int
worker_store_jobs(struct worker *w, struct err *e)
{
	struct push_counters *counters = w->shared->counters;

	id_compute(
	    repo_id_key(w->shared->repo, CHUNK_DATA), w->jobs, w->jobs_count);
	for (size_t i = 0; i < w->jobs_count; i++) {
		const struct id_job *job = &w->jobs[i];
		struct chunk_id id;

		atomic_fetch_add(&counters->bytes_read, job->len);
		atomic_fetch_add(&counters->bytes_done, job->len);
		memcpy(id.bytes, job->out, CHUNK_ID_LEN);
		if (!is_new(w, &id))
			continue;
		atomic_fetch_add(&counters->new_bytes, job->len);
		if (w->packer != NULL &&
		    packer_add(w->packer, CHUNK_DATA, &id, job->data, job->len,
			e) == -1)
			return -1;
	}
	return 0;
}

/* Attribute sets too large for the entry become a chunk beside it. */
static int
move_xattrs(struct push_shared *shared, struct pending *p, struct err *e)
{
	struct entry *ent = &p->entry;
	struct chunk_sink sink;

	if (ent->xattrs_len <= ENTRY_XATTRS_MAX)
		return 0;
	if (shared->session != NULL) {
		sink = session_sink(shared->session);
		if (sink.put(sink.ctx, CHUNK_XATTR, ent->xattrs,
			ent->xattrs_len, &ent->xattrs_id, e) == -1)
			return -1;
		ent->has_xattrs_id = true;
	}
	ent->xattrs = NULL;
	ent->xattrs_len = 0;
	return 0;
}

int
push_capture(struct push_shared *shared, struct pending *p, int dirfd, int fd,
    struct err *e)
{
	struct entry *ent = &p->entry;

	if (meta_capture(dirfd, p->name, fd, &p->st, ent, &p->storage, e) == -1)
		return -1;
	if (p->problem != NULL)
		meta_add_error(ent, &p->storage, p->problem);
	if (ent->error_len > 0) {
		char *text = xstrndup(ent->error, ent->error_len);

		push_note(shared, PUSH_ERROR, p->path, text);
		free(text);
	}
	return move_xattrs(shared, p, e);
}

void
push_unreadable(struct pending *p, const char *what)
{
	free(p->problem);
	p->problem = xasprintf("%s: %s", what, strerror(errno));
}

/* What only reading needed; the entry may wait long for its turn. */
static void
release(struct pending *p)
{
	dirref_unref(p->dir);
	p->dir = NULL;
	buf_free(&p->storage);
}

void
push_complete(struct push_shared *shared, struct pending *p)
{
	const struct entry *ent = &p->entry;
	uint64_t counted;

	p->sums = (struct node_sums){ 0 };
	if (ent->type == ENTRY_DIR)
		p->sums.dirs = 1;
	else
		p->sums.others = 1;
	if (ent->type == ENTRY_FILE) {
		p->sums.bytes = ent->size;
		/* What was hashed is counted; holes and the like are not. */
		counted = atomic_load(&p->counted);
		if (ent->size > counted)
			atomic_fetch_add(
			    &shared->counters->bytes_done, ent->size - counted);
	}
	if (ent->error_len > 0) {
		p->sums.errors = 1;
		atomic_fetch_add(&shared->counters->errors, 1);
	}
	if (ent->changed)
		push_note(
		    shared, PUSH_WARNING, p->path, "changed while it was read");
	entry_encode(ent, &p->encoded);
	release(p);
	pending_done(shared->ring, p);
}

void
push_vanished(struct push_shared *shared, struct pending *p)
{
	push_note(shared, PUSH_WARNING, p->path, "vanished");
	p->dropped = true;
	release(p);
	pending_done(shared->ring, p);
}

int
push_open(struct push_shared *shared, struct pending *p)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(dirref_fd(p->dir), p->name, flags | O_NOATIME);
	struct err e;

	/* Only a file's owner may leave its time of access alone. */
	if (fd == -1 && errno == EPERM)
		fd = openat(dirref_fd(p->dir), p->name, flags);
	if (fd != -1)
		return fd;
	if (errno == ENOENT) {
		push_vanished(shared, p);
		return -1;
	}
	push_unreadable(p, "cannot open");
	if (push_capture(shared, p, dirref_fd(p->dir), -1, &e) == -1)
		push_fail(shared, &e);
	else
		push_complete(shared, p);
	return -1;
}

bool
push_still_same(int fd, struct statx *st)
{
	struct statx before = *st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, st) ==
	    -1)
		return false;
	return st->stx_ino == before.stx_ino &&
	    st->stx_size == before.stx_size &&
	    st->stx_mtime.tv_sec == before.stx_mtime.tv_sec &&
	    st->stx_mtime.tv_nsec == before.stx_mtime.tv_nsec &&
	    st->stx_ctime.tv_sec == before.stx_ctime.tv_sec &&
	    st->stx_ctime.tv_nsec == before.stx_ctime.tv_nsec;
}

void *
worker_run(void *arg)
{
	struct worker *w = arg;
	struct bigfile *big;
	struct batch *batch;
	unsigned flushes = 0;
	struct err e;
	int rc = 0;

	while (rc == 0) {
		switch (work_take(w->shared->work, &flushes, &batch, &big)) {
		case WORK_NONE:
			return NULL;
		case WORK_BATCH:
			rc = worker_batch(w, batch, &e);
			free(batch);
			break;
		case WORK_BIG:
			rc = worker_big(w, big, &e);
			break;
		case WORK_FLUSH:
			rc = packer_flush(w->packer, &e);
			/* Who waits for the flush asks next if it failed. */
			if (rc == -1)
				push_fail(w->shared, &e);
			work_flushed(w->shared->work);
			break;
		}
	}
	push_fail(w->shared, &e);
	return NULL;
}
