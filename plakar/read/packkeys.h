/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * packkeys: the seal keys of packs, each pack's table read once.
 *
 * A session's packs share one sealed session key, so opening it, which costs
 * more than reading a table, is done once a session, not once a pack.
 *
 * Threads: all calls may run in any number of threads.
 */
#ifndef PLAKAR_READ_PACKKEYS_H
#define PLAKAR_READ_PACKKEYS_H

#include <stdint.h>

#include "lib/attr.h"
#include "plakar/crypto/sealkey.h"
#include "plakar/format/pack.h"

struct err;
struct packkeys;
struct repo;

struct packkeys *packkeys_new(struct repo *repo);
void packkeys_free(struct packkeys *pk);

/*
 * The seal key and salt of a row of the pack's table; key is the caller's,
 * SEALKEY_LEN bytes, to be wiped.  ERR_CORRUPT, ERR_DENIED.
 */
int packkeys_get(struct packkeys *pk, const struct object_name *pack,
    enum chunk_class class, uint16_t row, uint8_t *key,
    uint8_t salt[PACK_SALT_LEN], struct err *e) ATTR_CHECKED;

#endif
