/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * repo: an open repository: its store, what its config says, the keys that
 * the person's secret opened, and its index.
 *
 * Ownership: the repository owns all that it names, until repo_close().
 * Threads:   read-only once open, but for the index, which locks itself.
 */
#ifndef PLAKAR_REPO_REPO_H
#define PLAKAR_REPO_REPO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/config.h"
#include "plakar/format/ids.h"
#include "plakar/hash/sha256.h"

struct credential_source;
struct err;
struct index;
struct keyring;
struct store;

struct repo {
	struct store *store;
	struct config config;
	struct keyring *keys;
	struct index *index;                /* NULL until repo_load_index() */
	struct id_key id_keys[CHUNK_KINDS]; /* by kind - 1 */
};

/* What a new repository is to be. */
struct repo_options {
	const struct credential_source *credential;
	bool strong; /* derive the key at more cost, for who guesses too */
};

/*
 * Make a repository at location with one full key slot.  ERR_EXISTS: there
 * is one, or something else.  Nothing is left behind by a failure but an
 * empty store.
 */
int repo_create(const char *location, const struct repo_options *options,
    struct err *e) ATTR_CHECKED;

/*
 * Open the repository at location.  ERR_NOT_FOUND: there is none.
 * ERR_DENIED: no slot opens.  ERR_UNSUPPORTED: it is of a newer format.
 */
int repo_open(const char *location, const struct credential_source *credential,
    struct repo **out, struct err *e) ATTR_CHECKED;

/* NULL is allowed. */
void repo_close(struct repo *repo);

/* Where its index is kept, owned by the caller; or NULL. */
char *repo_cache_folder(const struct repo *repo, struct err *e) ATTR_CHECKED;

/*
 * Bring the local index up to date with the store's index segments, in the
 * cache folder ($PLAKAR_CACHE, else $XDG_CACHE_HOME/plakar, else
 * ~/.cache/plakar).  To be called after the snapshots that will be read were
 * listed.  A segment that can't be read is passed over; problem_cb, which
 * may be NULL, is told.
 */
typedef void (*repo_problem_cb)(void *ctx, const struct err *e);
int repo_load_index(struct repo *repo, repo_problem_cb problem_cb, void *ctx,
    struct err *e) ATTR_CHECKED;

/* The same, from the store alone: what the cache had is thrown away first. */
int repo_rebuild_index(struct repo *repo, repo_problem_cb problem_cb, void *ctx,
    struct err *e) ATTR_CHECKED;

/*
 * The session key behind sealed, of this class, into session, which is
 * secret memory.  ERR_DENIED when the key in use may not read the class.
 */
int repo_open_session(const struct repo *repo, enum chunk_class class,
    const uint8_t *sealed, uint8_t *session, struct err *e) ATTR_CHECKED;

/* The ids of n chunks of one kind. */
static inline const struct id_key *
repo_id_key(const struct repo *repo, enum chunk_kind kind)
{
	return &repo->id_keys[kind - 1];
}

#endif
