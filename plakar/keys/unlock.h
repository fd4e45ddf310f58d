/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * unlock: the keyring of a repository, from whichever of its slots opens.
 *
 * A repository with a slot that needs no secret opens without asking, unless
 * a source is named.  A passphrase typed wrongly may be typed again, three
 * times in all.
 */
#ifndef PLAKAR_KEYS_UNLOCK_H
#define PLAKAR_KEYS_UNLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"

struct credential_source;
struct err;
struct keyring;

/* A slot as it is stored; borrowed. */
struct unlock_slot {
	const void *data;
	size_t len;
};

/* The repository whose slots they are. */
struct unlock {
	const struct unlock_slot *slots;
	size_t n;
	uint8_t repo_id[REPO_ID_LEN];
	const char *what; /* its name, in the prompt */
};

/*
 * Owned by the caller.  ERR_DENIED: no slot opens.  A slot that is damaged
 * or too new is passed over, and reported only when no other opens.  When
 * number is not NULL, *number is the place of the slot that opened.
 */
struct keyring *unlock_keyring(const struct unlock *u,
    const struct credential_source *src, size_t *number,
    struct err *e) ATTR_CHECKED;

#endif
