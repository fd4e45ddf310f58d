/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/secret.h"
#include "plakar/compress/compress.h"
#include "plakar/crypto/aead.h"
#include "plakar/read/packkeys.h"
#include "plakar/repo/repo.h"

#include "plakar/read/blockopen.h"

/* The key of the last block is kept ready: the next is mostly of its pack. */
struct block_opener {
	struct repo *repo;
	struct packkeys *keys;
	struct decompressor *decompressor;
	struct aead *aead; /* NULL: none yet */
	struct object_name pack;
	uint16_t row;
	uint8_t salt[PACK_SALT_LEN];
};

struct block_opener *
block_opener_new(struct repo *repo, struct packkeys *keys)
{
	struct block_opener *o = xcalloc(1, sizeof(*o));

	o->repo = repo;
	o->keys = keys;
	o->decompressor = decompressor_new();
	return o;
}

void
block_opener_free(struct block_opener *o)
{
	if (o == NULL)
		return;
	aead_free(o->aead);
	decompressor_free(o->decompressor);
	free(o);
}

static int
take_key(struct block_opener *o, const struct object_name *pack,
    enum chunk_class class, uint16_t row, struct err *e)
{
	uint8_t *key;
	int rc;

	if (o->aead != NULL && o->row == row &&
	    memcmp(&o->pack, pack, sizeof(*pack)) == 0)
		return 0;
	aead_free(o->aead);
	o->aead = NULL;
	key = secret_alloc(SEALKEY_LEN);
	rc = packkeys_get(o->keys, pack, class, row, key, o->salt, e);
	if (rc == 0) {
		o->aead = aead_new(o->repo->config.aead, key, e);
		o->pack = *pack;
		o->row = row;
	}
	secret_free(key);
	return o->aead != NULL ? 0 : -1;
}

int
block_open(struct block_opener *o, const struct object_name *pack,
    enum chunk_class class, uint8_t *sealed, size_t len, uint8_t *raw,
    struct block_view *view, struct err *e)
{
	struct block_head head;
	uint8_t ad[BLOCK_AD_LEN], *body = sealed + BLOCK_HEAD_LEN;
	size_t raw_len;

	if (len < BLOCK_HEAD_LEN + BLOCK_TAG_LEN) {
		err_set(e, ERR_CORRUPT, "block of %zu bytes", len);
		return -1;
	}
	if (block_head_decode(sealed, &head, e) == -1)
		return -1;
	if (head.marker != BLOCK_CHUNKS ||
	    len != BLOCK_HEAD_LEN + (size_t)head.len + BLOCK_TAG_LEN) {
		err_set(e, ERR_CORRUPT, "block where the index has another");
		return -1;
	}
	if (take_key(o, pack, class, head.row, e) == -1)
		return -1;
	block_ad(o->repo->config.repo_id, class, o->salt, &head, ad);
	if (aead_open(o->aead, head.number, ad, sizeof(ad), body,
		(size_t)head.len + BLOCK_TAG_LEN, body, e) == -1 ||
	    decompressor_run(o->decompressor, head.codec, body, head.len, raw,
		&raw_len, e) == -1)
		return -1;
	return block_view_open(view, raw, raw_len, class, e);
}
