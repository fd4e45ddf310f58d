/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Every pack that the index names, read from end to end: its hash, each
 * block's seal and compression, each chunk's id.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/format/pack.h"
#include "plakar/hash/sha256.h"
#include "plakar/index/index.h"
#include "plakar/read/blockopen.h"
#include "plakar/read/packkeys.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"
#include "plakar/store/store.h"

#include "plakar/check/check_internal.h"

#define SEALED_MAX (BLOCK_HEAD_LEN + BLOCK_RAW_MAX + BLOCK_TAG_LEN)

/* A pack to be read, with its own copy of the offsets. */
struct task {
	struct index_pack pack;
	uint32_t *offsets;
};

struct reading {
	struct check_shared *shared;
	struct packkeys *keys;
	struct task *tasks;
	size_t count;
	atomic_size_t next;
};

/* A thread's own memory. */
struct bench {
	struct block_opener *opener;
	uint8_t *sealed; /* SEALED_MAX bytes */
	uint8_t *raw;    /* BLOCK_RAW_MAX bytes */
	struct id_job jobs[BLOCK_CHUNKS_MAX];
};

static void
note_bad(
    struct check_shared *shared, const struct index_pack *pack, uint32_t offset)
{
	struct bad_blocks *bad = &shared->bad;

	pthread_mutex_lock(&shared->lock);
	bad->list =
	    xreallocarray(bad->list, bad->count + 1, sizeof(*bad->list));
	bad->list[bad->count++] =
	    (struct bad_block){ .pack = pack->name, .offset = offset };
	pthread_mutex_unlock(&shared->lock);
}

/* Whether the index finds n chunks of a kind under their real ids. */
static bool
ids_known(
    struct reading *r, enum chunk_kind kind, struct id_job *jobs, size_t n)
{
	id_compute(repo_id_key(r->shared->repo, kind), jobs, n);
	for (size_t i = 0; i < n; i++) {
		struct chunk_id id;

		memcpy(id.bytes, jobs[i].out, CHUNK_ID_LEN);
		if (!index_has(r->shared->repo->index, &id))
			return false;
	}
	return true;
}

static bool
chunks_known(struct reading *r, struct bench *b, const struct block_view *view)
{
	struct block_iter it = { 0 };
	struct block_chunk chunk;
	enum chunk_kind kind = CHUNK_DATA;
	size_t n = 0;

	while (block_view_next(view, &it, &chunk)) {
		/* Neighbours mostly are of one kind: they share a key. */
		if (chunk.kind != kind && !ids_known(r, kind, b->jobs, n))
			return false;
		if (chunk.kind != kind)
			n = 0;
		kind = chunk.kind;
		b->jobs[n++] =
		    (struct id_job){ .data = chunk.data, .len = chunk.len };
	}
	return ids_known(r, kind, b->jobs, n);
}

/* Read bytes of the pack into the bench, and into its hash. */
static int
read_part(struct reading *r, struct bench *b, const char *name, uint64_t at,
    size_t len, struct sha256 *hash, struct err *e)
{
	if (store_get_range(r->shared->store, name, at, len, b->sealed, e) ==
	    -1)
		return -1;
	sha256_update(hash, b->sealed, len);
	atomic_fetch_add(&r->shared->counters->bytes, len);
	return 0;
}

/* The bytes from at to end that are no blocks: heads, tables, trailers. */
static int
read_rest(struct reading *r, struct bench *b, const char *name, uint64_t at,
    uint64_t end, struct sha256 *hash, struct err *e)
{
	while (at < end) {
		size_t len =
		    end - at < SEALED_MAX ? (size_t)(end - at) : SEALED_MAX;

		if (read_part(r, b, name, at, len, hash, e) == -1)
			return -1;
		at += len;
	}
	return 0;
}

/* One block; what is wrong with it is reported here.  -1: can't be read. */
static int
check_block(struct reading *r, struct bench *b, const struct index_pack *pack,
    uint32_t i, struct sha256 *hash, struct err *e)
{
	uint32_t offset = pack->offsets[i];
	size_t len = pack->offsets[i + 1] - offset;
	char name[STORE_NAME_MAX], text[ERR_MSG_LEN + 64];
	struct block_view view;
	struct err why;

	object_path(STORE_DATA, &pack->name, name);
	if (len > SEALED_MAX) {
		err_set(
		    e, ERR_CORRUPT, "the index has a block of %zu bytes", len);
		return -1;
	}
	if (read_part(r, b, name, offset, len, hash, e) == -1)
		return -1;
	if (block_open(b->opener, &pack->name, pack->class, b->sealed, len,
		b->raw, &view, &why) == 0) {
		if (chunks_known(r, b, &view))
			return 0;
		err_set(
		    &why, ERR_CORRUPT, "holds what the index does not know");
	}
	snprintf(text, sizeof(text), "block %u: %s", i, why.msg);
	check_object_problem(r->shared, name, text);
	note_bad(r->shared, pack, offset);
	return 0;
}

static int
read_pack(struct reading *r, struct bench *b, const struct index_pack *pack,
    struct err *e)
{
	char name[STORE_NAME_MAX];
	struct object_name real;
	struct sha256 hash;

	object_path(STORE_DATA, &pack->name, name);
	sha256_init(&hash);
	if (read_rest(r, b, name, 0, pack->offsets[0], &hash, e) == -1)
		return -1;
	for (uint32_t i = 0; i < pack->blocks; i++)
		if (check_block(r, b, pack, i, &hash, e) == -1)
			return -1;
	if (read_rest(r, b, name, pack->offsets[pack->blocks], pack->size,
		&hash, e) == -1)
		return -1;
	sha256_final(&hash, real.bytes);
	if (memcmp(&real, &pack->name, sizeof(real)) != 0)
		check_object_problem(r->shared, name, "its bytes have changed");
	return 0;
}

static void *
work(void *arg)
{
	struct reading *r = arg;
	struct bench *b = xcalloc(1, sizeof(*b));
	size_t i;

	b->opener = block_opener_new(r->shared->repo, r->keys);
	b->sealed = xmalloc(SEALED_MAX);
	b->raw = xmalloc(BLOCK_RAW_MAX);
	while ((i = atomic_fetch_add(&r->next, 1)) < r->count &&
	    !check_stopped(r->shared)) {
		const struct index_pack *pack = &r->tasks[i].pack;
		char name[STORE_NAME_MAX];
		struct err e;

		if (read_pack(r, b, pack, &e) == -1) {
			object_path(STORE_DATA, &pack->name, name);
			check_object_problem(r->shared, name, e.msg);
			for (uint32_t k = 0; k < pack->blocks; k++)
				note_bad(r->shared, pack, pack->offsets[k]);
		}
		atomic_fetch_add(&r->shared->counters->objects, 1);
	}
	block_opener_free(b->opener);
	free(b->sealed);
	free(b->raw);
	free(b);
	return NULL;
}

static int
add_task(void *ctx, const struct index_pack *pack, struct err *e)
{
	struct reading *r = ctx;
	struct task *task;

	(void)e;
	r->tasks = xreallocarray(r->tasks, r->count + 1, sizeof(*r->tasks));
	task = &r->tasks[r->count++];
	task->pack = *pack;
	task->offsets = xreallocarray(
	    NULL, (size_t)pack->blocks + 1, sizeof(*task->offsets));
	memcpy(task->offsets, pack->offsets,
	    ((size_t)pack->blocks + 1) * sizeof(*task->offsets));
	task->pack.offsets = task->offsets;
	atomic_fetch_add(&r->shared->counters->bytes_total, pack->size);
	return 0;
}

int
check_packs(struct check_shared *shared, struct err *e)
{
	struct reading r = { .shared = shared };
	int rc;

	atomic_init(&r.next, 0);
	r.keys = packkeys_new(shared->repo);
	rc = index_each_pack(shared->repo->index, add_task, &r, e);
	atomic_fetch_add(&shared->counters->objects_total, r.count);
	if (rc == 0)
		rc = check_threads(shared, work, &r, e);
	for (size_t i = 0; i < r.count; i++)
		free(r.tasks[i].offsets);
	free(r.tasks);
	packkeys_free(r.keys);
	return rc;
}
