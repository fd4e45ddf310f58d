/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * keyring: the keys that whoever opened a repository holds.
 *
 * A full key derives all of them from the root secret; other roles hold some.
 * Who needs a key that may be absent asks with keyring_need(), which says
 * what the key in use may not do.
 *
 * Ownership: a keyring owns its keys, in secret memory; what it hands out is
 *            borrowed and as secret.
 * Threads:   read-only once made; may be shared.
 * Source:    doc/formats/plakar-repository.md, sections 2 to 4.
 */
#ifndef PLAKAR_KEYS_KEYRING_H
#define PLAKAR_KEYS_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"
#include "plakar/format/slot.h"

struct buf;
struct err;
struct keyring;

/* A new root secret and all that follows from it. */
struct keyring *keyring_new(
    const uint8_t repo_id[REPO_ID_LEN], struct err *e) ATTR_CHECKED;

/* What a slot's secrets give to this role.  They are copied. */
struct keyring *keyring_from_secrets(const uint8_t repo_id[REPO_ID_LEN],
    enum slot_role role, const struct secrets *s, struct err *e) ATTR_CHECKED;

/* Wipes.  NULL is allowed. */
void keyring_free(struct keyring *kr);

enum slot_role keyring_role(const struct keyring *kr);

/* SECRET_LEN bytes, or NULL when this role does not hold it. */
const uint8_t *keyring_get(const struct keyring *kr, enum secret_kind kind);

/* The same, but ERR_DENIED when absent. */
const uint8_t *keyring_need(const struct keyring *kr, enum secret_kind kind,
    struct err *e) ATTR_CHECKED;

/* The id key of a kind of chunk.  Every role holds it. */
const uint8_t *keyring_id_key(const struct keyring *kr, enum chunk_kind kind);

/*
 * The secrets for a slot of this role: out is secret memory of the caller's.
 * ERR_DENIED when this keyring holds less than that.
 */
int keyring_secrets(const struct keyring *kr, enum slot_role role,
    struct secrets *out, struct err *e) ATTR_CHECKED;

/* Whether role includes a secret: what a command can check before it starts. */
bool keyring_can_read(const struct keyring *kr, enum chunk_class class);

/* The public keys for config.  Only a keyring with both secrets has them. */
int keyring_public(const struct keyring *kr, enum chunk_class class,
    uint8_t out[32], struct err *e) ATTR_CHECKED;

/* Append the MAC to the encoded config. */
void keyring_sign_config(const struct keyring *kr, struct buf *config);

/* ERR_CORRUPT when config was not made by someone with the root secret. */
int keyring_check_config(const struct keyring *kr, const void *config,
    size_t len, struct err *e) ATTR_CHECKED;

#endif
