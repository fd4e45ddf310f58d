/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/hex.h"
#include "lib/mem.h"
#include "plakar/chunk/chunker.h"
#include "plakar/crypto/aead.h"
#include "plakar/crypto/random.h"
#include "plakar/crypto/sealkey.h"
#include "plakar/format/segment.h"
#include "plakar/index/index.h"
#include "plakar/keys/credential.h"
#include "plakar/keys/keyring.h"
#include "plakar/keys/keyslot.h"
#include "plakar/keys/unlock.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/segments.h"
#include "plakar/store/store.h"

#include "plakar/repo/repo.h"

#define CONFIG_NAME "config"
#define SLOTS_MAX   1000 /* key slots that are tried */

/* Names or contents of objects, as a listing gives them. */
struct name_list {
	struct object_name *names;
	size_t count;
};

static int
add_name(void *arg, const char *path, uint64_t size, struct err *e)
{
	struct name_list *list = arg;
	struct object_name name;

	(void)size;
	(void)e;
	if (!object_parse(path, &name))
		return 0;
	list->names =
	    xreallocarray(list->names, list->count + 1, sizeof(*list->names));
	list->names[list->count++] = name;
	return 0;
}

static void
fill_config(struct config *config)
{
	*config = (struct config){ .created = (uint64_t)time(NULL),
		.chunker = CHUNKER_GEAR,
		.chunk_min = CHUNKER_DEFAULT_MIN,
		.chunk_avg = CHUNKER_DEFAULT_AVG,
		.chunk_max = CHUNKER_DEFAULT_MAX,
		.aead = (uint8_t)aead_best() };
	random_bytes(config->repo_id, sizeof(config->repo_id));
}

/* Store the first key slot, for whoever has c. */
static int
store_slot(struct store *store, const struct keyring *keys,
    const struct config *config, const struct repo_options *options,
    const struct credential *c, struct err *e)
{
	struct keyslot_options slot = { .role = ROLE_FULL,
		.strong = options->strong,
		.label = "",
		.created = config->created };
	struct object_name name;
	struct buf object = { 0 };
	char path[STORE_NAME_MAX];
	int rc = -1;

	if (keyslot_seal(keys, config->repo_id, c, &slot, &object, e) == 0) {
		object_name_of(object.data, object.len, &name);
		object_path(STORE_KEYS, &name, path);
		rc = store_put(store, path, object.data, object.len, e);
	}
	buf_free(&object);
	return rc;
}

/* The config comes last: a store without it is no repository. */
static int
store_config(struct store *store, const struct keyring *keys,
    const struct config *config, struct err *e)
{
	struct buf object = { 0 };
	int rc = -1;

	config_encode(config, &object);
	keyring_sign_config(keys, &object);
	if (store_sync(store, e) == 0 &&
	    store_put(store, CONFIG_NAME, object.data, object.len, e) == 0 &&
	    store_sync(store, e) == 0)
		rc = 0;
	buf_free(&object);
	return rc;
}

int
repo_create(
    const char *location, const struct repo_options *options, struct err *e)
{
	struct credential c = { 0 };
	struct keyring *keys = NULL;
	struct store *store = NULL;
	struct config config;
	int rc = -1;

	fill_config(&config);
	if (store_create(location, &store, e) == -1 ||
	    credential_make(options->credential, location, &c, e) == -1)
		goto out;
	keys = keyring_new(config.repo_id, e);
	if (keys == NULL ||
	    keyring_public(keys, CLASS_METADATA, config.metadata_public, e) ==
		-1 ||
	    keyring_public(keys, CLASS_DATA, config.data_public, e) == -1)
		goto out;
	if (store_slot(store, keys, &config, options, &c, e) == -1 ||
	    store_config(store, keys, &config, e) == -1)
		goto out;
	rc = 0;
out:
	keyring_free(keys);
	credential_clear(&c);
	store_close(store);
	return rc;
}

/* Read every key slot there is into bufs, one each. */
static int
load_slots(struct store *store, struct buf **bufs, size_t *count, struct err *e)
{
	struct name_list list = { 0 };
	char path[STORE_NAME_MAX];
	int rc = -1;

	*bufs = NULL;
	*count = 0;
	if (store_list(store, STORE_KEYS, add_name, &list, e) == -1)
		goto out;
	if (list.count > SLOTS_MAX) {
		err_set(e, ERR_LIMIT, "%zu key slots", list.count);
		goto out;
	}
	*bufs = xcalloc(list.count, sizeof(**bufs));
	for (; *count < list.count; ++*count) {
		object_path(STORE_KEYS, &list.names[*count], path);
		if (store_get(store, path, SLOT_LEN_MAX, &(*bufs)[*count], e) ==
		    -1)
			goto out;
	}
	rc = 0;
out:
	free(list.names);
	return rc;
}

static int
unlock_repo(struct repo *repo, const struct credential_source *credential,
    struct err *e)
{
	struct unlock_slot *slots = NULL;
	struct unlock u = { .what = store_location(repo->store) };
	struct buf *bufs;
	size_t count;

	if (load_slots(repo->store, &bufs, &count, e) == 0) {
		slots = xcalloc(count, sizeof(*slots));
		for (size_t i = 0; i < count; i++)
			slots[i] = (struct unlock_slot){ .data = bufs[i].data,
				.len = bufs[i].len };
		u.slots = slots;
		u.n = count;
		memcpy(u.repo_id, repo->config.repo_id, REPO_ID_LEN);
		repo->keys = unlock_keyring(&u, credential, NULL, e);
	}
	for (size_t i = 0; i < count; i++)
		buf_free(&bufs[i]);
	free(bufs);
	free(slots);
	return repo->keys != NULL ? 0 : -1;
}

static int
open_config(struct repo *repo, struct buf *object, struct err *e)
{
	if (store_get(repo->store, CONFIG_NAME, CONFIG_LEN_MAX, object, e) ==
	    -1) {
		if (e->kind == ERR_NOT_FOUND)
			err_set(e, ERR_NOT_FOUND,
			    "%s: no repository there; \"plakar init\" makes "
			    "one",
			    store_location(repo->store));
		return -1;
	}
	return config_decode(object->data, object->len, &repo->config, e);
}

int
repo_open(const char *location, const struct credential_source *credential,
    struct repo **out, struct err *e)
{
	struct repo *repo = xcalloc(1, sizeof(*repo));
	struct buf object = { 0 };
	int rc = -1;

	if (store_open(location, &repo->store, e) == -1 ||
	    open_config(repo, &object, e) == -1 ||
	    unlock_repo(repo, credential, e) == -1 ||
	    keyring_check_config(repo->keys, object.data, object.len, e) == -1)
		goto out;
	for (int kind = CHUNK_DATA; kind <= CHUNK_XATTR; kind++)
		id_key_init(&repo->id_keys[kind - 1],
		    keyring_id_key(repo->keys, (enum chunk_kind)kind));
	*out = repo;
	repo = NULL;
	rc = 0;
out:
	buf_free(&object);
	repo_close(repo);
	return rc;
}

void
repo_close(struct repo *repo)
{
	if (repo == NULL)
		return;
	index_close(repo->index);
	for (size_t i = 0; i < CHUNK_KINDS; i++)
		id_key_clear(&repo->id_keys[i]);
	keyring_free(repo->keys);
	store_close(repo->store);
	free(repo);
}

char *
repo_cache_folder(const struct repo *repo, struct err *e)
{
	const char *own = getenv("PLAKAR_CACHE");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char hex[2 * REPO_ID_LEN + 1];

	hex_encode(repo->config.repo_id, REPO_ID_LEN, hex);
	if (own != NULL && own[0] != '\0')
		return xasprintf("%s/%s/index", own, hex);
	if (xdg != NULL && xdg[0] == '/')
		return xasprintf("%s/plakar/%s/index", xdg, hex);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.cache/plakar/%s/index", home, hex);
	err_set(
	    e, ERR_USAGE, "no folder for the cache: set PLAKAR_CACHE or HOME");
	return NULL;
}

static int
add_segment(struct repo *repo, const struct object_name *name, struct err *e)
{
	struct segment seg;
	int rc;

	if (segments_load(repo, name, &seg, e) == -1)
		return -1;
	rc = index_add(repo->index, &seg, name, e);
	segment_free(&seg);
	return rc;
}

/* What is the matter with an object, not with this machine. */
static bool
is_damage(const struct err *e)
{
	return e->kind == ERR_CORRUPT || e->kind == ERR_UNSUPPORTED ||
	    e->kind == ERR_LIMIT;
}

/* Load all segments that the cache lacks; afresh: it lacks them all. */
static int
load_index(struct repo *repo, bool afresh, repo_problem_cb problem_cb,
    void *ctx, struct err *e)
{
	char *dir = repo_cache_folder(repo, e);
	struct name_list list = { 0 };
	int rc = -1;

	if (dir == NULL ||
	    store_list(repo->store, STORE_INDEX, add_name, &list, e) == -1 ||
	    index_open(dir, list.names, afresh ? 0 : list.count, &repo->index,
		e) == -1)
		goto out;
	for (size_t i = 0; i < list.count; i++) {
		if (index_covers(repo->index, &list.names[i]) ||
		    add_segment(repo, &list.names[i], e) == 0)
			continue;
		if (!is_damage(e))
			goto out;
		if (problem_cb != NULL)
			problem_cb(ctx, e);
	}
	rc = 0;
out:
	free(list.names);
	free(dir);
	return rc;
}

int
repo_load_index(
    struct repo *repo, repo_problem_cb problem_cb, void *ctx, struct err *e)
{
	return load_index(repo, false, problem_cb, ctx, e);
}

int
repo_rebuild_index(
    struct repo *repo, repo_problem_cb problem_cb, void *ctx, struct err *e)
{
	return load_index(repo, true, problem_cb, ctx, e);
}

int
repo_open_session(const struct repo *repo, enum chunk_class class,
    const uint8_t *sealed, uint8_t *session, struct err *e)
{
	const uint8_t *secret = keyring_need(
	    repo->keys, class == CLASS_DATA ? SECRET_DATA : SECRET_METADATA, e);

	if (secret == NULL)
		return -1;
	return sealkey_open(class == CLASS_DATA ? repo->config.data_public :
						  repo->config.metadata_public,
	    secret, sealed, session, e);
}
