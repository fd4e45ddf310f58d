/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * snapshots: the snapshots of a repository, listed, named, stored and
 * trashed.
 *
 * Errors: a snapshot that can't be read is in the list all the same, with
 *         what is the matter: one damaged object must not hide the others.
 */
#ifndef PLAKAR_SNAPSHOT_SNAPSHOTS_H
#define PLAKAR_SNAPSHOT_SNAPSHOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/snapshot.h"

struct err;
struct repo;

struct snapshot_ref {
	struct object_name name;
	struct snapshot snap; /* empty when damaged */
	uint64_t object_len;
	char *damage; /* why it can't be read, or NULL */
	bool trashed;
	struct object_name tombstone; /* of one that is trashed */
};

struct snapshot_list {
	struct snapshot_ref *items; /* oldest first; damaged ones at the end */
	size_t count;
};

/* All snapshots, those that are trashed too.  "= {0}" is an empty list. */
int snapshot_list_load(
    struct repo *repo, struct snapshot_list *list, struct err *e) ATTR_CHECKED;
void snapshot_list_free(struct snapshot_list *list);

/* The id that people see: 32 digits. */
void snapshot_id_text(
    const struct object_name *name, char text[SNAPSHOT_NAME_HEX + 1]);

/*
 * The snapshot that spec names: digits that only one snapshot begins with,
 * or "latest".  Trashed ones are found only with_trashed.  ERR_NOT_FOUND;
 * ERR_USAGE when more than one matches, or spec can't be a name; ERR_CORRUPT
 * when it is damaged.
 */
const struct snapshot_ref *snapshot_find(const struct snapshot_list *list,
    const char *spec, bool with_trashed, struct err *e) ATTR_CHECKED;

/*
 * Split "ID:/path" in place: *path is what follows the colon, tidied up to
 * "/" when there is none.  Returns the id part; both borrow from arg.
 */
char *snapshot_split(char *arg, const char **path);

/* Store snap; name is its object's. */
int snapshot_store(struct repo *repo, const struct snapshot *snap,
    struct object_name *name, struct err *e) ATTR_CHECKED;

/* Hide a snapshot until a purge removes it; or show it again. */
int snapshot_trash(struct repo *repo, const struct snapshot_ref *ref,
    struct err *e) ATTR_CHECKED;
int snapshot_untrash(struct repo *repo, const struct snapshot_ref *ref,
    struct err *e) ATTR_CHECKED;

#endif
