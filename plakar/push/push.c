/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The walking thread: finds entries, decides what is to be read, and builds
 * the tree from what is done.  See push.h for the whole.
 */

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/sys/cores.h"
#include "plakar/format/key.h"
#include "plakar/index/index.h"
#include "plakar/keys/keyring.h"
#include "plakar/meta/meta.h"
#include "plakar/push/owners.h"
#include "plakar/push/parent.h"
#include "plakar/push/worker.h"
#include "plakar/read/reader.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/tree/builder.h"
#include "plakar/walk/walk.h"
#include "plakar/write/session.h"

#include "plakar/push/push.h"

#define PARENT_BLOCKS 8  /* of the parent's tree, kept open */
#define BATCH_DIRS    24 /* directories that a batch keeps open */
#define PACK_SIZE     (32u << 20)
#define DEFAULT_LEVEL 2 /* doc/adr/0004-compression-level.md */
#define JOBS_MAX      64
#define HOST_LEN      256

struct push_state {
	struct push_shared shared;
	struct walk *walk;
	struct reader *reader; /* of the parents' trees */
	struct parents *parents;
	struct snapshot_list list;
	struct tree_builder *builder;
	struct worker *workers;
	unsigned workers_count, workers_running;

	struct batch *batch; /* being filled */
	unsigned batch_dirs;
	struct dirref *dir; /* of the last file handed out */
	struct buf dir_stem;

	struct snapshot snap; /* under construction */
	struct owner_ids users, groups;
	struct node_sums sums; /* of what the tree has */
	uint64_t problems;     /* directories that could not be entered */
	uint64_t checkpointed; /* bytes stored at the last one */
	bool has_checkpoint;
	struct object_name checkpoint;
};

static struct snapshot_time
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct snapshot_time){ .sec = (uint64_t)ts.tv_sec,
		.nsec = (uint32_t)ts.tv_nsec };
}

static char *
host_name(void)
{
	char name[HOST_LEN];

	if (gethostname(name, sizeof(name)) == -1 || name[0] == '\0')
		return xstrdup("unknown");
	name[sizeof(name) - 1] = '\0';
	return xstrdup(name);
}

static char *
user_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw != NULL ? xstrdup(pw->pw_name) :
			    xasprintf("%u", (unsigned)geteuid());
}

static void
add_string(char ***list, size_t *count, const char *s)
{
	*list = xreallocarray(*list, *count + 1, sizeof(char *));
	(*list)[(*count)++] = xstrdup(s);
}

/* What the snapshot says from the start. */
static void
start_snapshot(struct push_state *ps)
{
	const struct push_options *options = ps->shared.options;
	struct snapshot *snap = &ps->snap;
	const char *root;

	snap->start = now();
	snap->host = host_name();
	snap->user = user_name();
	snap->program = xstrdup("plakar " MAISON_VERSION);
	for (size_t i = 0; (root = walk_root(ps->walk, i)) != NULL; i++)
		add_string(&snap->roots, &snap->roots_count, root);
	for (size_t i = 0; i < options->tags_count; i++)
		add_string(&snap->tags, &snap->tags_count, options->tags[i]);
}

/* This host's newest snapshot is the one before this one. */
static void
link_snapshot(struct push_state *ps)
{
	const struct object_name *parent = parents_name(ps->parents);

	if (parent != NULL) {
		ps->snap.has_parent = true;
		ps->snap.parent = *parent;
	}
	for (size_t i = ps->list.count; i > 0; i--) {
		const struct snapshot_ref *ref = &ps->list.items[i - 1];

		if (ref->damage == NULL &&
		    strcmp(ref->snap.host, ps->snap.host) == 0) {
			ps->snap.has_previous = true;
			ps->snap.previous = ref->name;
			break;
		}
	}
}

static void
parent_problem(void *ctx, const struct err *e)
{
	struct push_state *ps = ctx;

	push_note(&ps->shared, PUSH_WARNING, "the previous snapshot", e->msg);
}

/* Put what is done into the tree; with wait, at least the oldest. */
static int
drain(struct push_state *ps, bool wait, struct err *e)
{
	struct push_counters *counters = ps->shared.counters;
	struct session_totals totals;
	struct pending *p;

	while ((p = ring_first(ps->shared.ring, wait)) != NULL) {
		wait = false;
		if (!p->dropped) {
			node_sums_add(&ps->sums, &p->sums);
			if (ps->builder != NULL &&
			    tree_builder_add(ps->builder, p->key.data,
				p->key.len, p->encoded.data, p->encoded.len,
				&p->sums, e) == -1)
				return -1;
		}
		ring_drop(ps->shared.ring);
	}
	if (ps->shared.session != NULL) {
		session_totals(ps->shared.session, &totals);
		atomic_store(&counters->stored, totals.stored);
	}
	if (push_failed(&ps->shared)) {
		*e = ps->shared.error;
		return -1;
	}
	return 0;
}

static void
send_batch(struct push_state *ps)
{
	if (ps->batch != NULL)
		work_put_batch(ps->shared.work, ps->batch);
	ps->batch = NULL;
	ps->batch_dirs = 0;
}

/* Give p the descriptor of its directory, shared with its siblings. */
static void
set_dir(struct push_state *ps, struct pending *p, const struct walk_item *item)
{
	size_t len = key_parent_stem_len(item->key, item->key_len);

	if (ps->dir == NULL || ps->dir_stem.len != len ||
	    (len > 0 && memcmp(ps->dir_stem.data, item->key, len) != 0)) {
		dirref_unref(ps->dir);
		ps->dir = dirref_new(item->dirfd);
		buf_reset(&ps->dir_stem);
		buf_add(&ps->dir_stem, item->key, len);
		ps->batch_dirs++;
	}
	p->dir = dirref_ref(ps->dir);
}

/* A file whose content is to be read. */
static void
hand_out(struct push_state *ps, struct pending *p, const struct walk_item *item)
{
	uint64_t size = item->st.stx_size;

	if (ps->batch != NULL && ps->batch_dirs >= BATCH_DIRS)
		send_batch(ps);
	set_dir(ps, p, item);
	if (size > ps->shared.small_max || item->st.stx_blocks * 512 < size) {
		struct bigfile *big = bigfile_new(&ps->shared, p);

		send_batch(ps); /* keeps the order in which packs are filled */
		push_big_begins(&ps->shared, big);
		work_put_big(ps->shared.work, big);
		return;
	}
	if (ps->batch == NULL)
		ps->batch = xcalloc(1, sizeof(*ps->batch));
	ps->batch->files[ps->batch->count++] = p;
	ps->batch->bytes += size;
	if (ps->batch->count == BATCH_FILES || ps->batch->bytes >= BATCH_BYTES)
		send_batch(ps);
}

static bool
time_is(const struct entry_time *t, const struct statx_timestamp *st)
{
	return t->sec == st->tv_sec && t->nsec == st->tv_nsec;
}

/* Whether a change may have come right after the parent's push looked. */
static bool
too_recent(const struct entry *old, const struct snapshot_time *start)
{
	return old->ctime.sec + 1 >= (int64_t)start->sec;
}

/* Whether the repository has all that an entry refers to directly. */
static bool
has_chunks(struct index *index, const struct entry *old)
{
	struct content_item item;
	struct wire w;

	if (old->has_xattrs_id && !index_has(index, &old->xattrs_id))
		return false;
	if (old->content_kind == ENTRY_CONTENT_TREE)
		return index_has(index, &old->content_id);
	if (old->content_kind != ENTRY_CONTENT_LIST)
		return true;
	wire_init(&w, old->content, old->content_len);
	while (!wire_done(&w)) {
		content_get(&w, &item);
		if (!item.hole && !index_has(index, &item.id))
			return false;
	}
	return true;
}

/* Why what the parent has can't be taken over; NULL when it can. */
static const char *
why_changed(struct push_state *ps, const struct walk_item *item,
    const struct entry *old, const struct snapshot_time *start)
{
	const struct statx *st = &item->st;

	if (ps->shared.options->force)
		return "asked to";
	if (old->type != meta_type(st))
		return "its type changed";
	if (old->size != st->stx_size)
		return "its size changed";
	if (!time_is(&old->mtime, &st->stx_mtime))
		return "its time of modification changed";
	if (!time_is(&old->ctime, &st->stx_ctime))
		return "its time of change changed";
	if (old->ino != st->stx_ino)
		return "its inode changed";
	if (old->nlink > 0 &&
	    (old->dev_major != st->stx_dev_major ||
		old->dev_minor != st->stx_dev_minor))
		return "its device changed";
	if (old->recorded_only != item->recorded_only)
		return "it was left out, or is now";
	if (old->error_len > 0)
		return "it could not be wholly read last time";
	if (old->changed)
		return "it changed while it was read last time";
	if (too_recent(old, start))
		return "it changed just before the previous push";
	if (!has_chunks(ps->shared.repo->index, old))
		return "the repository has lost some of it";
	return NULL;
}

/* Take the parent's entry over if nothing changed. */
static bool
carry_over(
    struct push_state *ps, struct pending *p, const struct walk_item *item)
{
	struct push_counters *counters = ps->shared.counters;
	struct parent_entry parent;
	const char *why = "it is new";
	struct entry old;
	struct err e;

	if (parents_find(ps->parents, item->key, item->key_len, &parent,
		parent_problem, ps) == 1) {
		why = "its entry can't be read";
		if (entry_decode(parent.data, parent.len, &old, &e) == 0)
			why = why_changed(ps, item, &old, &parent.start);
	}
	if (why != NULL) {
		if (ps->shared.options->why && S_ISREG(item->st.stx_mode))
			push_note(&ps->shared, PUSH_WHY, item->path, why);
		return false;
	}
	buf_add(&p->encoded, parent.data, parent.len);
	p->sums.dirs = old.type == ENTRY_DIR ? 1 : 0;
	p->sums.others = 1 - p->sums.dirs;
	if (old.type == ENTRY_FILE) {
		p->sums.bytes = old.size;
		atomic_fetch_add(&counters->bytes_done, old.size);
	}
	atomic_fetch_add(&counters->unchanged, p->sums.others);
	pending_done(ps->shared.ring, p);
	return true;
}

/* What is no file, or can't be read as the walk saw: no worker is needed. */
static int
capture_here(struct push_state *ps, struct pending *p,
    const struct walk_item *item, struct err *e)
{
	if (item->problem != NULL)
		p->problem = xstrdup(item->problem);
	if (push_capture(&ps->shared, p, item->dirfd, item->fd, e) == -1) {
		if (push_failed(&ps->shared) || e->errnum != ENOENT)
			return -1;
		push_vanished(&ps->shared, p);
		return 0;
	}
	p->entry.recorded_only = item->recorded_only;
	push_complete(&ps->shared, p);
	return 0;
}

static void
count_item(struct push_state *ps, const struct walk_item *item)
{
	struct push_counters *counters = ps->shared.counters;

	owner_ids_add(&ps->users, item->st.stx_uid);
	owner_ids_add(&ps->groups, item->st.stx_gid);
	if (S_ISDIR(item->st.stx_mode)) {
		atomic_fetch_add(&counters->dirs, 1);
		return;
	}
	atomic_fetch_add(&counters->files, 1);
	if (S_ISREG(item->st.stx_mode))
		atomic_fetch_add(&counters->bytes_found, item->st.stx_size);
}

static int
take_entry(struct push_state *ps, const struct walk_item *item, struct err *e)
{
	struct pending *p;

	while (!ring_has_room(ps->shared.ring, item->key_len)) {
		send_batch(ps);
		if (drain(ps, true, e) == -1)
			return -1;
	}
	count_item(ps, item);
	p = ring_add(ps->shared.ring, item->key, item->key_len);
	if (item->problem == NULL && carry_over(ps, p, item))
		return 0;
	p->st = item->st;
	p->path = xstrndup(item->path, item->path_len);
	p->name = p->path + item->path_len - strlen(item->name);
	if (S_ISREG(item->st.stx_mode) && item->problem == NULL) {
		hand_out(ps, p, item);
		return 0;
	}
	return capture_here(ps, p, item, e);
}

static void
take_problem(struct push_state *ps, const struct walk_item *item)
{
	if (item->vanished) {
		push_note(&ps->shared, PUSH_WARNING, item->path, "vanished");
		return;
	}
	push_note(&ps->shared, PUSH_ERROR, item->path, item->problem);
	atomic_fetch_add(&ps->shared.counters->errors, 1);
	ps->problems++;
}

/* Fill in what only the end knows, and store the snapshot. */
static int
store_snapshot(struct push_state *ps, bool partial, struct object_name *name,
    struct err *e)
{
	struct snapshot *snap = &ps->snap;
	struct session_totals totals;
	struct tree_root root;

	if (tree_builder_root(ps->builder, &root, e) == -1)
		return -1;
	work_flush(ps->shared.work);
	if (push_failed(&ps->shared)) {
		*e = ps->shared.error;
		return -1;
	}
	if (session_flush(ps->shared.session, e) == -1)
		return -1;
	session_totals(ps->shared.session, &totals);
	snap->end = now();
	snap->empty = root.empty;
	snap->tree = root.id;
	snap->sums = root.sums;
	snap->sums.errors += ps->problems;
	snap->partial = partial;
	snap->new_chunks = totals.chunks;
	snap->new_bytes = totals.bytes;
	snap->stored_bytes = totals.stored;
	ps->checkpointed = totals.stored;
	for (size_t i = 0; i < snap->users.count; i++)
		free(snap->users.list[i].name);
	for (size_t i = 0; i < snap->groups.count; i++)
		free(snap->groups.list[i].name);
	free(snap->users.list);
	free(snap->groups.list);
	owner_ids_users(&ps->users, &snap->users);
	owner_ids_groups(&ps->groups, &snap->groups);
	return snapshot_store(ps->shared.repo, snap, name, e);
}

/* The partial snapshot on the way is no longer of use. */
static int
drop_checkpoint(struct push_state *ps, struct err *e)
{
	char path[STORE_NAME_MAX];

	if (!ps->has_checkpoint)
		return 0;
	object_path(STORE_SNAPSHOTS, &ps->checkpoint, path);
	ps->has_checkpoint = false;
	return store_delete(ps->shared.repo->store, path, e);
}

/* Leave a partial snapshot when much was stored since the last one. */
static int
maybe_checkpoint(struct push_state *ps, struct err *e)
{
	struct object_name name;
	struct session_totals totals;

	if (ps->shared.session == NULL || ps->shared.options->checkpoint == 0)
		return 0;
	session_totals(ps->shared.session, &totals);
	if (totals.stored - ps->checkpointed < ps->shared.options->checkpoint)
		return 0;
	if (store_snapshot(ps, true, &name, e) == -1 ||
	    drop_checkpoint(ps, e) == -1)
		return -1;
	ps->has_checkpoint = true;
	ps->checkpoint = name;
	return 0;
}

/* Walk until the end, or until asked to stop: *stopped. */
static int
walk_all(struct push_state *ps, bool *stopped, struct err *e)
{
	const atomic_bool *stop = ps->shared.options->stop;
	struct walk_item item;

	*stopped = false;
	while (walk_next(ps->walk, &item)) {
		if (stop != NULL && atomic_load(stop)) {
			*stopped = true;
			break;
		}
		if (item.kind == WALK_PROBLEM)
			take_problem(ps, &item);
		else if (take_entry(ps, &item, e) == -1)
			return -1;
		if (drain(ps, false, e) == -1 || maybe_checkpoint(ps, e) == -1)
			return -1;
	}
	send_batch(ps);
	if (!*stopped)
		atomic_store(&ps->shared.counters->walked, true);
	while (!ring_empty(ps->shared.ring))
		if (drain(ps, true, e) == -1)
			return -1;
	return 0;
}

static int
start_workers(struct push_state *ps, struct err *e)
{
	for (unsigned i = 0; i < ps->workers_count; i++)
		worker_init(&ps->workers[i], &ps->shared);
	for (unsigned i = 0; i < ps->workers_count; i++) {
		int rc = pthread_create(
		    &ps->workers[i].thread, NULL, worker_run, &ps->workers[i]);

		if (rc != 0) {
			errno = rc;
			err_sys(e, "cannot start a thread");
			return -1;
		}
		ps->workers_running++;
	}
	return 0;
}

static void
end_workers(struct push_state *ps, bool failed)
{
	if (failed)
		work_cancel(ps->shared.work);
	else
		work_close(ps->shared.work);
	for (unsigned i = 0; i < ps->workers_running; i++)
		pthread_join(ps->workers[i].thread, NULL);
	for (unsigned i = 0; i < ps->workers_count; i++)
		worker_clear(&ps->workers[i]);
	free(ps->workers);
}

static int
open_session(struct push_state *ps, struct err *e)
{
	const struct push_options *options = ps->shared.options;
	struct session_options session = {
		.level = options->level > 0 ? options->level : DEFAULT_LEVEL,
		.verify = !options->no_verify,
		.pack_size = PACK_SIZE,
	};
	struct chunk_sink sink;

	if (options->dry_run)
		return 0;
	if (session_new(ps->shared.repo, &session, &ps->shared.session, e) ==
	    -1)
		return -1;
	sink = session_sink(ps->shared.session);
	ps->builder = tree_builder_new(
	    &sink, keyring_get(ps->shared.repo->keys, SECRET_BOUNDARY));
	return 0;
}

static int
open_state(struct push_state *ps, struct err *e)
{
	const struct push_options *options = ps->shared.options;
	struct repo *repo = ps->shared.repo;
	struct chunker_params params = { .min = repo->config.chunk_min,
		.avg = repo->config.chunk_avg,
		.max = repo->config.chunk_max };

	ps->shared.small_max = (uint64_t)params.min * ENTRY_LIST_MAX;
	if (ps->shared.small_max > SMALL_MAX)
		ps->shared.small_max = SMALL_MAX;
	ps->workers_count = cores_count(options->jobs, JOBS_MAX);
	ps->workers = xcalloc(ps->workers_count, sizeof(*ps->workers));
	ps->shared.ring = ring_new();
	ps->shared.work = work_new(ps->workers_count);
	pthread_mutex_init(&ps->shared.lock, NULL);
	if (chunker_init(&ps->shared.chunker, &params,
		keyring_get(repo->keys, SECRET_GEAR), e) == -1 ||
	    walk_open(options->roots, options->roots_count, options->walk,
		&ps->walk, e) == -1 ||
	    snapshot_list_load(repo, &ps->list, e) == -1 ||
	    open_session(ps, e) == -1)
		return -1;
	start_snapshot(ps);
	ps->reader = reader_new(repo, PARENT_BLOCKS);
	ps->parents = parents_new(ps->reader, &ps->list, ps->snap.host,
	    ps->snap.roots, ps->snap.roots_count);
	link_snapshot(ps);
	return start_workers(ps, e);
}

static void
close_state(struct push_state *ps, bool failed)
{
	end_workers(ps, failed);
	for (size_t i = 0; i < ps->shared.bigs_count; i++)
		bigfile_free(ps->shared.bigs[i]);
	free(ps->shared.bigs);
	free(ps->batch);
	dirref_unref(ps->dir);
	buf_free(&ps->dir_stem);
	ring_free(ps->shared.ring);
	work_free(ps->shared.work);
	tree_builder_free(ps->builder);
	session_free(ps->shared.session);
	parents_free(ps->parents);
	reader_free(ps->reader);
	snapshot_list_free(&ps->list);
	snapshot_clear(&ps->snap);
	owner_ids_free(&ps->users);
	owner_ids_free(&ps->groups);
	walk_close(ps->walk);
	chunker_clear(&ps->shared.chunker);
	pthread_mutex_destroy(&ps->shared.lock);
}

/* All is read: store the snapshot, and say what came of it. */
static int
finish(struct push_state *ps, bool stopped, struct push_result *result,
    struct err *e)
{
	result->sums = ps->sums;
	result->sums.errors += ps->problems;
	result->partial = stopped;
	if (ps->shared.session == NULL)
		return 0;
	/* Stopped before anything was found: a snapshot of nothing is none. */
	if (stopped && ps->sums.dirs + ps->sums.others == 0)
		return 0;
	if (store_snapshot(ps, stopped, &result->name, e) == -1)
		return -1;
	result->stored = true;
	return drop_checkpoint(ps, e);
}

int
push(struct repo *repo, const struct push_options *options,
    struct push_counters *counters, struct push_result *result, struct err *e)
{
	struct push_state ps = { .shared = { .repo = repo,
				     .options = options,
				     .counters = counters } };
	bool stopped;
	int rc = -1;

	*result = (struct push_result){ .stored = false };
	if (open_state(&ps, e) == 0 && walk_all(&ps, &stopped, e) == 0)
		rc = finish(&ps, stopped, result, e);
	close_state(&ps, rc == -1);
	return rc;
}
