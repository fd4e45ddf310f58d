/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "plakar/crypto/aead.h"

#define NONCE_LEN 12

struct aead {
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
};

enum aead_alg
aead_best(void)
{
	return crypto_aead_aes256gcm_is_available() == 1 ?
	    AEAD_AES256_GCM :
	    AEAD_CHACHA20_POLY1305;
}

static const EVP_CIPHER *
cipher_of(enum aead_alg alg)
{
	switch (alg) {
	case AEAD_AES256_GCM:
		return EVP_aes_256_gcm();
	case AEAD_CHACHA20_POLY1305:
		return EVP_chacha20_poly1305();
	}
	return NULL;
}

struct aead *
aead_new(enum aead_alg alg, const uint8_t key[AEAD_KEY_LEN], struct err *e)
{
	const EVP_CIPHER *cipher = cipher_of(alg);
	struct aead *a;

	if (cipher == NULL) {
		err_set(e, ERR_UNSUPPORTED, "unknown cipher %d", (int)alg);
		return NULL;
	}
	a = xcalloc(1, sizeof(*a));
	a->seal = EVP_CIPHER_CTX_new();
	a->open = EVP_CIPHER_CTX_new();
	if (a->seal == NULL || a->open == NULL ||
	    EVP_EncryptInit_ex(a->seal, cipher, NULL, key, NULL) != 1 ||
	    EVP_DecryptInit_ex(a->open, cipher, NULL, key, NULL) != 1) {
		err_set(e, ERR_SYSTEM, "the crypto library refuses the cipher");
		aead_free(a);
		return NULL;
	}
	return a;
}

void
aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	EVP_CIPHER_CTX_free(a->seal);
	EVP_CIPHER_CTX_free(a->open);
	free(a);
}

static void
nonce_of(uint64_t number, uint8_t nonce[NONCE_LEN])
{
	memset(nonce, 0, NONCE_LEN);
	wire_store64(nonce, number);
}

int
aead_seal(struct aead *a, uint64_t number, const void *ad, size_t ad_len,
    const void *in, size_t len, void *out, struct err *e)
{
	uint8_t nonce[NONCE_LEN];
	uint8_t *to = out;
	int n;

	if (len > AEAD_LEN_MAX || ad_len > AEAD_LEN_MAX) {
		err_set(e, ERR_LIMIT, "cannot seal %zu bytes at once", len);
		return -1;
	}
	nonce_of(number, nonce);
	if (EVP_EncryptInit_ex(a->seal, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_EncryptUpdate(a->seal, NULL, &n, ad, (int)ad_len) != 1 ||
	    (len > 0 &&
		EVP_EncryptUpdate(a->seal, to, &n, in, (int)len) != 1) ||
	    EVP_EncryptFinal_ex(a->seal, to + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
		a->seal, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, to + len) != 1) {
		err_set(e, ERR_SYSTEM, "the crypto library refuses to seal");
		return -1;
	}
	return 0;
}

int
aead_open(struct aead *a, uint64_t number, const void *ad, size_t ad_len,
    const void *in, size_t len, void *out, struct err *e)
{
	uint8_t nonce[NONCE_LEN], tag[AEAD_TAG_LEN];
	uint8_t *to = out;
	int n;

	if (len < AEAD_TAG_LEN || len > AEAD_LEN_MAX + AEAD_TAG_LEN ||
	    ad_len > AEAD_LEN_MAX) {
		err_set(e, ERR_CORRUPT, "%zu sealed bytes", len);
		return -1;
	}
	len -= AEAD_TAG_LEN;
	memcpy(tag, (const uint8_t *)in + len, AEAD_TAG_LEN);
	nonce_of(number, nonce);
	if (EVP_DecryptInit_ex(a->open, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
		a->open, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag) != 1 ||
	    EVP_DecryptUpdate(a->open, NULL, &n, ad, (int)ad_len) != 1) {
		err_set(e, ERR_SYSTEM, "the crypto library refuses to open");
		return -1;
	}
	if ((len > 0 &&
		EVP_DecryptUpdate(a->open, to, &n, in, (int)len) != 1) ||
	    EVP_DecryptFinal_ex(a->open, to + len, &n) != 1) {
		sodium_memzero(to, len);
		err_set(e, ERR_CORRUPT,
		    "sealed bytes were changed, or sealed under another key");
		return -1;
	}
	return 0;
}
