/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/index/index.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"
#include "plakar/repo/segments.h"
#include "plakar/store/store.h"
#include "plakar/write/claims.h"

#include "plakar/write/session_internal.h"

#define WAITING_MAX  2     /* full packs that wait to be made durable */
#define SEGMENT_ROWS 65536 /* rows that are worth a segment */

struct catalog {
	struct session *session;
	pthread_t thread;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	struct full_pack *waiting[WAITING_MAX];
	size_t waiting_count;
	bool busy;   /* the thread has a pack in hand */
	bool closed; /* the thread is to end */
	bool failed;
	struct err error; /* what failed */

	/* Durable packs and their rows that no segment has yet. */
	struct segment rows;
	size_t rows_cap;
};

void
full_pack_free(struct full_pack *fp)
{
	if (fp->put != NULL)
		store_put_abort(fp->put);
	free(fp->info.offsets);
	free(fp->rows);
	free(fp);
}

/* Append what fp holds to the rows; its table of offsets moves over. */
static void
take_rows(struct catalog *c, struct full_pack *fp)
{
	struct segment *seg = &c->rows;
	size_t total = seg->rows_count + fp->rows_count;

	seg->packs = xreallocarray(
	    seg->packs, seg->packs_count + 1, sizeof(*seg->packs));
	seg->packs[seg->packs_count] = fp->info;
	fp->info.offsets = NULL;
	if (total > c->rows_cap) {
		c->rows_cap = total + total / 2;
		seg->rows =
		    xreallocarray(seg->rows, c->rows_cap, sizeof(*seg->rows));
	}
	for (size_t i = 0; i < fp->rows_count; i++) {
		struct segment_row *row = &seg->rows[seg->rows_count + i];

		*row = fp->rows[i];
		row->pack = (uint32_t)seg->packs_count;
	}
	seg->rows_count = total;
	seg->packs_count++;
}

/* Store the rows as segments, each within the format's limits. */
static int
store_rows(struct catalog *c, struct err *e)
{
	struct session *s = c->session;
	struct object_name name;
	uint64_t stored;
	int rc = -1;

	if (c->rows.rows_count == 0)
		return 0;
	/* The names of the packs must be durable before this one's is. */
	if (store_sync(s->repo->store, e) == -1)
		return -1;
	segment_sort(c->rows.rows, c->rows.rows_count);
	if (segments_store(s->repo, &c->rows, &name, &stored, e) == -1)
		return -1;
	if (index_add(s->repo->index, &c->rows, &name, e) == 0) {
		atomic_fetch_add(&s->stored, stored);
		for (size_t i = 0; i < c->rows.rows_count; i++)
			claims_drop(s->claims, &c->rows.rows[i].id);
		rc = 0;
	}
	segment_free(&c->rows);
	c->rows_cap = 0;
	return rc;
}

static int
make_durable(struct full_pack *fp, struct err *e)
{
	char name[STORE_NAME_MAX];
	struct store_put *put = fp->put;

	object_path(STORE_DATA, &fp->info.name, name);
	fp->put = NULL; /* commit takes it, whatever comes of it */
	return store_put_commit(put, name, e);
}

static void *
work(void *arg)
{
	struct catalog *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct full_pack *fp;
		struct err e;
		bool failed;
		int rc;

		while (c->waiting_count == 0 && !c->closed)
			pthread_cond_wait(&c->changed, &c->lock);
		if (c->waiting_count == 0)
			break;
		fp = c->waiting[0];
		c->waiting_count--;
		memmove(c->waiting, c->waiting + 1,
		    c->waiting_count * sizeof(struct full_pack *));
		c->busy = true;
		failed = c->failed;
		pthread_mutex_unlock(&c->lock);

		rc = failed ? -1 : make_durable(fp, &e);

		pthread_mutex_lock(&c->lock);
		c->busy = false;
		if (rc == 0) {
			/* A pack has fewer rows than a segment may still
			 * take above SEGMENT_ROWS (see packer.c). */
			take_rows(c, fp);
			if (c->rows.rows_count >= SEGMENT_ROWS)
				rc = store_rows(c, &e);
		}
		if (rc == -1 && !c->failed) {
			c->failed = true;
			c->error = e;
		}
		full_pack_free(fp);
		pthread_cond_broadcast(&c->changed);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct catalog *
catalog_new(struct session *s)
{
	struct catalog *c = xcalloc(1, sizeof(*c));

	c->session = s;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	if (pthread_create(&c->thread, NULL, work, c) != 0)
		abort();
	return c;
}

void
catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->closed = true;
	while (c->waiting_count > 0)
		full_pack_free(c->waiting[--c->waiting_count]);
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
	segment_free(&c->rows);
	free(c);
}

/* -1, and the error that ended the session, when one did. */
static int
check_failed(struct catalog *c, struct err *e)
{
	if (!c->failed)
		return 0;
	*e = c->error;
	return -1;
}

int
catalog_add(struct catalog *c, struct full_pack *fp, struct err *e)
{
	int rc;

	pthread_mutex_lock(&c->lock);
	while (c->waiting_count == WAITING_MAX && !c->failed)
		pthread_cond_wait(&c->changed, &c->lock);
	rc = check_failed(c, e);
	if (rc == 0) {
		c->waiting[c->waiting_count++] = fp;
		fp = NULL;
		pthread_cond_broadcast(&c->changed);
	}
	pthread_mutex_unlock(&c->lock);
	if (fp != NULL)
		full_pack_free(fp);
	return rc;
}

int
catalog_flush(struct catalog *c, struct err *e)
{
	int rc;

	pthread_mutex_lock(&c->lock);
	while ((c->waiting_count > 0 || c->busy) && !c->failed)
		pthread_cond_wait(&c->changed, &c->lock);
	rc = check_failed(c, e);
	if (rc == 0)
		rc = store_rows(c, e);
	pthread_mutex_unlock(&c->lock);
	return rc;
}
