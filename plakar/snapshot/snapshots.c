/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hex.h"
#include "lib/mem.h"
#include "plakar/format/field.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"
#include "plakar/repo/sealed.h"

#include "plakar/snapshot/snapshots.h"

enum tombstone_tag {
	TOMBSTONE_SNAPSHOT = 1,
	TOMBSTONE_TIME,
};

static int
add_ref(void *arg, const char *path, uint64_t size, struct err *e)
{
	struct snapshot_list *list = arg;
	struct object_name name;

	(void)e;
	if (!object_parse(path, &name))
		return 0;
	list->items =
	    xreallocarray(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] =
	    (struct snapshot_ref){ .name = name, .object_len = size };
	return 0;
}

/* Whether a failure is the object's own, so that the others can be read. */
static bool
is_damage(const struct err *e)
{
	return e->kind == ERR_CORRUPT || e->kind == ERR_UNSUPPORTED ||
	    e->kind == ERR_LIMIT;
}

static int
load_ref(struct repo *repo, struct snapshot_ref *ref, struct err *e)
{
	struct buf plain = { 0 };
	int got = sealed_load(
	    repo, STORE_SNAPSHOTS, SEALED_SNAPSHOT, &ref->name, &plain, e);

	if (got == 0) {
		err_set(e, ERR_CORRUPT, "not a snapshot");
		got = -1;
	}
	if (got == 1 &&
	    snapshot_decode(plain.data, plain.len, &ref->snap, e) == -1)
		got = -1;
	buf_free(&plain);
	if (got == -1 && is_damage(e)) {
		ref->damage = xstrdup(e->msg);
		return 0;
	}
	return got == -1 ? -1 : 0;
}

static int
compare_refs(const void *a, const void *b)
{
	const struct snapshot_ref *x = a, *y = b;
	const struct snapshot_time *s = &x->snap.start, *t = &y->snap.start;

	if ((x->damage == NULL) != (y->damage == NULL))
		return x->damage == NULL ? -1 : 1;
	if (s->sec != t->sec)
		return s->sec < t->sec ? -1 : 1;
	if (s->nsec != t->nsec)
		return s->nsec < t->nsec ? -1 : 1;
	return memcmp(&x->name, &y->name, sizeof(x->name));
}

/* The snapshot that a tombstone is for; 0 when the object is none. */
static int
load_tombstone(struct repo *repo, const struct object_name *name,
    struct object_name *snapshot, struct err *e)
{
	struct field_reader reader;
	struct buf plain = { 0 };
	struct field f;
	int got =
	    sealed_load(repo, STORE_LOCKS, SEALED_TOMBSTONE, name, &plain, e);
	bool found = false;

	if (got == 1) {
		field_reader_init(&reader, plain.data, plain.len);
		while (!found && (got = field_next(&reader, &f, e)) == 1)
			if (f.tag == TOMBSTONE_SNAPSHOT) {
				got = field_bytes(
				    &f, snapshot->bytes, OBJECT_NAME_LEN, e);
				found = true;
				if (got == -1)
					break;
			}
	}
	buf_free(&plain);
	/* One that can't be read hides nothing: better shown than lost. */
	if (got == -1)
		return is_damage(e) || e->kind == ERR_NOT_FOUND ? 0 : -1;
	return found ? 1 : 0;
}

static int
mark_trashed(struct repo *repo, struct snapshot_list *list, struct err *e)
{
	struct snapshot_list locks = { 0 };
	struct object_name target;
	int rc = store_list(repo->store, STORE_LOCKS, add_ref, &locks, e);

	for (size_t i = 0; i < locks.count && rc != -1; i++) {
		rc = load_tombstone(repo, &locks.items[i].name, &target, e);
		for (size_t k = 0; k < list->count && rc == 1; k++) {
			struct snapshot_ref *ref = &list->items[k];

			if (memcmp(&ref->name, &target, sizeof(target)) != 0)
				continue;
			ref->trashed = true;
			ref->tombstone = locks.items[i].name;
		}
	}
	free(locks.items);
	return rc == -1 ? -1 : 0;
}

int
snapshot_list_load(struct repo *repo, struct snapshot_list *list, struct err *e)
{
	*list = (struct snapshot_list){ 0 };
	if (store_list(repo->store, STORE_SNAPSHOTS, add_ref, list, e) == -1)
		goto fail;
	for (size_t i = 0; i < list->count; i++)
		if (load_ref(repo, &list->items[i], e) == -1)
			goto fail;
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items),
		    compare_refs);
	if (mark_trashed(repo, list, e) == -1)
		goto fail;
	return 0;
fail:
	snapshot_list_free(list);
	return -1;
}

void
snapshot_list_free(struct snapshot_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		snapshot_clear(&list->items[i].snap);
		free(list->items[i].damage);
	}
	free(list->items);
	*list = (struct snapshot_list){ 0 };
}

void
snapshot_id_text(
    const struct object_name *name, char text[SNAPSHOT_NAME_HEX + 1])
{
	hex_encode(name->bytes, SNAPSHOT_NAME_HEX / 2, text);
}

static const struct snapshot_ref *
find_latest(const struct snapshot_list *list, struct err *e)
{
	for (size_t i = list->count; i > 0; i--)
		if (!list->items[i - 1].trashed &&
		    list->items[i - 1].damage == NULL)
			return &list->items[i - 1];
	err_set(e, ERR_NOT_FOUND, "there is no snapshot yet");
	return NULL;
}

static const struct snapshot_ref *
find_prefix(const struct snapshot_list *list, const char *spec,
    bool with_trashed, struct err *e)
{
	const struct snapshot_ref *found = NULL;
	size_t matches = 0;

	for (size_t i = 0; i < list->count; i++) {
		char hex[2 * OBJECT_NAME_LEN + 1];

		if (list->items[i].trashed && !with_trashed)
			continue;
		hex_encode(list->items[i].name.bytes, OBJECT_NAME_LEN, hex);
		if (strncmp(hex, spec, strlen(spec)) == 0) {
			found = &list->items[i];
			matches++;
		}
	}
	if (matches == 1)
		return found;
	if (matches == 0)
		err_set(e, ERR_NOT_FOUND, "%s: no such snapshot", spec);
	else
		err_set(e, ERR_USAGE,
		    "%s: %zu snapshots begin so; give more "
		    "digits",
		    spec, matches);
	return NULL;
}

const struct snapshot_ref *
snapshot_find(const struct snapshot_list *list, const char *spec,
    bool with_trashed, struct err *e)
{
	const struct snapshot_ref *ref;

	if (strcmp(spec, "latest") == 0)
		return find_latest(list, e);
	if (spec[0] == '\0' || !hex_valid(spec)) {
		err_set(e, ERR_USAGE,
		    "%s: neither the beginning of a "
		    "snapshot's id nor \"latest\"",
		    spec);
		return NULL;
	}
	ref = find_prefix(list, spec, with_trashed, e);
	if (ref != NULL && ref->damage != NULL) {
		err_set(e, ERR_CORRUPT, "%s", ref->damage);
		return NULL;
	}
	return ref;
}

char *
snapshot_split(char *arg, const char **path)
{
	char *colon = strchr(arg, ':');

	*path = "/";
	if (colon != NULL) {
		*colon = '\0';
		if (colon[1] != '\0')
			*path = colon + 1;
	}
	return arg;
}

int
snapshot_store(struct repo *repo, const struct snapshot *snap,
    struct object_name *name, struct err *e)
{
	struct buf plain = { 0 };
	int rc;

	snapshot_encode(snap, &plain);
	rc = sealed_store(repo, STORE_SNAPSHOTS, SEALED_SNAPSHOT, plain.data,
	    plain.len, name, e);
	buf_free(&plain);
	return rc;
}

int
snapshot_trash(struct repo *repo, const struct snapshot_ref *ref, struct err *e)
{
	struct object_name name;
	struct buf plain = { 0 };
	int rc;

	field_put(&plain, TOMBSTONE_SNAPSHOT, ref->name.bytes, OBJECT_NAME_LEN);
	field_put_u64(&plain, TOMBSTONE_TIME, (uint64_t)time(NULL));
	rc = sealed_store(repo, STORE_LOCKS, SEALED_TOMBSTONE, plain.data,
	    plain.len, &name, e);
	buf_free(&plain);
	return rc;
}

int
snapshot_untrash(
    struct repo *repo, const struct snapshot_ref *ref, struct err *e)
{
	char path[STORE_NAME_MAX];

	object_path(STORE_LOCKS, &ref->tombstone, path);
	if (store_delete(repo->store, path, e) == -1)
		return -1;
	return store_sync(repo->store, e);
}
