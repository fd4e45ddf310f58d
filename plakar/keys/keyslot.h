/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * keyslot: a keyring locked away in a slot under a secret, and taken out.
 *
 * Errors:  ERR_DENIED: the secret is not this slot's.
 *          ERR_NOT_FOUND: the slot opens with another kind of secret.
 *          ERR_CORRUPT: the slot is damaged, or of another repository.
 *          ERR_SYSTEM: not memory enough for the derivation.
 * Source:  doc/formats/plakar-repository.md, section 4; RFC 9106 (Argon2),
 *          RFC 8439.
 */
#ifndef PLAKAR_KEYS_KEYSLOT_H
#define PLAKAR_KEYS_KEYSLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"
#include "plakar/format/slot.h"

struct buf;
struct credential;
struct err;
struct keyring;

/* What a new slot is to be. */
struct keyslot_options {
	enum slot_role role;
	bool strong;       /* four times the memory for whoever guesses */
	const char *label; /* UTF-8, at most SLOT_LABEL_MAX bytes */
	uint64_t created;  /* seconds since 1970 */
};

/* Append to out a slot that opens with c. */
int keyslot_seal(const struct keyring *kr, const uint8_t repo_id[REPO_ID_LEN],
    const struct credential *c, const struct keyslot_options *options,
    struct buf *out, struct err *e) ATTR_CHECKED;

/* The keyring in the slot of len bytes at data: owned by the caller. */
struct keyring *keyslot_open(const void *data, size_t len,
    const uint8_t repo_id[REPO_ID_LEN], const struct credential *c,
    struct err *e) ATTR_CHECKED;

#endif
