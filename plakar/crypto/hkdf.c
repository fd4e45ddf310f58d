/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>
#include <string.h>

#include "lib/err.h"

#include "plakar/crypto/hkdf.h"

/* OpenSSL's parameters are not const, though it only reads these. */
static OSSL_PARAM
octets(const char *name, const void *data, size_t len)
{
	static uint8_t nothing[1];
	union {
		const void *from;
		void *to;
	} bytes = { .from = len > 0 ? data : nothing };

	return OSSL_PARAM_construct_octet_string(name, bytes.to, len);
}

/*
 * RFC 5869 takes an empty secret, OpenSSL takes none: extract by HMAC, which
 * is all that step is, and let the library expand.
 */
static void
extract(const struct hkdf_input *in, uint8_t prk[HMAC_SHA256_LEN])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, in->salt, in->salt_len);
	if (in->secret_len > 0)
		crypto_auth_hmacsha256_update(&st, in->secret, in->secret_len);
	crypto_auth_hmacsha256_final(&st, prk);
	sodium_memzero(&st, sizeof(st));
}

int
hkdf_sha256(const struct hkdf_input *in, const char *info, uint8_t *out,
    size_t out_len, struct err *e)
{
	static char digest[] = "SHA256";
	uint8_t prk[HMAC_SHA256_LEN];
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[5];
	EVP_KDF_CTX *ctx = NULL;
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	int rc = -1;

	extract(in, prk);
	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	params[2] = octets(OSSL_KDF_PARAM_KEY, prk, sizeof(prk));
	params[3] = octets(OSSL_KDF_PARAM_INFO, info, strlen(info));
	params[4] = OSSL_PARAM_construct_end();
	if (kdf != NULL)
		ctx = EVP_KDF_CTX_new(kdf);
	if (ctx == NULL || EVP_KDF_derive(ctx, out, out_len, params) != 1) {
		err_set(e, ERR_SYSTEM, "the crypto library refuses HKDF");
		goto out;
	}
	rc = 0;
out:
	sodium_memzero(prk, sizeof(prk));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rc;
}

void
hmac_sha256(const uint8_t key[32], const void *data, size_t len,
    uint8_t out[HMAC_SHA256_LEN])
{
	crypto_auth_hmacsha256(out, data, len, key);
}
