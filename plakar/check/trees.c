/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The trees of all snapshots: every node is read once, whoever shares it;
 * every chunk that an entry names must be in the index, in a block that is
 * not known to be bad.
 */

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "plakar/content/reader.h"
#include "plakar/format/entry.h"
#include "plakar/format/key.h"
#include "plakar/index/index.h"
#include "plakar/read/reader.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/store/store.h"
#include "plakar/tree/load.h"

#include "plakar/check/check_internal.h"

#define BLOCKS    16 /* of metadata, kept open */
#define FIRST_CAP 1024

/* Nodes that were looked at, and whether something below is damaged. */
struct seen {
	struct chunk_id id;
	bool used, bad;
};

struct walk {
	struct check_shared *shared;
	struct reader *reader;
	struct chunk_source source;
	const struct snapshot_ref *ref; /* being looked at */
	struct seen *seen;              /* open-addressed */
	size_t seen_cap, seen_count;
};

static struct seen *
probe(struct walk *w, const struct chunk_id *id)
{
	size_t i = (size_t)wire_load64(id->bytes) & (w->seen_cap - 1);

	while (w->seen[i].used && memcmp(&w->seen[i].id, id, sizeof(*id)) != 0)
		i = (i + 1) & (w->seen_cap - 1);
	return &w->seen[i];
}

static void
remember(struct walk *w, const struct chunk_id *id, bool bad)
{
	struct seen *old = w->seen;
	size_t old_cap = w->seen_cap;

	if (w->seen_count + 1 > w->seen_cap / 2) {
		w->seen_cap = old_cap == 0 ? FIRST_CAP : 2 * old_cap;
		w->seen = xcalloc(w->seen_cap, sizeof(*w->seen));
		for (size_t i = 0; i < old_cap; i++)
			if (old[i].used)
				*probe(w, &old[i].id) = old[i];
		free(old);
	}
	*probe(w, id) = (struct seen){ .id = *id, .used = true, .bad = bad };
	w->seen_count++;
}

/* What is known of a node, or NULL. */
static const struct seen *
recall(struct walk *w, const struct chunk_id *id)
{
	struct seen *s;

	if (w->seen_cap == 0)
		return NULL;
	s = probe(w, id);
	return s->used ? s : NULL;
}

static void
path_problem(struct walk *w, const char *path, const char *text)
{
	const struct check_report *report = &w->shared->options->report;

	atomic_fetch_add(&w->shared->counters->problems, 1);
	pthread_mutex_lock(&w->shared->lock);
	if (report->path != NULL)
		report->path(report->ctx, w->ref, path, text);
	pthread_mutex_unlock(&w->shared->lock);
}

/* NULL when a chunk is where it should be, else what is wrong. */
static const char *
chunk_wrong(struct walk *w, const struct chunk_id *id)
{
	struct index_place place;

	if (!index_find(w->shared->repo->index, id, &place))
		return "a chunk of it is missing";
	if (bad_blocks_has(&w->shared->bad, &place.pack, place.offset))
		return "a chunk of it is in a damaged block";
	return NULL;
}

static int
check_item(
    void *ctx, const struct content_item *item, uint64_t offset, struct err *e)
{
	struct walk *w = ctx;
	const char *wrong;

	(void)offset;
	if (item->hole)
		return 0;
	wrong = chunk_wrong(w, &item->id);
	if (wrong == NULL)
		return 0;
	err_set(e, ERR_CORRUPT, "%s", wrong);
	return -1;
}

/* A content node that was good once need not be entered again. */
static int
enter_node(void *ctx, const struct chunk_id *id, struct err *e)
{
	const struct seen *s = recall(ctx, id);

	if (s == NULL)
		return 1;
	if (!s->bad)
		return 0;
	err_set(e, ERR_CORRUPT, "a part of it is damaged");
	return -1;
}

static const char *
entry_wrong(struct walk *w, const struct entry *ent, struct err *e)
{
	const char *wrong;
	int rc;

	if (ent->has_xattrs_id) {
		wrong = chunk_wrong(w, &ent->xattrs_id);
		if (wrong != NULL)
			return wrong;
	}
	rc = content_each(&w->source, ent, check_item, enter_node, w, e);
	if (ent->content_kind == ENTRY_CONTENT_TREE &&
	    recall(w, &ent->content_id) == NULL)
		remember(w, &ent->content_id, rc == -1);
	return rc == -1 ? e->msg : NULL;
}

/* True when the entry is whole. */
static bool
check_entry(struct walk *w, const struct node_item *item)
{
	struct buf path = { 0 };
	const char *wrong = NULL;
	struct entry ent;
	struct err e;

	if (!key_valid(item->key, item->key_len))
		wrong = "a name that can't be";
	else if (entry_decode(item->entry, item->entry_len, &ent, &e) == -1)
		wrong = e.msg;
	else
		wrong = entry_wrong(w, &ent, &e);
	if (wrong == NULL)
		return true;
	key_to_path(item->key, item->key_len, &path);
	path_problem(w, buf_str(&path), wrong);
	buf_free(&path);
	return false;
}

static bool check_node(struct walk *w, const struct chunk_id *id, int level);

/* All items of a node; depth is bounded, as each level is one lower. */
static bool
check_items(struct walk *w, const struct loaded_node *node)
{
	bool good = true;

	for (size_t i = 0; i < node->count; i++) {
		const struct node_item *item = &node->items[i];

		if (check_stopped(w->shared))
			return good;
		if (!(node->level == 0 ?
			    check_entry(w, item) :
			    check_node(w, &item->child, node->level - 1)))
			good = false;
	}
	return good;
}

/* True when all below the node is whole; level is -1 for a root. */
static bool
check_node(struct walk *w, const struct chunk_id *id, int level)
{
	const struct seen *s = recall(w, id);
	struct loaded_node node = { 0 };
	struct err e;
	bool good = false;

	if (s != NULL)
		return !s->bad;
	if (loaded_node_get(&node, &w->source, id, &e) == -1) {
		path_problem(w, NULL, e.msg);
	} else if (level != -1 && node.level != level) {
		path_problem(w, NULL, "a tree node at the wrong level");
	} else {
		good = check_items(w, &node);
	}
	loaded_node_free(&node);
	remember(w, id, !good);
	return good;
}

static void
check_snapshot(struct walk *w, const struct snapshot_ref *ref)
{
	const struct check_report *report = &w->shared->options->report;
	char name[STORE_NAME_MAX];
	bool good = true;

	w->ref = ref;
	if (ref->damage != NULL) {
		object_path(STORE_SNAPSHOTS, &ref->name, name);
		check_object_problem(w->shared, name, ref->damage);
		good = false;
	} else if (!ref->snap.empty) {
		good = check_node(w, &ref->snap.tree, -1);
	}
	pthread_mutex_lock(&w->shared->lock);
	if (report->snapshot != NULL)
		report->snapshot(report->ctx, ref, good);
	pthread_mutex_unlock(&w->shared->lock);
}

int
check_trees(struct check_shared *shared, struct err *e)
{
	const char *only = shared->options->snapshot;
	struct walk w = { .shared = shared };
	const struct snapshot_ref *ref = NULL;
	struct snapshot_list list;

	if (snapshot_list_load(shared->repo, &list, e) == -1)
		return -1;
	if (only != NULL) {
		ref = snapshot_find(&list, only, true, e);
		if (ref == NULL) {
			snapshot_list_free(&list);
			return -1;
		}
	}
	w.reader = reader_new(shared->repo, BLOCKS);
	w.source = reader_source(w.reader);
	for (size_t i = 0; i < list.count && !check_stopped(shared); i++)
		if (ref == NULL || ref == &list.items[i])
			check_snapshot(&w, &list.items[i]);
	reader_free(w.reader);
	free(w.seen);
	snapshot_list_free(&list);
	return 0;
}
