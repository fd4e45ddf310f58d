/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <sodium.h>

#include "lib/err.h"

#include "plakar/crypto/hkdf.h"
#include "plakar/crypto/sealkey.h"

static_assert(SEALKEY_SEALED_LEN == SEALKEY_SESSION_LEN + crypto_box_SEALBYTES,
    "a sealed key is a sealed box of a session key");

int
sealkey_public(const uint8_t secret_key[SEALKEY_SECRET_LEN],
    uint8_t public_key[SEALKEY_PUBLIC_LEN], struct err *e)
{
	if (crypto_scalarmult_base(public_key, secret_key) != 0) {
		err_set(e, ERR_CORRUPT, "bad secret key");
		return -1;
	}
	return 0;
}

int
sealkey_seal(const uint8_t public_key[SEALKEY_PUBLIC_LEN],
    const uint8_t session[SEALKEY_SESSION_LEN],
    uint8_t sealed[SEALKEY_SEALED_LEN], struct err *e)
{
	if (crypto_box_seal(sealed, session, SEALKEY_SESSION_LEN, public_key) !=
	    0) {
		err_set(e, ERR_CORRUPT, "bad public key");
		return -1;
	}
	return 0;
}

int
sealkey_open(const uint8_t public_key[SEALKEY_PUBLIC_LEN],
    const uint8_t secret_key[SEALKEY_SECRET_LEN],
    const uint8_t sealed[SEALKEY_SEALED_LEN],
    uint8_t session[SEALKEY_SESSION_LEN], struct err *e)
{
	if (crypto_box_seal_open(session, sealed, SEALKEY_SEALED_LEN,
		public_key, secret_key) != 0) {
		err_set(e, ERR_CORRUPT,
		    "the sealed key was changed, or is not for this repository");
		return -1;
	}
	return 0;
}

int
sealkey_derive(const uint8_t session[SEALKEY_SESSION_LEN],
    const uint8_t salt[SEALKEY_SALT_LEN], uint8_t out[SEALKEY_LEN],
    struct err *e)
{
	struct hkdf_input in = { session, SEALKEY_SESSION_LEN, salt,
		SEALKEY_SALT_LEN };

	return hkdf_sha256(&in, "plakar 1 seal", out, SEALKEY_LEN, e);
}
