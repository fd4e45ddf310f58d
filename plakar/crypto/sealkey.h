/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sealkey: the keys that packs and snapshots are sealed under.
 *
 * A session draws one session key a class.  It is stored sealed to the
 * class's public key: whoever writes need not be able to read.  Every pack
 * and snapshot has a salt of its own, which turns the session key into its
 * seal key.
 *
 * Errors:  ERR_CORRUPT for a sealed key that does not open; ERR_SYSTEM.
 * Threads: no state.
 * Source:  doc/formats/plakar-repository.md, section 2; libsodium's sealed
 *          boxes (X25519, XSalsa20-Poly1305, BLAKE2b).
 */
#ifndef PLAKAR_CRYPTO_SEALKEY_H
#define PLAKAR_CRYPTO_SEALKEY_H

#include <stdint.h>

#include "lib/attr.h"

#define SEALKEY_PUBLIC_LEN  32
#define SEALKEY_SECRET_LEN  32
#define SEALKEY_SESSION_LEN 32
#define SEALKEY_SEALED_LEN  80
#define SEALKEY_SALT_LEN    16
#define SEALKEY_LEN         32

struct err;

/* The public key that belongs to an X25519 secret key. */
int sealkey_public(const uint8_t secret_key[SEALKEY_SECRET_LEN],
    uint8_t public_key[SEALKEY_PUBLIC_LEN], struct err *e) ATTR_CHECKED;

/* Seal a session key to whoever has the secret key of public_key. */
int sealkey_seal(const uint8_t public_key[SEALKEY_PUBLIC_LEN],
    const uint8_t session[SEALKEY_SESSION_LEN],
    uint8_t sealed[SEALKEY_SEALED_LEN], struct err *e) ATTR_CHECKED;

/* Open it; session should be secret memory. */
int sealkey_open(const uint8_t public_key[SEALKEY_PUBLIC_LEN],
    const uint8_t secret_key[SEALKEY_SECRET_LEN],
    const uint8_t sealed[SEALKEY_SEALED_LEN],
    uint8_t session[SEALKEY_SESSION_LEN], struct err *e) ATTR_CHECKED;

/* The seal key for what has this salt; out should be secret memory. */
int sealkey_derive(const uint8_t session[SEALKEY_SESSION_LEN],
    const uint8_t salt[SEALKEY_SALT_LEN], uint8_t out[SEALKEY_LEN],
    struct err *e) ATTR_CHECKED;

#endif
