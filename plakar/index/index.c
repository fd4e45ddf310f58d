/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "plakar/index/run.h"

#include "plakar/index/index.h"

#define RESIDENT_MAX (24u << 20) /* bytes of runs that may stay in memory */
#define RELEASE_HITS 64          /* of a run, else: each touches its pages */
#define RUNS_MANY    4           /* more are merged */
#define TMP_MAX_AGE  86400       /* seconds until a left-over is deleted */

struct index {
	char *dir;
	pthread_rwlock_t lock; /* of all below */
	struct run **runs;
	size_t runs_count;
	atomic_uint hits;
};

static void
add_run(struct index *ix, struct run *run)
{
	ix->runs =
	    xreallocarray(ix->runs, ix->runs_count + 1, sizeof(struct run *));
	ix->runs[ix->runs_count++] = run;
}

static int
compare_names(const void *a, const void *b)
{
	return memcmp(a, b, OBJECT_NAME_LEN);
}

/* Whether run holds only segments that are among the n sorted names. */
static bool
is_current(const struct run *run, const struct object_name *names, size_t n)
{
	for (size_t i = 0; i < run->covers_count; i++)
		if (n == 0 ||
		    bsearch(&run->covers[i], names, n, OBJECT_NAME_LEN,
			compare_names) == NULL)
			return false;
	return true;
}

/* Whether another run that was opened before holds all of run. */
static bool
is_redundant(const struct index *ix, const struct run *run)
{
	for (size_t i = 0; i < run->covers_count; i++)
		if (!index_covers(ix, &run->covers[i]))
			return false;
	return true;
}

static void
remove_stale_tmp(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_mtime + TMP_MAX_AGE < time(NULL))
		unlink(path);
}

/* Open one file of the folder; what is of no use is deleted. */
static void
load_file(struct index *ix, const char *name, const struct object_name *names,
    size_t n)
{
	char *path = fs_join(ix->dir, name);
	struct run *run;
	struct err ignored;

	if (strncmp(name, "tmp-", 4) == 0) {
		remove_stale_tmp(path);
	} else if (strncmp(name, "run-", 4) == 0) {
		if (run_open(path, &run, &ignored) == -1) {
			unlink(path);
		} else if (!is_current(run, names, n) ||
		    is_redundant(ix, run)) {
			unlink(path);
			run_close(run);
		} else {
			add_run(ix, run);
		}
	}
	free(path);
}

int
index_open(const char *dir, const struct object_name *names, size_t n,
    struct index **out, struct err *e)
{
	struct object_name *sorted;
	struct index *ix;
	struct dirent *ent;
	DIR *d;

	if (fs_mkdir_all(dir, 0700, e) == -1) {
		err_wrap(e, "cache folder");
		return -1;
	}
	d = opendir(dir);
	if (d == NULL) {
		err_sys(e, "cache folder %s", dir);
		return -1;
	}
	sorted = xcalloc(n, sizeof(*sorted));
	if (n > 0) {
		memcpy(sorted, names, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), compare_names);
	}
	ix = xcalloc(1, sizeof(*ix));
	ix->dir = xstrdup(dir);
	pthread_rwlock_init(&ix->lock, NULL);
	while ((ent = readdir(d)) != NULL)
		load_file(ix, ent->d_name, sorted, n);
	closedir(d);
	free(sorted);
	*out = ix;
	return 0;
}

void
index_close(struct index *ix)
{
	if (ix == NULL)
		return;
	for (size_t i = 0; i < ix->runs_count; i++)
		run_close(ix->runs[i]);
	free(ix->runs);
	pthread_rwlock_destroy(&ix->lock);
	free(ix->dir);
	free(ix);
}

bool
index_covers(const struct index *ix, const struct object_name *name)
{
	for (size_t i = 0; i < ix->runs_count; i++) {
		const struct run *run = ix->runs[i];

		for (size_t k = 0; k < run->covers_count; k++)
			if (compare_names(&run->covers[k], name) == 0)
				return true;
	}
	return false;
}

static int
larger_first(const void *a, const void *b)
{
	const struct run *const *x = a, *const *y = b;
	size_t m = (*x)->rows_count, n = (*y)->rows_count;

	return (m < n) - (m > n);
}

/*
 * Merge the smallest runs when there are many: from the end of the list, on
 * as long as the next run is at most twice what is gathered.  So a row is
 * copied a logarithmic number of times in the life of the cache.
 */
static int
merge_small(struct index *ix, struct err *e)
{
	size_t first, gathered = 0;
	struct run *merged;

	if (ix->runs_count <= RUNS_MANY)
		return 0;
	qsort(ix->runs, ix->runs_count, sizeof(struct run *), larger_first);
	first = ix->runs_count;
	while (first > 0 &&
	    (ix->runs_count - first < RUNS_MANY / 2 ||
		ix->runs[first - 1]->rows_count <= 2 * gathered))
		gathered += ix->runs[--first]->rows_count;
	if (run_merge(ix->dir, ix->runs + first, ix->runs_count - first,
		&merged, e) == -1)
		return -1;
	for (size_t i = first; i < ix->runs_count; i++) {
		unlink(ix->runs[i]->path);
		run_close(ix->runs[i]);
	}
	ix->runs_count = first;
	add_run(ix, merged);
	return 0;
}

int
index_add(struct index *ix, const struct segment *seg,
    const struct object_name *name, struct err *e)
{
	struct run *run;
	int rc;

	if (run_write(ix->dir, seg, name, &run, e) == -1)
		return -1;
	pthread_rwlock_wrlock(&ix->lock);
	add_run(ix, run);
	rc = merge_small(ix, e);
	pthread_rwlock_unlock(&ix->lock);
	return rc;
}

/*
 * A run's touched pages, and with each some neighbours, count as memory of
 * this process: an index that is larger than that gives them back.
 */
static void
limit_memory(struct index *ix)
{
	size_t total = 0;

	if (atomic_fetch_add(&ix->hits, 1) % RELEASE_HITS != RELEASE_HITS - 1)
		return;
	for (size_t i = 0; i < ix->runs_count; i++)
		total += ix->runs[i]->map_len;
	if (total <= RESIDENT_MAX)
		return;
	for (size_t i = 0; i < ix->runs_count; i++)
		run_release(ix->runs[i]);
}

static void
describe(const struct run *run, const struct segment_row *row,
    struct index_place *place)
{
	const struct run_pack *pack = &run->packs[row->pack];
	const uint32_t *offset = &run->offsets[pack->first + row->block];

	place->pack = pack->name;
	place->class = (enum chunk_class)pack->class;
	place->offset = offset[0];
	place->len = offset[1] - offset[0];
	place->slot = row->slot;
}

bool
index_find(
    struct index *ix, const struct chunk_id *id, struct index_place *place)
{
	const struct segment_row *row = NULL;

	pthread_rwlock_rdlock(&ix->lock);
	for (size_t i = ix->runs_count; i > 0 && row == NULL; i--) {
		row = run_find(ix->runs[i - 1], id);
		if (row != NULL)
			describe(ix->runs[i - 1], row, place);
	}
	if (row != NULL)
		limit_memory(ix);
	pthread_rwlock_unlock(&ix->lock);
	return row != NULL;
}

bool
index_has(struct index *ix, const struct chunk_id *id)
{
	struct index_place place;

	return index_find(ix, id, &place);
}

uint64_t
index_rows(struct index *ix)
{
	uint64_t n = 0;

	pthread_rwlock_rdlock(&ix->lock);
	for (size_t i = 0; i < ix->runs_count; i++)
		n += ix->runs[i]->rows_count;
	pthread_rwlock_unlock(&ix->lock);
	return n;
}

int
index_each_pack(
    struct index *ix, index_pack_cb pack_cb, void *ctx, struct err *e)
{
	int rc = 0;

	pthread_rwlock_rdlock(&ix->lock);
	for (size_t i = 0; i < ix->runs_count && rc == 0; i++) {
		const struct run *run = ix->runs[i];

		for (size_t k = 0; k < run->packs_count && rc == 0; k++) {
			const struct run_pack *p = &run->packs[k];
			struct index_pack pack = { .name = p->name,
				.class = (enum chunk_class)p->class,
				.size = p->size,
				.blocks = p->blocks,
				.offsets = run->offsets + p->first };

			rc = pack_cb(ctx, &pack, e);
		}
	}
	pthread_rwlock_unlock(&ix->lock);
	return rc;
}
