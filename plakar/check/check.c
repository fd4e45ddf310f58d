/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/sys/cores.h"
#include "plakar/index/index.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"
#include "plakar/store/store.h"

#include "plakar/check/check_internal.h"

#define JOBS_MAX 64

void
check_object_problem(
    struct check_shared *shared, const char *name, const char *text)
{
	const struct check_report *report = &shared->options->report;

	atomic_fetch_add(&shared->counters->problems, 1);
	pthread_mutex_lock(&shared->lock);
	if (report->object != NULL)
		report->object(report->ctx, name, text);
	pthread_mutex_unlock(&shared->lock);
}

bool
check_stopped(const struct check_shared *shared)
{
	return shared->options->stop != NULL &&
	    atomic_load(shared->options->stop);
}

static int
compare_bad(const void *a, const void *b)
{
	const struct bad_block *x = a, *y = b;
	int order = memcmp(&x->pack, &y->pack, OBJECT_NAME_LEN);

	if (order != 0)
		return order;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

void
bad_blocks_sort(struct bad_blocks *bad)
{
	if (bad->count > 1)
		qsort(bad->list, bad->count, sizeof(*bad->list), compare_bad);
}

bool
bad_blocks_has(const struct bad_blocks *bad, const struct object_name *pack,
    uint32_t offset)
{
	struct bad_block key = { .pack = *pack, .offset = offset };

	return bad->count > 0 &&
	    bsearch(&key, bad->list, bad->count, sizeof(*bad->list),
		compare_bad) != NULL;
}

static int
compare_listed(const void *a, const void *b)
{
	return memcmp(a, b, OBJECT_NAME_LEN);
}

static int
add_listed(void *arg, const char *path, uint64_t size, struct err *e)
{
	struct listing *l = arg;
	struct object_name name;

	(void)e;
	if (!object_parse(path, &name))
		return 0;
	l->items = xreallocarray(l->items, l->count + 1, sizeof(*l->items));
	l->items[l->count++] = (struct listed){ .name = name, .size = size };
	return 0;
}

int
listing_load(struct store *store, int kind, struct listing *out, struct err *e)
{
	*out = (struct listing){ 0 };
	if (store_list(store, (enum store_kind)kind, add_listed, out, e) ==
	    -1) {
		listing_free(out);
		return -1;
	}
	if (out->count > 1)
		qsort(out->items, out->count, sizeof(*out->items),
		    compare_listed);
	return 0;
}

void
listing_free(struct listing *l)
{
	free(l->items);
	*l = (struct listing){ 0 };
}

const struct listed *
listing_find(const struct listing *l, const struct object_name *name)
{
	if (l->count == 0)
		return NULL;
	return bsearch(
	    name, l->items, l->count, sizeof(*l->items), compare_listed);
}

int
check_threads(struct check_shared *shared, void *(*work)(void *), void *arg,
    struct err *e)
{
	unsigned count = cores_count(shared->options->jobs, JOBS_MAX);
	unsigned running = 0;
	pthread_t threads[JOBS_MAX];
	int rc = 0;

	for (; running < count && rc == 0; running++)
		rc = pthread_create(&threads[running], NULL, work, arg);
	if (rc != 0)
		running--;
	for (unsigned i = 0; i < running; i++)
		pthread_join(threads[i], NULL);
	if (rc != 0 && running == 0) {
		errno = rc;
		err_sys(e, "cannot start a thread");
		return -1;
	}
	return 0;
}

static void
index_problem(void *ctx, const struct err *e)
{
	check_object_problem(ctx, "index", e->msg);
}

struct pack_check {
	struct check_shared *shared;
	struct listing packs;
};

/* A pack that the index names must be there, as long as it was. */
static int
check_pack_size(void *ctx, const struct index_pack *pack, struct err *e)
{
	struct pack_check *pc = ctx;
	const struct listed *listed = listing_find(&pc->packs, &pack->name);
	char name[STORE_NAME_MAX];

	(void)e;
	object_path(STORE_DATA, &pack->name, name);
	if (listed == NULL)
		check_object_problem(pc->shared, name, "is missing");
	else if (listed->size != pack->size)
		check_object_problem(pc->shared, name, "has another length");
	else
		return 0;
	/* All its blocks are bad then. */
	pthread_mutex_lock(&pc->shared->lock);
	for (uint32_t i = 0; i < pack->blocks; i++) {
		struct bad_blocks *bad = &pc->shared->bad;

		if (listed != NULL && pack->offsets[i + 1] <= listed->size)
			continue;
		bad->list = xreallocarray(
		    bad->list, bad->count + 1, sizeof(*bad->list));
		bad->list[bad->count++] =
		    (struct bad_block){ .pack = pack->name,
			    .offset = pack->offsets[i] };
	}
	pthread_mutex_unlock(&pc->shared->lock);
	return 0;
}

static int
check_pack_sizes(struct check_shared *shared, struct err *e)
{
	struct pack_check pc = { .shared = shared };
	int rc;

	if (listing_load(shared->store, STORE_DATA, &pc.packs, e) == -1)
		return -1;
	rc = index_each_pack(shared->repo->index, check_pack_size, &pc, e);
	listing_free(&pc.packs);
	return rc;
}

static int
check_all(struct check_shared *shared, struct err *e)
{
	/* What the cache says is not evidence. */
	if (repo_rebuild_index(shared->repo, index_problem, shared, e) == -1 ||
	    check_pack_sizes(shared, e) == -1)
		return -1;
	if (shared->options->data && check_packs(shared, e) == -1)
		return -1;
	bad_blocks_sort(&shared->bad);
	if (check_trees(shared, e) == -1)
		return -1;
	if (check_stopped(shared)) {
		err_set(e, ERR_CANCELLED, "stopped");
		return -1;
	}
	return 0;
}

int
check_repository(struct repo *repo, const struct check_options *options,
    struct check_counters *counters, struct err *e)
{
	struct check_shared shared = { .repo = repo,
		.store = repo->store,
		.options = options,
		.counters = counters };
	int rc;

	pthread_mutex_init(&shared.lock, NULL);
	rc = check_all(&shared, e);
	pthread_mutex_destroy(&shared.lock);
	free(shared.bad.list);
	return rc;
}

int
check_keyless(struct store *store, const struct check_options *options,
    struct check_counters *counters, struct err *e)
{
	struct check_shared shared = {
		.store = store, .options = options, .counters = counters
	};
	int rc;

	pthread_mutex_init(&shared.lock, NULL);
	rc = check_objects(&shared, e);
	pthread_mutex_destroy(&shared.lock);
	if (rc == 0 && check_stopped(&shared)) {
		err_set(e, ERR_CANCELLED, "stopped");
		return -1;
	}
	return rc;
}
