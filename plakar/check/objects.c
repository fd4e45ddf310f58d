/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Every object's bytes, held against its name.
 */

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "plakar/hash/sha256.h"
#include "plakar/repo/objname.h"
#include "plakar/store/store.h"

#include "plakar/check/check_internal.h"

#define STEP (1u << 20) /* bytes read at a time */

/* All objects that have a hash for a name; threads take one after the other. */
struct hashing {
	struct check_shared *shared;
	struct listing list;
	enum store_kind *kinds;
	atomic_size_t next;
};

static int
hash_object(struct hashing *h, const char *name, uint64_t size, uint8_t *buffer,
    struct object_name *out, struct err *e)
{
	struct sha256 hash;

	sha256_init(&hash);
	for (uint64_t at = 0; at < size; at += STEP) {
		size_t len = size - at < STEP ? (size_t)(size - at) : STEP;

		if (store_get_range(
			h->shared->store, name, at, len, buffer, e) == -1)
			return -1;
		sha256_update(&hash, buffer, len);
		atomic_fetch_add(&h->shared->counters->bytes, len);
	}
	sha256_final(&hash, out->bytes);
	return 0;
}

static void *
work(void *arg)
{
	struct hashing *h = arg;
	uint8_t *buffer = xmalloc(STEP);
	size_t i;

	while ((i = atomic_fetch_add(&h->next, 1)) < h->list.count &&
	    !check_stopped(h->shared)) {
		const struct listed *item = &h->list.items[i];
		char name[STORE_NAME_MAX];
		struct object_name real;
		struct err e;

		object_path(h->kinds[i], &item->name, name);
		if (hash_object(h, name, item->size, buffer, &real, &e) == -1)
			check_object_problem(h->shared, name, e.msg);
		else if (memcmp(&real, &item->name, sizeof(real)) != 0)
			check_object_problem(
			    h->shared, name, "its bytes have changed");
		atomic_fetch_add(&h->shared->counters->objects, 1);
	}
	free(buffer);
	return NULL;
}

/* Append the objects of a kind to those to be hashed. */
static int
add_kind(struct hashing *h, enum store_kind kind, struct err *e)
{
	struct listing l;
	size_t total;

	if (listing_load(h->shared->store, (int)kind, &l, e) == -1)
		return -1;
	total = h->list.count + l.count;
	h->list.items =
	    xreallocarray(h->list.items, total, sizeof(*h->list.items));
	h->kinds = xreallocarray(h->kinds, total, sizeof(*h->kinds));
	for (size_t i = 0; i < l.count; i++) {
		h->list.items[h->list.count] = l.items[i];
		h->kinds[h->list.count++] = kind;
		atomic_fetch_add(
		    &h->shared->counters->bytes_total, l.items[i].size);
	}
	atomic_store(&h->shared->counters->objects_total, total);
	listing_free(&l);
	return 0;
}

int
check_objects(struct check_shared *shared, struct err *e)
{
	static const enum store_kind kinds[] = { STORE_KEYS, STORE_SNAPSHOTS,
		STORE_INDEX, STORE_LOCKS, STORE_DATA };
	struct hashing h = { .shared = shared };
	int rc = 0;

	atomic_init(&h.next, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && rc == 0; i++)
		rc = add_kind(&h, kinds[i], e);
	if (rc == 0)
		rc = check_threads(shared, work, &h, e);
	listing_free(&h.list);
	free(h.kinds);
	return rc;
}
