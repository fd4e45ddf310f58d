/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/format/node.h"
#include "plakar/read/reader.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/tree/cursor.h"

#include "plakar/push/parent.h"

#define PARENTS_MAX 2

/* One tree, and the entry that its cursor has reached. */
struct parent {
	const struct snapshot_ref *ref;
	struct tree_cursor *cursor; /* NULL: at its end, or unreadable */
	bool has_item;
	struct node_item item;
};

struct parents {
	struct parent list[PARENTS_MAX];
	size_t count;
};

/* How many of the push's roots a snapshot has. */
static size_t
common_roots(const struct snapshot *snap, char *const *roots, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < snap->roots_count; k++)
			if (strcmp(roots[i], snap->roots[k]) == 0) {
				n++;
				break;
			}
	return n;
}

/* The newest of this host's with most roots in common, or NULL. */
static const struct snapshot_ref *
choose(const struct snapshot_list *list, const char *host, char *const *roots,
    size_t roots_count, bool whole_only)
{
	const struct snapshot_ref *best = NULL;
	size_t best_roots = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct snapshot_ref *ref = &list->items[i];
		size_t n;

		if (ref->damage != NULL || ref->trashed || ref->snap.empty ||
		    (whole_only && ref->snap.partial) ||
		    strcmp(ref->snap.host, host) != 0)
			continue;
		n = common_roots(&ref->snap, roots, roots_count);
		if (n > 0 && n >= best_roots) {
			best = ref;
			best_roots = n;
		}
	}
	return best;
}

static void
add_parent(
    struct parents *p, struct reader *reader, const struct snapshot_ref *ref)
{
	struct chunk_source source = reader_source(reader);
	struct parent *parent = &p->list[p->count++];

	parent->ref = ref;
	parent->cursor = tree_cursor_new(&source, &ref->snap.tree);
}

struct parents *
parents_new(struct reader *reader, const struct snapshot_list *list,
    const char *host, char *const *roots, size_t roots_count)
{
	struct parents *p = xcalloc(1, sizeof(*p));
	const struct snapshot_ref *ref;

	ref = choose(list, host, roots, roots_count, false);
	if (ref != NULL)
		add_parent(p, reader, ref);
	if (ref != NULL && ref->snap.partial) {
		ref = choose(list, host, roots, roots_count, true);
		if (ref != NULL)
			add_parent(p, reader, ref);
	}
	return p;
}

void
parents_free(struct parents *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->count; i++)
		tree_cursor_free(p->list[i].cursor);
	free(p);
}

const struct object_name *
parents_name(const struct parents *p)
{
	return p->count > 0 ? &p->list[0].ref->name : NULL;
}

/* Whether parent has key; moves its cursor up to there. */
static bool
advance(struct parent *parent, const uint8_t *key, size_t key_len,
    parents_problem_cb problem_cb, void *ctx)
{
	while (parent->cursor != NULL) {
		int order = -1, got = 1;
		struct err e;

		if (parent->has_item)
			order = node_key_compare(parent->item.key,
			    parent->item.key_len, key, key_len);
		if (parent->has_item && order >= 0)
			return order == 0;
		got = tree_cursor_next(parent->cursor, &parent->item, &e);
		parent->has_item = got == 1;
		if (got == -1)
			problem_cb(ctx, &e);
		if (got != 1) {
			tree_cursor_free(parent->cursor);
			parent->cursor = NULL;
		}
	}
	return false;
}

int
parents_find(struct parents *p, const uint8_t *key, size_t key_len,
    struct parent_entry *ent, parents_problem_cb problem_cb, void *ctx)
{
	int found = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct parent *parent = &p->list[i];

		if (!advance(parent, key, key_len, problem_cb, ctx) ||
		    found == 1)
			continue;
		ent->data = parent->item.entry;
		ent->len = parent->item.entry_len;
		ent->start = parent->ref->snap.start;
		found = 1;
	}
	return found;
}
