/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/secret.h"
#include "lib/wire.h"
#include "plakar/crypto/aead.h"
#include "plakar/crypto/random.h"
#include "plakar/crypto/sealkey.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"

#include "plakar/repo/sealed.h"

#define VERSION    1
#define PREFIX_LEN (SEALED_MAGIC_LEN + 2 + 2 + 4) /* magic, version, epoch */
#define HEAD_LEN   (PREFIX_LEN + SEALKEY_SALT_LEN + SEALKEY_SEALED_LEN)
#define AD_LEN     (REPO_ID_LEN + HEAD_LEN)

static void
make_ad(const struct repo *repo, const uint8_t *head, uint8_t ad[AD_LEN])
{
	memcpy(ad, repo->config.repo_id, REPO_ID_LEN);
	memcpy(ad + REPO_ID_LEN, head, HEAD_LEN);
}

/* An AEAD for the seal key of session and salt, or NULL. */
static struct aead *
seal_aead(const struct repo *repo, const uint8_t *session, const uint8_t *salt,
    struct err *e)
{
	uint8_t *key = secret_alloc(SEALKEY_LEN);
	struct aead *aead = NULL;

	if (sealkey_derive(session, salt, key, e) == 0)
		aead = aead_new(repo->config.aead, key, e);
	secret_free(key);
	return aead;
}

/* Fill in the head, with a fresh session key; the AEAD that goes with it. */
static struct aead *
make_head(const struct repo *repo, const char *magic, uint8_t head[HEAD_LEN],
    struct err *e)
{
	uint8_t *salt = head + PREFIX_LEN;
	uint8_t *session = secret_alloc(SEALKEY_SESSION_LEN);
	struct aead *aead = NULL;

	memset(head, 0, HEAD_LEN);
	memcpy(head, magic, SEALED_MAGIC_LEN);
	wire_store16(head + SEALED_MAGIC_LEN, VERSION);
	random_bytes(session, SEALKEY_SESSION_LEN);
	random_bytes(salt, SEALKEY_SALT_LEN);
	if (sealkey_seal(repo->config.metadata_public, session,
		salt + SEALKEY_SALT_LEN, e) == 0)
		aead = seal_aead(repo, session, salt, e);
	secret_free(session);
	return aead;
}

int
sealed_store(struct repo *repo, enum store_kind kind, const char *magic,
    const void *data, size_t len, struct object_name *name, struct err *e)
{
	struct buf object = { 0 };
	char path[STORE_NAME_MAX];
	uint8_t ad[AD_LEN];
	uint8_t *head = buf_reserve(&object, HEAD_LEN + len + AEAD_TAG_LEN);
	struct aead *aead = make_head(repo, magic, head, e);
	int rc = -1;

	if (aead == NULL)
		goto out;
	make_ad(repo, head, ad);
	if (aead_seal(aead, 0, ad, sizeof(ad), data, len, head + HEAD_LEN, e) ==
	    -1)
		goto out;
	object.len = HEAD_LEN + len + AEAD_TAG_LEN;
	object_name_of(object.data, object.len, name);
	object_path(kind, name, path);
	if (store_put(repo->store, path, object.data, object.len, e) == -1 ||
	    store_sync(repo->store, e) == -1)
		goto out;
	rc = 0;
out:
	aead_free(aead);
	buf_free(&object);
	return rc;
}

/* 1: head is one of magic; 0: of another; -1. */
static int
check_head(const uint8_t *head, size_t len, const char *magic, struct err *e)
{
	uint16_t version;

	if (len < HEAD_LEN + AEAD_TAG_LEN) {
		err_set(e, ERR_CORRUPT, "cut short");
		return -1;
	}
	if (memcmp(head, magic, SEALED_MAGIC_LEN) != 0)
		return 0;
	version = wire_load16(head + SEALED_MAGIC_LEN);
	if (version != VERSION) {
		err_set(e, ERR_UNSUPPORTED,
		    "of version %u: a newer plakar "
		    "made it",
		    version);
		return -1;
	}
	return 1;
}

static int
open_object(
    struct repo *repo, const struct buf *object, struct buf *out, struct err *e)
{
	const uint8_t *salt = object->data + PREFIX_LEN;
	uint8_t *session = secret_alloc(SEALKEY_SESSION_LEN);
	size_t sealed_len = object->len - HEAD_LEN;
	struct aead *aead = NULL;
	uint8_t ad[AD_LEN];
	int rc = -1;

	if (repo_open_session(
		repo, CLASS_METADATA, salt + SEALKEY_SALT_LEN, session, e) == 0)
		aead = seal_aead(repo, session, salt, e);
	secret_free(session);
	if (aead == NULL)
		return -1;
	make_ad(repo, object->data, ad);
	if (aead_open(aead, 0, ad, sizeof(ad), object->data + HEAD_LEN,
		sealed_len, buf_reserve(out, sealed_len), e) == 0) {
		out->len += sealed_len - AEAD_TAG_LEN;
		rc = 0;
	}
	aead_free(aead);
	return rc;
}

int
sealed_load(struct repo *repo, enum store_kind kind, const char *magic,
    const struct object_name *name, struct buf *out, struct err *e)
{
	struct buf object = { 0 };
	struct object_name real;
	char path[STORE_NAME_MAX];
	int rc = -1;

	object_path(kind, name, path);
	if (store_get(
		repo->store, path, SEALED_LEN_MAX + HEAD_LEN, &object, e) == -1)
		goto out;
	object_name_of(object.data, object.len, &real);
	if (memcmp(&real, name, sizeof(real)) != 0) {
		err_set(e, ERR_CORRUPT, "%s: its bytes have changed", path);
		goto out;
	}
	rc = check_head(object.data, object.len, magic, e);
	if (rc == 1 && open_object(repo, &object, out, e) == -1)
		rc = -1;
	if (rc == -1)
		err_wrap(e, "%s", path);
out:
	buf_free(&object);
	return rc;
}
