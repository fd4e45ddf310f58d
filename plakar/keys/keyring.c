/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <sodium.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/secret.h"

#include "plakar/crypto/hkdf.h"
#include "plakar/crypto/random.h"
#include "plakar/crypto/sealkey.h"
#include "plakar/format/config.h"

#include "plakar/keys/keyring.h"

struct keyring {
	enum slot_role role;
	struct secrets secrets; /* with the root, all the others too */
};

/* What each secret but the root is derived by, and what it is good for. */
static const struct {
	const char *info, *use;
} kinds[SECRET_KINDS] = {
	[SECRET_ROOT] = { NULL, "hand on full rights" },
	[SECRET_CONFIG] = { "plakar 1 config", "check the config" },
	[SECRET_ID_DATA] = { "plakar 1 id data", "name chunks" },
	[SECRET_ID_TREE] = { "plakar 1 id tree", "name chunks" },
	[SECRET_ID_CONTENT] = { "plakar 1 id content", "name chunks" },
	[SECRET_ID_XATTR] = { "plakar 1 id xattr", "name chunks" },
	[SECRET_GEAR] = { "plakar 1 gear", "cut files" },
	[SECRET_BOUNDARY] = { "plakar 1 boundary", "write snapshots" },
	[SECRET_INDEX] = { "plakar 1 index", "read the index" },
	[SECRET_METADATA] = { "plakar 1 metadata", "read snapshots" },
	[SECRET_DATA] = { "plakar 1 data", "read the content of files" },
};

static int
derive_all(
    struct keyring *kr, const uint8_t repo_id[REPO_ID_LEN], struct err *e)
{
	struct hkdf_input in = { kr->secrets.of[SECRET_ROOT], SECRET_LEN,
		repo_id, REPO_ID_LEN };

	for (int kind = SECRET_CONFIG; kind < SECRET_KINDS; kind++) {
		if (hkdf_sha256(&in, kinds[kind].info, kr->secrets.of[kind],
			SECRET_LEN, e) == -1)
			return -1;
		kr->secrets.held |= 1u << kind;
	}
	return 0;
}

struct keyring *
keyring_from_secrets(const uint8_t repo_id[REPO_ID_LEN], enum slot_role role,
    const struct secrets *s, struct err *e)
{
	struct keyring *kr = secret_alloc(sizeof(*kr));

	kr->role = role;
	kr->secrets = *s;
	if ((s->held & 1u << SECRET_ROOT) != 0 &&
	    derive_all(kr, repo_id, e) == -1) {
		keyring_free(kr);
		return NULL;
	}
	return kr;
}

struct keyring *
keyring_new(const uint8_t repo_id[REPO_ID_LEN], struct err *e)
{
	struct secrets *s = secret_alloc(sizeof(*s));
	struct keyring *kr;

	s->held = slot_role_secrets(ROLE_FULL);
	random_bytes(s->of[SECRET_ROOT], SECRET_LEN);
	kr = keyring_from_secrets(repo_id, ROLE_FULL, s, e);
	secret_free(s);
	return kr;
}

void
keyring_free(struct keyring *kr)
{
	secret_free(kr);
}

enum slot_role
keyring_role(const struct keyring *kr)
{
	return kr->role;
}

const uint8_t *
keyring_get(const struct keyring *kr, enum secret_kind kind)
{
	if ((kr->secrets.held & 1u << kind) == 0)
		return NULL;
	return kr->secrets.of[kind];
}

const uint8_t *
keyring_need(const struct keyring *kr, enum secret_kind kind, struct err *e)
{
	const uint8_t *secret = keyring_get(kr, kind);

	if (secret == NULL)
		err_set(e, ERR_DENIED, "a \"%s\" key may not %s",
		    slot_role_name(kr->role), kinds[kind].use);
	return secret;
}

const uint8_t *
keyring_id_key(const struct keyring *kr, enum chunk_kind kind)
{
	switch (kind) {
	case CHUNK_DATA:
		return kr->secrets.of[SECRET_ID_DATA];
	case CHUNK_TREE:
		return kr->secrets.of[SECRET_ID_TREE];
	case CHUNK_CONTENT:
		return kr->secrets.of[SECRET_ID_CONTENT];
	case CHUNK_XATTR:
		return kr->secrets.of[SECRET_ID_XATTR];
	}
	return NULL;
}

int
keyring_secrets(const struct keyring *kr, enum slot_role role,
    struct secrets *out, struct err *e)
{
	unsigned wanted = slot_role_secrets(role);

	if ((kr->secrets.held & wanted) != wanted) {
		err_set(e, ERR_DENIED, "a \"%s\" key can't make a \"%s\" key",
		    slot_role_name(kr->role), slot_role_name(role));
		return -1;
	}
	memset(out, 0, sizeof(*out));
	out->held = wanted;
	for (int kind = 0; kind < SECRET_KINDS; kind++)
		if ((wanted & 1u << kind) != 0)
			memcpy(out->of[kind], kr->secrets.of[kind], SECRET_LEN);
	return 0;
}

static enum secret_kind class_secret(enum chunk_class class)
{
	return class == CLASS_DATA ? SECRET_DATA : SECRET_METADATA;
}

bool
keyring_can_read(const struct keyring *kr, enum chunk_class class)
{
	return keyring_get(kr, class_secret(class)) != NULL;
}

int
keyring_public(const struct keyring *kr, enum chunk_class class,
    uint8_t out[32], struct err *e)
{
	const uint8_t *secret = keyring_need(kr, class_secret(class), e);

	return secret == NULL ? -1 : sealkey_public(secret, out, e);
}

void
keyring_sign_config(const struct keyring *kr, struct buf *config)
{
	uint8_t mac[CONFIG_MAC_LEN];

	hmac_sha256(
	    kr->secrets.of[SECRET_CONFIG], config->data, config->len, mac);
	buf_add(config, mac, sizeof(mac));
}

int
keyring_check_config(
    const struct keyring *kr, const void *config, size_t len, struct err *e)
{
	uint8_t mac[CONFIG_MAC_LEN];
	size_t signed_len = len - CONFIG_MAC_LEN;

	if (len >= CONFIG_MAC_LEN) {
		hmac_sha256(
		    kr->secrets.of[SECRET_CONFIG], config, signed_len, mac);
		if (sodium_memcmp(mac, (const uint8_t *)config + signed_len,
			sizeof(mac)) == 0)
			return 0;
	}
	err_set(e, ERR_CORRUPT,
	    "config was changed, or belongs to another repository");
	return -1;
}
