/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/secret.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"
#include "plakar/store/store.h"

#include "plakar/read/packkeys.h"

#define SLOTS    256 /* rows remembered; a newer one takes an older one's place */
#define SESSIONS 16

/* A row of a pack's table, with its key. */
struct slot {
	bool used;
	struct object_name pack;
	uint16_t row;
	uint8_t salt[PACK_SALT_LEN];
	uint8_t *key; /* in keys */
};

/* A session key, by how it looks sealed. */
struct session_slot {
	bool used;
	enum chunk_class class;
	uint8_t sealed[PACK_SEALED_LEN];
	uint8_t *key; /* in session_keys */
};

struct packkeys {
	struct repo *repo;
	pthread_mutex_t lock; /* of all below */
	struct slot slots[SLOTS];
	uint8_t *keys; /* SLOTS * SEALKEY_LEN, in secret memory */
	struct session_slot sessions[SESSIONS];
	uint8_t *session_keys;
	unsigned next_session;
};

struct packkeys *
packkeys_new(struct repo *repo)
{
	struct packkeys *pk = xcalloc(1, sizeof(*pk));

	pk->repo = repo;
	pthread_mutex_init(&pk->lock, NULL);
	pk->keys = secret_alloc(SLOTS * SEALKEY_LEN);
	for (size_t i = 0; i < SLOTS; i++)
		pk->slots[i].key = pk->keys + i * SEALKEY_LEN;
	pk->session_keys = secret_alloc(SESSIONS * SEALKEY_SESSION_LEN);
	for (size_t i = 0; i < SESSIONS; i++)
		pk->sessions[i].key =
		    pk->session_keys + i * SEALKEY_SESSION_LEN;
	return pk;
}

void
packkeys_free(struct packkeys *pk)
{
	if (pk == NULL)
		return;
	secret_free(pk->keys);
	secret_free(pk->session_keys);
	pthread_mutex_destroy(&pk->lock);
	free(pk);
}

/* Where a pack's row is kept: pack names are random enough to be hashes. */
static struct slot *
slot_of(struct packkeys *pk, const struct object_name *pack, uint16_t row)
{
	return &pk->slots[(pack->bytes[0] + row) % SLOTS];
}

/* Read one row of the pack's table from the store. */
static int
read_row(struct packkeys *pk, const struct object_name *pack,
    enum chunk_class class, uint16_t row, struct pack_row *out, struct err *e)
{
	uint8_t bytes[PACK_HEAD_LEN], row_bytes[PACK_ROW_LEN];
	char name[STORE_NAME_MAX];
	struct pack_head head;

	object_path(STORE_DATA, pack, name);
	if (store_get_range(
		pk->repo->store, name, 0, sizeof(bytes), bytes, e) == -1 ||
	    pack_head_decode(bytes, &head, e) == -1)
		return -1;
	if (head.class != class || row >= head.rows) {
		err_set(e, ERR_CORRUPT, "pack without key row %u", row);
		return -1;
	}
	if (store_get_range(pk->repo->store, name,
		PACK_HEAD_LEN + (uint64_t)row * PACK_ROW_LEN, sizeof(row_bytes),
		row_bytes, e) == -1)
		return -1;
	return pack_row_decode(row_bytes, out, e);
}

/* The session key behind sealed, opened or remembered. */
static const uint8_t *
session_key(struct packkeys *pk, enum chunk_class class,
    const uint8_t sealed[PACK_SEALED_LEN], struct err *e)
{
	struct session_slot *slot;

	for (size_t i = 0; i < SESSIONS; i++) {
		slot = &pk->sessions[i];
		if (slot->used && slot->class == class &&
		    memcmp(slot->sealed, sealed, PACK_SEALED_LEN) == 0)
			return slot->key;
	}
	slot = &pk->sessions[pk->next_session++ % SESSIONS];
	slot->used = false;
	if (repo_open_session(pk->repo, class, sealed, slot->key, e) == -1)
		return NULL;
	slot->used = true;
	slot->class = class;
	memcpy(slot->sealed, sealed, PACK_SEALED_LEN);
	return slot->key;
}

static int
fill_slot(struct packkeys *pk, struct slot *slot,
    const struct object_name *pack, enum chunk_class class, uint16_t row,
    struct err *e)
{
	struct pack_row found;
	const uint8_t *key;

	slot->used = false;
	if (read_row(pk, pack, class, row, &found, e) == -1)
		return -1;
	key = session_key(pk, class, found.sealed, e);
	if (key == NULL)
		return -1;
	if (sealkey_derive(key, found.salt, slot->key, e) == -1)
		return -1;
	memcpy(slot->salt, found.salt, PACK_SALT_LEN);
	slot->pack = *pack;
	slot->row = row;
	slot->used = true;
	return 0;
}

int
packkeys_get(struct packkeys *pk, const struct object_name *pack,
    enum chunk_class class, uint16_t row, uint8_t *key,
    uint8_t salt[PACK_SALT_LEN], struct err *e)
{
	struct slot *slot = slot_of(pk, pack, row);
	int rc = 0;

	pthread_mutex_lock(&pk->lock);
	if (!slot->used || slot->row != row ||
	    memcmp(&slot->pack, pack, sizeof(*pack)) != 0)
		rc = fill_slot(pk, slot, pack, class, row, e);
	if (rc == 0) {
		memcpy(key, slot->key, SEALKEY_LEN);
		memcpy(salt, slot->salt, PACK_SALT_LEN);
	}
	pthread_mutex_unlock(&pk->lock);
	return rc;
}
