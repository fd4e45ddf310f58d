/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hex.h"
#include "lib/mem.h"
#include "plakar/index/index.h"
#include "plakar/read/blockopen.h"
#include "plakar/read/packkeys.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"
#include "plakar/store/store.h"

#include "plakar/read/reader.h"

enum block_state {
	FREE,
	LOADING, /* a thread is opening it; others wait */
	READY,
};

struct open_block {
	enum block_state state;
	unsigned users;
	uint64_t last_use;
	struct object_name pack;
	uint32_t offset;
	uint8_t *raw; /* BLOCK_RAW_MAX bytes, once used */
	struct block_view view;
	uint32_t starts[BLOCK_CHUNKS_MAX + 1]; /* of chunks, in raw */
	uint8_t kinds[BLOCK_CHUNKS_MAX];
};

/* What a thread needs to open a block; lent to one at a time. */
struct bench {
	struct block_opener *opener;
	uint8_t *sealed;
	struct bench *next;
};

struct reader {
	struct repo *repo;
	struct packkeys *keys;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	struct open_block *blocks;
	size_t blocks_count;
	uint64_t clock;        /* counts uses */
	struct bench *benches; /* not in use */
};

struct reader *
reader_new(struct repo *repo, size_t blocks)
{
	struct reader *r = xcalloc(1, sizeof(*r));

	r->repo = repo;
	r->keys = packkeys_new(repo);
	r->blocks = xcalloc(blocks, sizeof(*r->blocks));
	r->blocks_count = blocks;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	return r;
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	for (struct bench *b = r->benches, *next; b != NULL; b = next) {
		next = b->next;
		block_opener_free(b->opener);
		free(b->sealed);
		free(b);
	}
	for (size_t i = 0; i < r->blocks_count; i++)
		free(r->blocks[i].raw);
	free(r->blocks);
	packkeys_free(r->keys);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	free(r);
}

/* Called with the lock held. */
static struct bench *
take_bench(struct reader *r)
{
	struct bench *b = r->benches;

	if (b != NULL) {
		r->benches = b->next;
		return b;
	}
	b = xcalloc(1, sizeof(*b));
	b->opener = block_opener_new(r->repo, r->keys);
	b->sealed = xmalloc(BLOCK_HEAD_LEN + BLOCK_RAW_MAX + BLOCK_TAG_LEN);
	return b;
}

/* Where each chunk begins, so that a slot is found at once. */
static void
note_starts(struct open_block *block)
{
	struct block_iter it = { 0 };
	struct block_chunk chunk;

	while (block_view_next(&block->view, &it, &chunk)) {
		block->starts[it.slot] = (uint32_t)(chunk.data - block->raw);
		block->starts[it.slot + 1] = block->starts[it.slot] + chunk.len;
		block->kinds[it.slot] = (uint8_t)chunk.kind;
	}
}

static int
load(struct reader *r, struct bench *bench, const struct index_place *place,
    struct open_block *block, struct err *e)
{
	char name[STORE_NAME_MAX];

	object_path(STORE_DATA, &place->pack, name);
	if (place->len > BLOCK_HEAD_LEN + BLOCK_RAW_MAX + BLOCK_TAG_LEN) {
		err_set(
		    e, ERR_CORRUPT, "%s: block of %u bytes", name, place->len);
		return -1;
	}
	if (block->raw == NULL)
		block->raw = xmalloc(BLOCK_RAW_MAX);
	if (store_get_range(r->repo->store, name, place->offset, place->len,
		bench->sealed, e) == -1)
		return -1;
	if (block_open(bench->opener, &place->pack, place->class, bench->sealed,
		place->len, block->raw, &block->view, e) == -1) {
		err_wrap(e, "%s: block at %u", name, place->offset);
		return -1;
	}
	note_starts(block);
	return 0;
}

/* The block at place, or NULL.  Called with the lock held. */
static struct open_block *
find(struct reader *r, const struct index_place *place)
{
	for (size_t i = 0; i < r->blocks_count; i++) {
		struct open_block *b = &r->blocks[i];

		if (b->state != FREE && b->offset == place->offset &&
		    memcmp(&b->pack, &place->pack, sizeof(b->pack)) == 0)
			return b;
	}
	return NULL;
}

/* A block that nobody uses, the longest unused first, or NULL. */
static struct open_block *
victim(struct reader *r)
{
	struct open_block *best = NULL;

	for (size_t i = 0; i < r->blocks_count; i++) {
		struct open_block *b = &r->blocks[i];

		if (b->users == 0 &&
		    (best == NULL || b->last_use < best->last_use))
			best = b;
	}
	return best;
}

/* Open the block at place in b.  Called with the lock held; lets it go. */
static int
fill(struct reader *r, const struct index_place *place, struct open_block *b,
    struct err *e)
{
	struct bench *bench = take_bench(r);
	int rc;

	b->state = LOADING;
	b->users = 1;
	b->pack = place->pack;
	b->offset = place->offset;
	pthread_mutex_unlock(&r->lock);
	rc = load(r, bench, place, b, e);
	pthread_mutex_lock(&r->lock);
	bench->next = r->benches;
	r->benches = bench;
	b->state = rc == 0 ? READY : FREE;
	if (rc == -1)
		b->users = 0;
	pthread_cond_broadcast(&r->changed);
	return rc;
}

int
reader_block(struct reader *r, const struct index_place *place,
    struct open_block **out, struct err *e)
{
	struct open_block *b;
	int rc = 0;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		b = find(r, place);
		if (b != NULL && b->state == READY) {
			b->users++;
			break;
		}
		if (b == NULL)
			b = victim(r);
		else
			b = NULL;
		if (b != NULL) {
			rc = fill(r, place, b, e);
			break;
		}
		pthread_cond_wait(&r->changed, &r->lock);
	}
	if (rc == 0) {
		b->last_use = ++r->clock;
		*out = b;
	}
	pthread_mutex_unlock(&r->lock);
	return rc;
}

void
reader_block_release(struct reader *r, struct open_block *block)
{
	pthread_mutex_lock(&r->lock);
	block->users--;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

int
open_block_chunk(const struct open_block *block, uint16_t slot,
    enum chunk_kind kind, const uint8_t **data, size_t *len, struct err *e)
{
	if (slot >= block->view.count || block->kinds[slot] != kind) {
		err_set(e, ERR_CORRUPT, "no such chunk in its block");
		return -1;
	}
	*data = block->raw + block->starts[slot];
	*len = block->starts[slot + 1] - block->starts[slot];
	return 0;
}

bool
reader_verify(const struct reader *r, enum chunk_kind kind,
    const struct chunk_id *id, const uint8_t *data, size_t len)
{
	struct id_job job = { .data = data, .len = len };

	id_compute(repo_id_key(r->repo, kind), &job, 1);
	return memcmp(job.out, id->bytes, CHUNK_ID_LEN) == 0;
}

static int
get(struct reader *r, enum chunk_kind kind, const struct chunk_id *id,
    struct buf *out, struct err *e)
{
	struct index_place place;
	struct open_block *block;
	const uint8_t *data;
	size_t len;
	int rc = -1;

	if (!index_find(r->repo->index, id, &place)) {
		err_set(e, ERR_NOT_FOUND, "missing: no index segment has it");
		return -1;
	}
	if (reader_block(r, &place, &block, e) == -1)
		return -1;
	if (open_block_chunk(block, place.slot, kind, &data, &len, e) == 0) {
		if (reader_verify(r, kind, id, data, len)) {
			buf_reset(out);
			buf_add(out, data, len);
			rc = 0;
		} else {
			err_set(e, ERR_CORRUPT, "not what was stored");
		}
	}
	reader_block_release(r, block);
	return rc;
}

int
reader_get(struct reader *r, enum chunk_kind kind, const struct chunk_id *id,
    struct buf *out, struct err *e)
{
	char hex[2 * CHUNK_ID_LEN + 1];

	if (get(r, kind, id, out, e) == 0)
		return 0;
	hex_encode(id->bytes, CHUNK_ID_LEN, hex);
	err_wrap(e, "chunk %s", hex);
	return -1;
}

static int
source_get(void *ctx, enum chunk_kind kind, const struct chunk_id *id,
    struct buf *out, struct err *e)
{
	return reader_get(ctx, kind, id, out, e);
}

struct chunk_source
reader_source(struct reader *r)
{
	return (struct chunk_source){ .get = source_get, .ctx = r };
}
