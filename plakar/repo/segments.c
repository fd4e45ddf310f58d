/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/secret.h"
#include "lib/wire.h"
#include "plakar/crypto/aead.h"
#include "plakar/crypto/hkdf.h"
#include "plakar/crypto/random.h"
#include "plakar/format/segment.h"
#include "plakar/keys/keyring.h"
#include "plakar/repo/objname.h"
#include "plakar/repo/repo.h"

#include "plakar/repo/segments.h"

#define VERSION    1
#define SALT_LEN   16
#define PREFIX_LEN (8 + 2 + 2) /* magic, version, zero */
#define HEAD_LEN   (PREFIX_LEN + SALT_LEN)
#define AD_LEN     (REPO_ID_LEN + HEAD_LEN)
#define OBJECT_MAX (SEGMENT_LEN_MAX + 65536) /* what doesn't shrink grows */
#define LEVEL      3

static const char magic[8] = "PLKRindx";

/* The AEAD of a segment with this salt, or NULL. */
static struct aead *
segment_aead(struct repo *repo, const uint8_t *salt, struct err *e)
{
	const uint8_t *index_key = keyring_need(repo->keys, SECRET_INDEX, e);
	uint8_t *key = secret_alloc(AEAD_KEY_LEN);
	struct hkdf_input in = { .secret = index_key,
		.secret_len = SECRET_LEN,
		.salt = salt,
		.salt_len = SALT_LEN };
	struct aead *aead = NULL;

	if (index_key != NULL &&
	    hkdf_sha256(&in, "plakar 1 segment", key, AEAD_KEY_LEN, e) == 0)
		aead = aead_new(repo->config.aead, key, e);
	secret_free(key);
	return aead;
}

static void
make_ad(const struct repo *repo, const uint8_t *head, uint8_t ad[AD_LEN])
{
	memcpy(ad, repo->config.repo_id, REPO_ID_LEN);
	memcpy(ad + REPO_ID_LEN, head, HEAD_LEN);
}

/* Append the encoding of seg as a zstd frame, and room for a tag. */
static int
add_frame(const struct segment *seg, struct buf *object, struct err *e)
{
	struct buf plain = { 0 };
	size_t room, n;

	segment_encode(seg, &plain);
	room = ZSTD_compressBound(plain.len);
	n = ZSTD_compress(buf_reserve(object, room + AEAD_TAG_LEN), room,
	    plain.data, plain.len, LEVEL);
	buf_free(&plain);
	if (ZSTD_isError(n)) {
		err_set(
		    e, ERR_SYSTEM, "index segment: %s", ZSTD_getErrorName(n));
		return -1;
	}
	object->len += n;
	return 0;
}

int
segments_store(struct repo *repo, const struct segment *seg,
    struct object_name *name, uint64_t *stored, struct err *e)
{
	struct buf object = { 0 };
	uint8_t head[HEAD_LEN] = { 0 }, ad[AD_LEN];
	char path[STORE_NAME_MAX];
	struct aead *aead;
	size_t len;
	int rc = -1;

	memcpy(head, magic, sizeof(magic));
	wire_store16(head + sizeof(magic), VERSION);
	random_bytes(head + PREFIX_LEN, SALT_LEN);
	buf_add(&object, head, sizeof(head));
	aead = segment_aead(repo, head + PREFIX_LEN, e);
	if (aead == NULL || add_frame(seg, &object, e) == -1)
		goto out;
	make_ad(repo, head, ad);
	len = object.len - HEAD_LEN;
	if (aead_seal(aead, 0, ad, sizeof(ad), object.data + HEAD_LEN, len,
		object.data + HEAD_LEN, e) == -1)
		goto out;
	object.len += AEAD_TAG_LEN;
	object_name_of(object.data, object.len, name);
	object_path(STORE_INDEX, name, path);
	if (store_put(repo->store, path, object.data, object.len, e) == -1 ||
	    store_sync(repo->store, e) == -1)
		goto out;
	*stored = object.len;
	rc = 0;
out:
	aead_free(aead);
	buf_free(&object);
	return rc;
}

/* From an object's bytes, which are overwritten, to the segment. */
static int
open_object(
    struct repo *repo, struct buf *object, struct segment *seg, struct err *e)
{
	uint8_t ad[AD_LEN];
	uint8_t *body = object->data + HEAD_LEN, *plain = NULL;
	struct aead *aead = NULL;
	size_t n;
	int rc = -1;

	if (object->len < HEAD_LEN + AEAD_TAG_LEN ||
	    memcmp(object->data, magic, sizeof(magic)) != 0) {
		err_set(e, ERR_CORRUPT, "no index segment");
		return -1;
	}
	if (wire_load16(object->data + sizeof(magic)) != VERSION) {
		err_set(e, ERR_UNSUPPORTED, "index segment of a newer version");
		return -1;
	}
	aead = segment_aead(repo, object->data + PREFIX_LEN, e);
	if (aead == NULL)
		return -1;
	make_ad(repo, object->data, ad);
	if (aead_open(aead, 0, ad, sizeof(ad), body, object->len - HEAD_LEN,
		body, e) == -1)
		goto out;
	plain = malloc(SEGMENT_LEN_MAX);
	if (plain == NULL) {
		err_set(e, ERR_SYSTEM, "out of memory");
		goto out;
	}
	n = ZSTD_decompress(plain, SEGMENT_LEN_MAX, body,
	    object->len - HEAD_LEN - AEAD_TAG_LEN);
	if (ZSTD_isError(n)) {
		err_set(e, ERR_CORRUPT, "%s", ZSTD_getErrorName(n));
		goto out;
	}
	rc = segment_decode(plain, n, seg, e);
out:
	free(plain);
	aead_free(aead);
	return rc;
}

int
segments_load(struct repo *repo, const struct object_name *name,
    struct segment *seg, struct err *e)
{
	struct buf object = { 0 };
	struct object_name real;
	char path[STORE_NAME_MAX];
	int rc = -1;

	object_path(STORE_INDEX, name, path);
	if (store_get(repo->store, path, OBJECT_MAX, &object, e) == -1)
		goto out;
	object_name_of(object.data, object.len, &real);
	if (memcmp(&real, name, sizeof(real)) != 0) {
		err_set(e, ERR_CORRUPT, "%s: its bytes have changed", path);
		goto out;
	}
	rc = open_object(repo, &object, seg, e);
	if (rc == -1)
		err_wrap(e, "%s", path);
out:
	buf_free(&object);
	return rc;
}
