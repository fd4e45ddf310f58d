/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * slot: a key slot and the secrets in it, as bytes.
 *
 * Shape:  doc/formats/plakar-repository.md, section 4.
 * Limits: SLOT_LEN_MAX bytes; SLOT_PASSES_MAX and SLOT_MEMORY_MAX bound what
 *         a hostile slot can cost who tries to open it.
 * Errors: ERR_CORRUPT; ERR_UNSUPPORTED for a newer version; ERR_LIMIT.
 * Pure:   nothing is derived, sealed or opened here: plakar/keys does that.
 */
#ifndef PLAKAR_FORMAT_SLOT_H
#define PLAKAR_FORMAT_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define SLOT_LEN_MAX        4096
#define SLOT_SALT_LEN       16
#define SLOT_COMMITMENT_LEN 32
#define SLOT_LABEL_MAX      255        /* bytes of UTF-8 */
#define SLOT_PASSES_MAX     16         /* of Argon2id */
#define SLOT_MEMORY_MAX     (4u << 20) /* KiB */
#define SLOT_MEMORY_MIN     8          /* KiB; Argon2id's own */

struct buf;
struct err;

enum slot_kdf {
	SLOT_KEY_FILE = 0,
	SLOT_PASSPHRASE = 1, /* Argon2id */
	SLOT_UNLOCKED = 2,   /* no secret: whoever has the store reads it */
};

/* What a key is good for. */
enum slot_role {
	ROLE_FULL = 1,
	ROLE_READ,
	ROLE_PUSH,
	ROLE_PURGE,
};

struct slot {
	enum slot_kdf kdf;
	enum slot_role role;
	uint32_t passes; /* of Argon2id, else 0 */
	uint32_t memory; /* KiB, likewise */
	uint8_t salt[SLOT_SALT_LEN];
	uint64_t created; /* seconds since 1970 */
	char label[SLOT_LABEL_MAX + 1];
	uint8_t commitment[SLOT_COMMITMENT_LEN];
	const uint8_t *sealed; /* of a decoded slot; borrowed */
	size_t sealed_len;
	size_t head_len; /* bytes before the length of sealed */
};

/* "full", "read", "push", "purge". */
const char *slot_role_name(enum slot_role role);
bool slot_role_parse(const char *name, enum slot_role *role) ATTR_CHECKED;

/* Append what stands before the length of sealed: slot.sealed is not read. */
void slot_encode_head(const struct slot *slot, struct buf *out);

/* Append the sealed secrets, after the head. */
void slot_encode_sealed(struct buf *out, const uint8_t *sealed, size_t len);

int slot_decode(const void *data, size_t len, struct slot *slot,
    struct err *e) ATTR_CHECKED;

/* The secrets that a slot can hold, by number. */
enum secret_kind {
	SECRET_ROOT,
	SECRET_CONFIG,
	SECRET_ID_DATA,
	SECRET_ID_TREE,
	SECRET_ID_CONTENT,
	SECRET_ID_XATTR,
	SECRET_GEAR,
	SECRET_BOUNDARY,
	SECRET_INDEX,
	SECRET_METADATA, /* X25519 secret key */
	SECRET_DATA,     /* X25519 secret key */
};

#define SECRET_KINDS 11
#define SECRET_LEN   32
#define SECRETS_LEN  (SECRET_KINDS * (1 + SECRET_LEN)) /* at most, encoded */

/* Keep in secret memory (lib/secret.h). */
struct secrets {
	unsigned held; /* bit i: kind i is here */
	uint8_t of[SECRET_KINDS][SECRET_LEN];
};

/* The kinds that a role holds, as in struct secrets. */
unsigned slot_role_secrets(enum slot_role role);

/* Write the secrets held to out; the result is how many bytes. */
size_t secrets_encode(const struct secrets *s, uint8_t out[SECRETS_LEN]);

/* Decode exactly what role holds. */
int secrets_decode(const void *data, size_t len, enum slot_role role,
    struct secrets *s, struct err *e) ATTR_CHECKED;

#endif
