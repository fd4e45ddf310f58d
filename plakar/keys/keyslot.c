/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/secret.h"

#include "plakar/crypto/aead.h"
#include "plakar/crypto/hkdf.h"
#include "plakar/crypto/random.h"

#include "plakar/keys/credential.h"
#include "plakar/keys/keyring.h"
#include "plakar/keys/keyslot.h"

#define DERIVED_LEN    64 /* the slot's key, then its commitment */
#define DEFAULT_PASSES 3
#define DEFAULT_MEMORY (64u << 10)
#define STRONG_PASSES  4
#define STRONG_MEMORY  (256u << 10)
#define SLOT_INFO      "plakar 1 slot"

static_assert(AEAD_KEY_LEN + SLOT_COMMITMENT_LEN == DERIVED_LEN,
    "a key and a commitment");

/* DERIVED_LEN bytes of secret memory, owned by the caller. */
static uint8_t *
derive(const struct slot *slot, const struct credential *c, struct err *e)
{
	struct hkdf_input in = { c->secret, c->len, slot->salt,
		sizeof(slot->salt) };
	uint8_t *out = secret_alloc(DERIVED_LEN);

	if (slot->kdf != SLOT_PASSPHRASE) {
		if (hkdf_sha256(&in, SLOT_INFO, out, DERIVED_LEN, e) == 0)
			return out;
	} else if (crypto_pwhash(out, DERIVED_LEN, (const char *)c->secret,
		       c->len, slot->salt, slot->passes,
		       (size_t)slot->memory << 10,
		       crypto_pwhash_ALG_ARGON2ID13) == 0) {
		return out;
	} else {
		errno = ENOMEM;
		err_sys(e, "the passphrase's derivation needs %u MiB",
		    slot->memory >> 10);
	}
	secret_free(out);
	return NULL;
}

/* What the sealed secrets are bound to: the repository and the slot's head. */
static void
associated(const uint8_t repo_id[REPO_ID_LEN], const void *head,
    size_t head_len, struct buf *ad)
{
	buf_add(ad, repo_id, REPO_ID_LEN);
	buf_add(ad, head, head_len);
}

static int
seal_secrets(const struct keyring *kr, const struct slot *slot,
    const uint8_t *key, const struct buf *ad, struct buf *out, struct err *e)
{
	struct secrets *s = secret_alloc(sizeof(*s));
	uint8_t *plain = secret_alloc(SECRETS_LEN);
	uint8_t sealed[SECRETS_LEN + AEAD_TAG_LEN];
	struct aead *a = NULL;
	size_t len;
	int rc = -1;

	if (keyring_secrets(kr, slot->role, s, e) == -1)
		goto out;
	len = secrets_encode(s, plain);
	a = aead_new(AEAD_CHACHA20_POLY1305, key, e);
	if (a == NULL ||
	    aead_seal(a, 0, ad->data, ad->len, plain, len, sealed, e) == -1)
		goto out;
	slot_encode_sealed(out, sealed, len + AEAD_TAG_LEN);
	rc = 0;
out:
	aead_free(a);
	secret_free(plain);
	secret_free(s);
	return rc;
}

static int
fill_slot(struct slot *slot, const struct credential *c,
    const struct keyslot_options *options, struct err *e)
{
	size_t label_len = strlen(options->label);

	if (label_len > SLOT_LABEL_MAX) {
		err_set(e, ERR_LIMIT, "a key's label is at most %d bytes long",
		    SLOT_LABEL_MAX);
		return -1;
	}
	slot->kdf = c->kdf;
	slot->role = options->role;
	if (c->kdf == SLOT_PASSPHRASE) {
		slot->passes = options->strong ? STRONG_PASSES : DEFAULT_PASSES;
		slot->memory = options->strong ? STRONG_MEMORY : DEFAULT_MEMORY;
	}
	slot->created = options->created;
	memcpy(slot->label, options->label, label_len);
	random_bytes(slot->salt, sizeof(slot->salt));
	return 0;
}

int
keyslot_seal(const struct keyring *kr, const uint8_t repo_id[REPO_ID_LEN],
    const struct credential *c, const struct keyslot_options *options,
    struct buf *out, struct err *e)
{
	struct slot slot = { 0 };
	struct buf head = { 0 }, ad = { 0 };
	uint8_t *derived = NULL;
	int rc = -1;

	if (fill_slot(&slot, c, options, e) == -1)
		goto out;
	derived = derive(&slot, c, e);
	if (derived == NULL)
		goto out;
	memcpy(slot.commitment, derived + AEAD_KEY_LEN, SLOT_COMMITMENT_LEN);
	slot_encode_head(&slot, &head);
	associated(repo_id, head.data, head.len, &ad);
	buf_add(out, head.data, head.len);
	rc = seal_secrets(kr, &slot, derived, &ad, out, e);
out:
	secret_free(derived);
	buf_free(&head);
	buf_free(&ad);
	return rc;
}

static struct keyring *
open_secrets(const struct slot *slot, const uint8_t repo_id[REPO_ID_LEN],
    const uint8_t *key, const struct buf *ad, struct err *e)
{
	struct aead *a = aead_new(AEAD_CHACHA20_POLY1305, key, e);
	struct secrets *s = secret_alloc(sizeof(*s));
	uint8_t *plain = secret_alloc(SECRETS_LEN);
	struct keyring *kr = NULL;

	if (a == NULL)
		goto out;
	if (slot->sealed_len < AEAD_TAG_LEN ||
	    slot->sealed_len > SECRETS_LEN + AEAD_TAG_LEN ||
	    aead_open(a, 0, ad->data, ad->len, slot->sealed, slot->sealed_len,
		plain, e) == -1) {
		err_set(e, ERR_CORRUPT,
		    "the key slot was changed, or is of another repository");
		goto out;
	}
	if (secrets_decode(
		plain, slot->sealed_len - AEAD_TAG_LEN, slot->role, s, e) == 0)
		kr = keyring_from_secrets(repo_id, slot->role, s, e);
out:
	aead_free(a);
	secret_free(plain);
	secret_free(s);
	return kr;
}

/* What to open a slot with, in words. */
static const char *
kdf_name(enum slot_kdf kdf)
{
	switch (kdf) {
	case SLOT_KEY_FILE:
		return "key file";
	case SLOT_PASSPHRASE:
		return "passphrase";
	case SLOT_UNLOCKED:
		return "empty secret";
	}
	return "secret";
}

struct keyring *
keyslot_open(const void *data, size_t len, const uint8_t repo_id[REPO_ID_LEN],
    const struct credential *c, struct err *e)
{
	struct keyring *kr = NULL;
	uint8_t *derived = NULL;
	struct buf ad = { 0 };
	struct slot slot;

	if (slot_decode(data, len, &slot, e) == -1)
		return NULL;
	if (slot.kdf != c->kdf) {
		err_set(e, ERR_NOT_FOUND, "this key opens with a %s, not a %s",
		    kdf_name(slot.kdf), kdf_name(c->kdf));
		return NULL;
	}
	derived = derive(&slot, c, e);
	if (derived == NULL)
		return NULL;
	if (sodium_memcmp(slot.commitment, derived + AEAD_KEY_LEN,
		SLOT_COMMITMENT_LEN) != 0) {
		err_set(e, ERR_DENIED, "wrong %s", kdf_name(c->kdf));
	} else {
		associated(repo_id, data, slot.head_len, &ad);
		kr = open_secrets(&slot, repo_id, derived, &ad, e);
	}
	secret_free(derived);
	buf_free(&ad);
	return kr;
}
