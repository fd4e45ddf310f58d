/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"
#include "lib/hex.h"

#include "plakar/crypto/aead.h"
#include "plakar/crypto/hkdf.h"
#include "plakar/crypto/random.h"
#include "plakar/crypto/sealkey.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const enum aead_alg algs[] = { AEAD_AES256_GCM, AEAD_CHACHA20_POLY1305 };

static size_t
from_hex(const char *hex, uint8_t *out)
{
	size_t len = strlen(hex) / 2;

	assert_true(hex_decode(hex, strlen(hex), out, len));
	return len;
}

/* RFC 5869, appendix A, test cases 1 and 3.*/
static void
hkdf_is_that_of_the_rfc(void **state)
{
	static const struct {
		const char *secret, *salt, *info, *out;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		    "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56"
		    "ecc4c5bf34007208d5b887185865" },
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f"
		    "3c738d2d9d201395faa4b61a96c8" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		uint8_t secret[64], salt[64], info[64] = { 0 }, want[64];
		struct hkdf_input in = { .secret = secret, .salt = salt };
		uint8_t got[64];
		size_t len;

		in.secret_len = from_hex(cases[i].secret, secret);
		in.salt_len = from_hex(cases[i].salt, salt);
		from_hex(cases[i].info, info);
		len = from_hex(cases[i].out, want);
		assert_int_equal(
		    hkdf_sha256(&in, (const char *)info, got, len, &e), 0);
		assert_memory_equal(got, want, len);
	}
}

static void
hkdf_takes_an_empty_secret(void **state)
{
	const uint8_t salt[16] = { 1 };
	struct hkdf_input in = { .salt = salt, .salt_len = sizeof(salt) };
	uint8_t a[64], b[64], none[64] = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(hkdf_sha256(&in, "one", a, sizeof(a), &e), 0);
	assert_int_equal(hkdf_sha256(&in, "two", b, sizeof(b), &e), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, none, sizeof(a));
}

/* Key, nonce and text all zero: test cases 13 and 14 of the GCM proposal. */
static void
gcm_is_that_of_its_authors(void **state)
{
	const uint8_t key[AEAD_KEY_LEN] = { 0 }, zero[16] = { 0 };
	uint8_t want[32], got[32];
	struct err e;
	struct aead *a = aead_new(AEAD_AES256_GCM, key, &e);

	(void)state;
	assert_non_null(a);
	from_hex("530f8afbc74536b9a963b4f1c4cb738b", want);
	assert_int_equal(aead_seal(a, 0, NULL, 0, zero, 0, got, &e), 0);
	assert_memory_equal(got, want, 16);
	from_hex("cea7403d4d606b6e074ec5d3baf39d18"
		 "d0d1c8a799996bf0265b98b5d48ab919",
	    want);
	assert_int_equal(aead_seal(a, 0, NULL, 0, zero, 16, got, &e), 0);
	assert_memory_equal(got, want, 32);
	aead_free(a);
}

static void
what_was_sealed_opens(void **state)
{
	static const size_t lens[] = { 0, 1, 15, 16, 17, 1000, 70000 };
	static uint8_t in[70000], sealed[70016], back[70016];
	uint8_t key[AEAD_KEY_LEN];
	struct err e;

	(void)state;
	random_bytes(key, sizeof(key));
	random_bytes(in, sizeof(in));
	for (size_t i = 0; i < N(algs); i++) {
		struct aead *a = aead_new(algs[i], key, &e);

		assert_non_null(a);
		for (size_t j = 0; j < N(lens); j++) {
			size_t len = lens[j];

			assert_int_equal(
			    aead_seal(a, j, "ad", 2, in, len, sealed, &e), 0);
			assert_int_equal(aead_open(a, j, "ad", 2, sealed,
					     len + AEAD_TAG_LEN, back, &e),
			    0);
			assert_memory_equal(back, in, len);

			/* And within the same memory. */
			memcpy(back, in, len);
			assert_int_equal(
			    aead_seal(a, j, "ad", 2, back, len, back, &e), 0);
			assert_memory_equal(back, sealed, len + AEAD_TAG_LEN);
			assert_int_equal(aead_open(a, j, "ad", 2, back,
					     len + AEAD_TAG_LEN, back, &e),
			    0);
			assert_memory_equal(back, in, len);
		}
		aead_free(a);
	}
}

/* Seal 40 bytes as number 7 with "ad", and open with what the test says. */
static void
refuse(struct aead *a, uint64_t number, const char *ad, size_t flip, size_t cut)
{
	uint8_t text[40] = "forty bytes of something to keep safe..";
	uint8_t sealed[56], back[56];
	struct err e;

	assert_int_equal(
	    aead_seal(a, 7, "ad", 2, text, sizeof(text), sealed, &e), 0);
	if (flip < sizeof(sealed))
		sealed[flip] ^= 0x10;
	assert_int_equal(aead_open(a, number, ad, strlen(ad), sealed,
			     sizeof(sealed) - cut, back, &e),
	    -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void
what_was_changed_does_not_open(void **state)
{
	const uint8_t key[AEAD_KEY_LEN] = { 1 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(algs); i++) {
		struct aead *a = aead_new(algs[i], key, &e);

		assert_non_null(a);
		for (size_t at = 0; at < 56; at++)
			refuse(a, 7, "ad", at, 0);
		for (size_t cut = 1; cut <= 56; cut++)
			refuse(a, 7, "ad", SIZE_MAX, cut);
		refuse(a, 8, "ad", SIZE_MAX, 0);
		refuse(a, 7, "da", SIZE_MAX, 0);
		refuse(a, 7, "", SIZE_MAX, 0);
		aead_free(a);
	}
}

static void
unknown_cipher_is_refused(void **state)
{
	const uint8_t key[AEAD_KEY_LEN] = { 1 };
	struct err e;

	(void)state;
	assert_null(aead_new((enum aead_alg)3, key, &e));
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
}

static void
sealed_key_opens_with_its_secret_only(void **state)
{
	uint8_t secret_key[32], public_key[32], other[32], other_public[32];
	uint8_t session[32], sealed[SEALKEY_SEALED_LEN], back[32];
	struct err e;

	(void)state;
	random_bytes(secret_key, sizeof(secret_key));
	random_bytes(other, sizeof(other));
	random_bytes(session, sizeof(session));
	assert_int_equal(sealkey_public(secret_key, public_key, &e), 0);
	assert_int_equal(sealkey_public(other, other_public, &e), 0);
	assert_int_equal(sealkey_seal(public_key, session, sealed, &e), 0);
	assert_int_equal(
	    sealkey_open(public_key, secret_key, sealed, back, &e), 0);
	assert_memory_equal(back, session, sizeof(session));
	assert_int_equal(
	    sealkey_open(other_public, other, sealed, back, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_int_equal(
		    sealkey_open(public_key, secret_key, sealed, back, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		sealed[i] ^= 1;
	}
}

static void
each_salt_gives_its_own_seal_key(void **state)
{
	const uint8_t session[32] = { 1 }, salt_a[16] = { 1 },
		      salt_b[16] = { 2 };
	uint8_t a[SEALKEY_LEN], b[SEALKEY_LEN];
	struct err e;

	(void)state;
	assert_int_equal(sealkey_derive(session, salt_a, a, &e), 0);
	assert_int_equal(sealkey_derive(session, salt_b, b, &e), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, session, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hkdf_is_that_of_the_rfc),
		cmocka_unit_test(hkdf_takes_an_empty_secret),
		cmocka_unit_test(gcm_is_that_of_its_authors),
		cmocka_unit_test(what_was_sealed_opens),
		cmocka_unit_test(what_was_changed_does_not_open),
		cmocka_unit_test(unknown_cipher_is_refused),
		cmocka_unit_test(sealed_key_opens_with_its_secret_only),
		cmocka_unit_test(each_salt_gives_its_own_seal_key),
	};

	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
