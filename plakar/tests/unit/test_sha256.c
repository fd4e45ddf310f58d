/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/mem.h"

#include "plakar/hash/sha256.h"

#define SHORT_MAX  300
#define N_LENGTHS  (SHORT_MAX + 1)
#define LARGE_MAX  300000
#define LARGE_JOBS 40

/* A fixed sequence: a failure can be repeated. */
static uint32_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 32);
}

static uint8_t *
make_data(size_t len)
{
	uint8_t *data = xmalloc(len + 1);
	uint64_t seed = len;

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)next_random(&seed);
	return data;
}

static void
assert_digest(const uint8_t *digest, size_t len, const char *expected)
{
	char text[2 * SHA256_LEN + 1];

	hex_encode(digest, len, text);
	assert_string_equal(text, expected);
}

/* Run check with each code that this processor can run. */
static void
with_each_code(void (*check)(void))
{
	int used = 0;

	for (int c = 0; c < SHA256_CODES; c++) {
		if (!sha256_use((enum sha256_code)c))
			continue;
		assert_int_equal(sha256_code(), c);
		check();
		used++;
	}
	assert_true(used > 0);
}

static void
check_published(void)
{
	static const struct {
		const char *text, *digest;
	} cases[] = {
		{ "",
		    "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
		{ "abc",
		    "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
		  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		    "cf5b16a778af8380036ce59e7b049237"
		    "0b249b11e8f07a51afac45037afee9d1" },
	};
	uint8_t digest[SHA256_LEN];
	char *million = xmalloc(1000000);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sha256(cases[i].text, strlen(cases[i].text), digest);
		assert_digest(digest, sizeof(digest), cases[i].digest);
	}
	memset(million, 'a', 1000000);
	sha256(million, 1000000, digest);
	assert_digest(digest, sizeof(digest),
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

static void
digests_are_those_of_the_standard(void **state)
{
	(void)state;
	with_each_code(check_published);
}

static void
check_against_openssl(void)
{
	uint8_t *data = make_data(LARGE_MAX);
	uint64_t seed = 1;

	for (size_t i = 0; i < N_LENGTHS + LARGE_JOBS; i++) {
		size_t len = i < N_LENGTHS ? i : next_random(&seed) % LARGE_MAX;
		uint8_t ours[SHA256_LEN], theirs[SHA256_LEN];

		sha256(data, len, ours);
		assert_int_equal(
		    EVP_Digest(data, len, theirs, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
	free(data);
}

static void
digests_of_all_lengths_equal_openssl(void **state)
{
	(void)state;
	with_each_code(check_against_openssl);
}

static void
check_pieces(void)
{
	uint8_t *data = make_data(LARGE_MAX);
	uint8_t whole[SHA256_LEN], pieces[SHA256_LEN], prefix[SHA256_LEN];
	uint64_t seed = 2;

	for (int round = 0; round < 50; round++) {
		size_t len = next_random(&seed) % 5000, at = 0;
		struct sha256 ctx;

		sha256_init(&ctx);
		while (at < len) {
			size_t n = next_random(&seed) % 200;

			if (n > len - at)
				n = len - at;
			sha256_update(&ctx, data + at, n);
			at += n;
			/* A digest of the prefix does not disturb the rest. */
			sha256_final(&ctx, prefix);
			sha256(data, at, whole);
			assert_memory_equal(prefix, whole, sizeof(whole));
		}
		sha256_final(&ctx, pieces);
		sha256(data, len, whole);
		assert_memory_equal(pieces, whole, sizeof(whole));
	}
	free(data);
}

static void
digest_does_not_depend_on_the_pieces(void **state)
{
	(void)state;
	with_each_code(check_pieces);
}

static void
copied_digest_goes_its_own_way(void **state)
{
	uint8_t a[SHA256_LEN], b[SHA256_LEN], expected[SHA256_LEN];
	struct sha256 one, two;

	(void)state;
	sha256_init(&one);
	sha256_update(&one, "com", 3);
	two = one;
	sha256_update(&one, "mon", 3);
	sha256_update(&two, "pare", 4);
	sha256_final(&one, a);
	sha256_final(&two, b);
	sha256("common", 6, expected);
	assert_memory_equal(a, expected, sizeof(a));
	sha256("compare", 7, expected);
	assert_memory_equal(b, expected, sizeof(b));
}

/*
 * RFC 4231, section 4.  Keys shorter than ours are padded with zeros, as HMAC
 * itself would; the longer ones are hashed first, as HMAC itself would.
 */
static void
check_rfc4231(void)
{
	static const struct {
		const char *key, *data, *mac;
		int key_byte; /* the key is key_len times this, if no text */
		size_t key_len;
		int data_byte; /* likewise */
		size_t data_len;
	} cases[] = {
		{ .key_byte = 0x0b,
		    .key_len = 20,
		    .data = "Hi There",
		    .mac = "b0344c61d8db38535ca8afceaf0bf12b" },
		{ .key = "Jefe",
		    .data = "what do ya want for nothing?",
		    .mac = "5bdcc146bf60754e6a042426089575c7" },
		{ .key_byte = 0xaa,
		    .key_len = 20,
		    .data_byte = 0xdd,
		    .data_len = 50,
		    .mac = "773ea91e36800e46854db8ebd09181a7" },
		{ .key = "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23"
			 "\24\25\26\27\30\31",
		    .data_byte = 0xcd,
		    .data_len = 50,
		    .mac = "82558a389a443c0ea4cc819899f2083a" },
		{ .key_byte = 0x0c,
		    .key_len = 20,
		    .data = "Test With Truncation",
		    .mac = "a3b6167473100ee06e0c796c2955552b" },
		{ .key_byte = 0xaa,
		    .key_len = 131,
		    .data = "Test Using Larger Than Block-Size Key - Hash "
			    "Key First",
		    .mac = "60e431591ee0b67f0d8a26aacbf5b77f" },
		{ .key_byte = 0xaa,
		    .key_len = 131,
		    .data = "This is a test using a larger than block-size key "
			    "and a larger than block-size data. The key needs "
			    "to be hashed before being used by the HMAC "
			    "algorithm.",
		    .mac = "9b09ffa71b942fcb27635fbcd5b0e944" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t long_key[131], key[ID_KEY_LEN] = { 0 }, data[50];
		struct id_job job;
		struct id_key k;

		memset(long_key, cases[i].key_byte, sizeof(long_key));
		if (cases[i].key != NULL)
			memcpy(key, cases[i].key, strlen(cases[i].key));
		else if (cases[i].key_len <= sizeof(key))
			memcpy(key, long_key, cases[i].key_len);
		else
			sha256(long_key, cases[i].key_len, key);
		memset(data, cases[i].data_byte, sizeof(data));
		job.data = data;
		job.len = cases[i].data_len;
		if (cases[i].data != NULL) {
			job.data = (const uint8_t *)cases[i].data;
			job.len = strlen(cases[i].data);
		}
		id_key_init(&k, key);
		id_compute(&k, &job, 1);
		assert_digest(job.out, sizeof(job.out), cases[i].mac);
		id_key_clear(&k);
	}
}

static void
ids_are_those_of_rfc_4231(void **state)
{
	(void)state;
	with_each_code(check_rfc4231);
}

static void
assert_id(const uint8_t key[ID_KEY_LEN], const struct id_job *job)
{
	uint8_t mac[SHA256_LEN];

	assert_non_null(HMAC(
	    EVP_sha256(), key, ID_KEY_LEN, job->data, job->len, mac, NULL));
	assert_memory_equal(job->out, mac, ID_LEN);
}

static void
check_batches(void)
{
	uint8_t *data = make_data(LARGE_MAX);
	struct id_job jobs[N_LENGTHS];
	uint8_t key[ID_KEY_LEN];
	uint64_t seed = 3;
	struct id_key k;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)next_random(&seed);
	id_key_init(&k, key);
	for (size_t i = 0; i < N_LENGTHS; i++) {
		jobs[i].data = data + i;
		jobs[i].len = i;
	}
	id_compute(&k, jobs, N_LENGTHS);
	for (size_t i = 0; i < N_LENGTHS; i++)
		assert_id(key, &jobs[i]);

	/* Every number of jobs up to some: all ways of running dry. */
	for (size_t n = 0; n <= LARGE_JOBS; n++) {
		for (size_t i = 0; i < n; i++) {
			size_t max =
			    next_random(&seed) % 4 == 0 ? LARGE_MAX : 300;

			jobs[i].len = next_random(&seed) % max;
			jobs[i].data = data +
			    next_random(&seed) % (LARGE_MAX - jobs[i].len);
		}
		id_compute(&k, jobs, n);
		for (size_t i = 0; i < n; i++)
			assert_id(key, &jobs[i]);
	}
	free(data);
}

static void
ids_of_any_batch_equal_openssl(void **state)
{
	(void)state;
	with_each_code(check_batches);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(digests_of_all_lengths_equal_openssl),
		cmocka_unit_test(digest_does_not_depend_on_the_pieces),
		cmocka_unit_test(copied_digest_goes_its_own_way),
		cmocka_unit_test(ids_are_those_of_rfc_4231),
		cmocka_unit_test(ids_of_any_batch_equal_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
