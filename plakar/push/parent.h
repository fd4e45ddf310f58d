/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent: what earlier snapshots know of the paths that a push meets.
 *
 * The newest snapshot of this host with most of the push's roots; when that
 * one is partial, also the newest whole one, for what the partial one had not
 * reached.  Their trees are read beside the walk, in the same order.
 */
#ifndef PLAKAR_PUSH_PARENT_H
#define PLAKAR_PUSH_PARENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/snapshot.h"

struct err;
struct parents;
struct reader;
struct snapshot_list;

/* Chooses among list, which is borrowed.  May find none. */
struct parents *parents_new(struct reader *reader,
    const struct snapshot_list *list, const char *host, char *const *roots,
    size_t roots_count);
void parents_free(struct parents *p);

/* The snapshot compared with, or NULL. */
const struct object_name *parents_name(const struct parents *p);

/* An entry of an earlier snapshot, as encoded; borrowed until the next call. */
struct parent_entry {
	const uint8_t *data;
	size_t len;
	struct snapshot_time start; /* of the snapshot that has it */
};

/*
 * 1 and *ent when key was in an earlier snapshot, 0 when not.  Keys ascend
 * from call to call.  A tree that can't be read is left, with a word to
 * problem_cb: its paths are then read as if they were new.
 */
typedef void (*parents_problem_cb)(void *ctx, const struct err *e);
int parents_find(struct parents *p, const uint8_t *key, size_t key_len,
    struct parent_entry *ent, parents_problem_cb problem_cb, void *ctx);

#endif
