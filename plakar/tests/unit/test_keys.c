/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The keys, against vectors that another implementation made
 * (plakar/tests/make_key_vectors.py), and against misuse.
 */
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hex.h"
#include "lib/mem.h"
#include "lib/secret.h"

#include "plakar/crypto/aead.h"
#include "plakar/crypto/hkdf.h"
#include "plakar/crypto/sealkey.h"
#include "plakar/format/config.h"
#include "plakar/keys/credential.h"
#include "plakar/keys/keyring.h"
#include "plakar/keys/keyslot.h"
#include "plakar/keys/unlock.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static json_t *vectors;

/* The bytes of a member of o that is hexadecimal text; the caller's. */
static uint8_t *
bytes_of(const json_t *o, const char *name, size_t *len)
{
	const char *hex = json_string_value(json_object_get(o, name));
	uint8_t *out;

	assert_non_null(hex);
	*len = strlen(hex) / 2;
	out = xmalloc(*len + 1);
	assert_true(hex_decode(hex, strlen(hex), out, *len));
	return out;
}

static void
copy_of(const json_t *o, const char *name, uint8_t *out, size_t want)
{
	size_t len;
	uint8_t *bytes = bytes_of(o, name, &len);

	assert_int_equal(len, want);
	memcpy(out, bytes, len);
	free(bytes);
}

static void
assert_member(
    const json_t *o, const char *name, const uint8_t *got, size_t got_len)
{
	size_t len;
	uint8_t *want = bytes_of(o, name, &len);

	assert_int_equal(got_len, len);
	assert_memory_equal(got, want, len);
	free(want);
}

static json_t *
group(const char *name)
{
	json_t *o = json_object_get(vectors, name);

	assert_non_null(o);
	return o;
}

/* The keyring of the vectors' root secret. */
static struct keyring *
vector_keyring(uint8_t repo_id[REPO_ID_LEN])
{
	struct secrets s = { .held = 1u << SECRET_ROOT };
	struct keyring *kr;
	struct err e;

	copy_of(vectors, "repository_id", repo_id, REPO_ID_LEN);
	copy_of(vectors, "root_secret", s.of[SECRET_ROOT], SECRET_LEN);
	kr = keyring_from_secrets(repo_id, ROLE_FULL, &s, &e);
	assert_non_null(kr);
	return kr;
}

static void
derived_keys_equal_the_vectors(void **state)
{
	static const char *const labels[] = { "config", "id data", "id tree",
		"id content", "id xattr", "gear", "boundary", "index",
		"metadata", "data" };
	uint8_t repo_id[REPO_ID_LEN], public_key[32];
	struct keyring *kr = vector_keyring(repo_id);
	struct err e;

	(void)state;
	for (size_t i = 0; i < N(labels); i++) {
		char name[64];

		snprintf(name, sizeof(name), "plakar 1 %s", labels[i]);
		assert_member(group("derived"), name,
		    keyring_get(kr, (enum secret_kind)(i + 1)), SECRET_LEN);
	}
	assert_int_equal(keyring_public(kr, CLASS_METADATA, public_key, &e), 0);
	assert_member(group("public"), "metadata", public_key, 32);
	assert_int_equal(keyring_public(kr, CLASS_DATA, public_key, &e), 0);
	assert_member(group("public"), "data", public_key, 32);
	keyring_free(kr);
}

static void
chunk_ids_equal_the_vectors(void **state)
{
	static const struct {
		enum chunk_kind kind;
		const char *name;
	} cases[] = { { CHUNK_DATA, "data" }, { CHUNK_TREE, "tree" },
		{ CHUNK_CONTENT, "content" }, { CHUNK_XATTR, "xattr" } };
	uint8_t repo_id[REPO_ID_LEN], mac[HMAC_SHA256_LEN], *chunk;
	struct keyring *kr = vector_keyring(repo_id);
	json_t *ids = group("chunk_ids");
	size_t len;

	(void)state;
	chunk = bytes_of(ids, "chunk", &len);
	for (size_t i = 0; i < N(cases); i++) {
		const uint8_t *key = keyring_id_key(kr, cases[i].kind);

		hmac_sha256(key, chunk, len, mac);
		assert_member(json_object_get(ids, "ids"), cases[i].name, mac,
		    CHUNK_ID_LEN);
		hmac_sha256(key, "", 0, mac);
		assert_member(json_object_get(ids, "empty"), cases[i].name, mac,
		    CHUNK_ID_LEN);
	}
	free(chunk);
	keyring_free(kr);
}

static void
seal_keys_equal_the_vectors(void **state)
{
	uint8_t repo_id[REPO_ID_LEN], session[32], salt[16], key[32];
	uint8_t sealed[SEALKEY_SEALED_LEN], public_key[32];
	struct keyring *kr = vector_keyring(repo_id);
	json_t *seal = group("seal");
	struct err e;

	(void)state;
	copy_of(seal, "session_key", session, sizeof(session));
	copy_of(seal, "salt", salt, sizeof(salt));
	assert_int_equal(sealkey_derive(session, salt, key, &e), 0);
	assert_member(seal, "seal_key", key, sizeof(key));

	copy_of(seal, "sealed_to_metadata", sealed, sizeof(sealed));
	assert_int_equal(keyring_public(kr, CLASS_METADATA, public_key, &e), 0);
	assert_int_equal(sealkey_open(public_key,
			     keyring_get(kr, SECRET_METADATA), sealed, key, &e),
	    0);
	assert_memory_equal(key, session, sizeof(key));
	copy_of(seal, "sealed_to_data", sealed, sizeof(sealed));
	assert_int_equal(keyring_public(kr, CLASS_DATA, public_key, &e), 0);
	assert_int_equal(sealkey_open(public_key, keyring_get(kr, SECRET_DATA),
			     sealed, key, &e),
	    0);
	assert_memory_equal(key, session, sizeof(key));
	keyring_free(kr);
}

static void
sealed_bytes_equal_the_vectors(void **state)
{
	json_t *one;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(group("aead")), 6);
	json_array_foreach(group("aead"), i, one)
	{
		enum aead_alg alg = (enum aead_alg)json_integer_value(
		    json_object_get(one, "algorithm"));
		uint64_t number = (uint64_t)json_integer_value(
		    json_object_get(one, "number"));
		uint8_t key[AEAD_KEY_LEN], *ad, *text, *out;
		size_t ad_len, len;
		struct aead *a;
		struct err e;

		copy_of(one, "key", key, sizeof(key));
		ad = bytes_of(one, "ad", &ad_len);
		text = bytes_of(one, "plaintext", &len);
		out = xmalloc(len + AEAD_TAG_LEN);
		a = aead_new(alg, key, &e);
		assert_non_null(a);
		assert_int_equal(
		    aead_seal(a, number, ad, ad_len, text, len, out, &e), 0);
		assert_member(one, "sealed", out, len + AEAD_TAG_LEN);
		aead_free(a);
		free(ad);
		free(text);
		free(out);
	}
}

static void
config_equals_the_vector(void **state)
{
	struct config c = { .created = 1790000000,
		.chunker = CHUNKER_GEAR,
		.chunk_min = 16384,
		.chunk_avg = 65536,
		.chunk_max = 262144,
		.aead = AEAD_AES256_GCM };
	struct keyring *kr = vector_keyring(c.repo_id);
	struct buf out = { 0 };
	struct config back;
	struct err e;

	(void)state;
	assert_int_equal(
	    keyring_public(kr, CLASS_METADATA, c.metadata_public, &e), 0);
	assert_int_equal(keyring_public(kr, CLASS_DATA, c.data_public, &e), 0);
	config_encode(&c, &out);
	keyring_sign_config(kr, &out);
	assert_member(vectors, "config", out.data, out.len);
	assert_int_equal(config_decode(out.data, out.len, &back, &e), 0);
	assert_memory_equal(&c, &back, sizeof(c));

	assert_int_equal(keyring_check_config(kr, out.data, out.len, &e), 0);
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 0x80;
		assert_int_equal(
		    keyring_check_config(kr, out.data, out.len, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		out.data[i] ^= 0x80;
	}
	assert_int_equal(keyring_check_config(kr, out.data, 31, &e), -1);
	buf_free(&out);
	keyring_free(kr);
}

static struct credential
credential_of(enum slot_kdf kdf, const void *secret, size_t len)
{
	struct credential c = { .kdf = kdf, .len = len };

	if (len > 0) {
		c.secret = secret_alloc(len);
		memcpy(c.secret, secret, len);
	}
	return c;
}

static void
slots_of_the_vectors_open(void **state)
{
	uint8_t repo_id[REPO_ID_LEN];
	struct keyring *full = vector_keyring(repo_id);
	json_t *one;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(group("slots")), 5);
	json_array_foreach(group("slots"), i, one)
	{
		size_t slot_len, secret_len;
		uint8_t *slot = bytes_of(one, "slot", &slot_len);
		uint8_t *secret = bytes_of(one, "secret", &secret_len);
		struct credential c =
		    credential_of((enum slot_kdf)json_integer_value(
				      json_object_get(one, "kdf")),
			secret, secret_len);
		struct keyring *kr;
		struct err e;

		kr = keyslot_open(slot, slot_len, repo_id, &c, &e);
		assert_non_null(kr);
		assert_string_equal(slot_role_name(keyring_role(kr)),
		    json_string_value(json_object_get(one, "role")));
		for (int k = SECRET_CONFIG; k < SECRET_KINDS; k++) {
			enum secret_kind kind = (enum secret_kind)k;
			const uint8_t *key = keyring_get(kr, kind);

			if (key != NULL)
				assert_memory_equal(
				    key, keyring_get(full, kind), SECRET_LEN);
			else
				assert_int_equal(
				    slot_role_secrets(keyring_role(kr)) &
					1u << k,
				    0);
		}
		keyring_free(kr);
		credential_clear(&c);
		free(slot);
		free(secret);
	}
	keyring_free(full);
}

static void
no_byte_of_a_slot_can_change(void **state)
{
	uint8_t repo_id[REPO_ID_LEN], other_id[REPO_ID_LEN];
	json_t *one = json_array_get(group("slots"), 0);
	size_t slot_len, secret_len;
	uint8_t *slot = bytes_of(one, "slot", &slot_len);
	uint8_t *secret = bytes_of(one, "secret", &secret_len);
	struct credential c = credential_of(SLOT_KEY_FILE, secret, secret_len);
	struct err e;

	(void)state;
	copy_of(vectors, "repository_id", repo_id, sizeof(repo_id));
	memcpy(other_id, repo_id, sizeof(other_id));
	other_id[0] ^= 1;
	assert_null(keyslot_open(slot, slot_len, other_id, &c, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
	for (size_t i = 0; i < slot_len; i++) {
		slot[i] ^= 1;
		assert_null(keyslot_open(slot, slot_len, repo_id, &c, &e));
		slot[i] ^= 1;
	}
	credential_clear(&c);
	free(slot);
	free(secret);
}

static const uint8_t some_repo[REPO_ID_LEN] = "a repository...";

static const struct keyslot_options plain_options = {
	.role = ROLE_FULL, .label = "home", .created = 1790000000
};

static void
wrong_secret_is_denied(void **state)
{
	struct credential right = credential_of(SLOT_PASSPHRASE, "right", 5);
	struct credential wrong = credential_of(SLOT_PASSPHRASE, "wrong", 5);
	struct credential other = { .kdf = SLOT_UNLOCKED };
	struct keyring *kr, *back;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	kr = keyring_new(some_repo, &e);
	assert_non_null(kr);
	assert_int_equal(
	    keyslot_seal(kr, some_repo, &right, &plain_options, &out, &e), 0);
	back = keyslot_open(out.data, out.len, some_repo, &right, &e);
	assert_non_null(back);
	assert_memory_equal(keyring_get(kr, SECRET_ROOT),
	    keyring_get(back, SECRET_ROOT), SECRET_LEN);
	keyring_free(back);
	assert_null(keyslot_open(out.data, out.len, some_repo, &wrong, &e));
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.msg, "wrong passphrase"));
	assert_null(keyslot_open(out.data, out.len, some_repo, &other, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	keyring_free(kr);
	buf_free(&out);
	credential_clear(&right);
	credential_clear(&wrong);
}

static void
roles_hold_what_they_may_and_no_more(void **state)
{
	static const struct {
		enum slot_role role;
		bool data, metadata, root;
	} cases[] = { { ROLE_FULL, true, true, true },
		{ ROLE_READ, true, true, false },
		{ ROLE_PUSH, false, false, false },
		{ ROLE_PURGE, false, true, false } };
	struct credential c = { .kdf = SLOT_UNLOCKED };
	struct keyring *full, *kr;
	struct secrets s;
	struct err e;

	(void)state;
	full = keyring_new(some_repo, &e);
	assert_non_null(full);
	for (size_t i = 0; i < N(cases); i++) {
		struct keyslot_options options = plain_options;
		struct buf out = { 0 };

		options.role = cases[i].role;
		assert_int_equal(
		    keyslot_seal(full, some_repo, &c, &options, &out, &e), 0);
		kr = keyslot_open(out.data, out.len, some_repo, &c, &e);
		assert_non_null(kr);
		assert_int_equal(
		    keyring_can_read(kr, CLASS_DATA), cases[i].data);
		assert_int_equal(
		    keyring_can_read(kr, CLASS_METADATA), cases[i].metadata);
		assert_int_equal(
		    keyring_get(kr, SECRET_ROOT) != NULL, cases[i].root);
		if (!cases[i].data) {
			assert_null(keyring_need(kr, SECRET_DATA, &e));
			assert_int_equal(e.kind, ERR_DENIED);
			assert_int_equal(
			    keyring_secrets(kr, ROLE_READ, &s, &e), -1);
			assert_int_equal(e.kind, ERR_DENIED);
		}
		if (!cases[i].root)
			assert_int_equal(
			    keyring_secrets(kr, ROLE_FULL, &s, &e), -1);
		assert_int_equal(keyring_secrets(kr, ROLE_PUSH, &s, &e), 0);
		keyring_free(kr);
		buf_free(&out);
	}
	keyring_free(full);
}

/* A repository that opens with a passphrase, or without (when open). */
static void
two_slots(bool open, struct buf slots[2])
{
	struct credential c = credential_of(SLOT_PASSPHRASE, "right", 5);
	struct credential second = open ?
	    (struct credential){ .kdf = SLOT_UNLOCKED } :
	    credential_of(SLOT_KEY_FILE, "a key file of 32 bytes, no less", 32);
	struct err e;
	struct keyring *kr = keyring_new(some_repo, &e);

	assert_non_null(kr);
	memset(slots, 0, 2 * sizeof(slots[0]));
	assert_int_equal(
	    keyslot_seal(kr, some_repo, &c, &plain_options, &slots[0], &e), 0);
	assert_int_equal(
	    keyslot_seal(kr, some_repo, &second, &plain_options, &slots[1], &e),
	    0);
	keyring_free(kr);
	credential_clear(&c);
	credential_clear(&second);
}

static void
unlock_tries_each_slot(void **state)
{
	struct credential_source src = { 0 };
	struct unlock_slot slots[2];
	struct unlock u = { .slots = slots, .n = 2, .what = "it" };
	struct keyring *kr;
	struct buf made[2];
	size_t number = 9;
	struct err e;

	(void)state;
	two_slots(false, made);
	memcpy(u.repo_id, some_repo, sizeof(some_repo));
	for (int i = 0; i < 2; i++)
		slots[i] =
		    (struct unlock_slot){ made[1 - i].data, made[1 - i].len };
	setenv("PLAKAR_PASSPHRASE", "right", 1);
	kr = unlock_keyring(&u, &src, &number, &e);
	assert_non_null(kr);
	assert_int_equal(number, 1);
	keyring_free(kr);

	setenv("PLAKAR_PASSPHRASE", "wrong", 1);
	assert_null(unlock_keyring(&u, &src, NULL, &e));
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.msg, "wrong passphrase"));

	src.no_passphrase = true;
	assert_null(unlock_keyring(&u, &src, NULL, &e));
	assert_int_equal(e.kind, ERR_DENIED);

	/* A damaged slot is worth telling, once none opens. */
	src.no_passphrase = false;
	made[1].data[0] ^= 1;
	assert_null(unlock_keyring(&u, &src, NULL, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
	setenv("PLAKAR_PASSPHRASE", "right", 1);
	kr = unlock_keyring(&u, &src, NULL, &e);
	assert_non_null(kr);
	keyring_free(kr);

	u.n = 0;
	assert_null(unlock_keyring(&u, &src, NULL, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
	unsetenv("PLAKAR_PASSPHRASE");
	buf_free(&made[0]);
	buf_free(&made[1]);
}

static void
unlock_asks_nobody_when_a_slot_is_open(void **state)
{
	struct credential_source src = { 0 };
	struct unlock_slot slots[2];
	struct unlock u = { .slots = slots, .n = 2, .what = "it" };
	struct keyring *kr;
	struct buf made[2];
	struct err e;

	(void)state;
	two_slots(true, made);
	memcpy(u.repo_id, some_repo, sizeof(some_repo));
	for (int i = 0; i < 2; i++)
		slots[i] = (struct unlock_slot){ made[i].data, made[i].len };
	unsetenv("PLAKAR_PASSPHRASE");
	kr = unlock_keyring(&u, &src, NULL, &e);
	assert_non_null(kr);
	keyring_free(kr);
	buf_free(&made[0]);
	buf_free(&made[1]);
}

/* A file of these bytes in a fresh directory; the path is the caller's. */
static char *
file_of(const void *data, size_t len)
{
	char *path = xstrdup("/tmp/test_keys.XXXXXX");
	int fd = mkstemp(path);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
	return path;
}

static void
passphrase_is_the_first_line(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} cases[] = {
		{ "pass", "pass" },
		{ "pass\n", "pass" },
		{ "pass\r\n", "pass" },
		{ " pass word \nuser: me\n", " pass word " },
		{ "", NULL },
		{ "\n", NULL },
		{ "\r\n", NULL },
		{ "\npass\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		char *path = file_of(cases[i].text, strlen(cases[i].text));
		char *command = xasprintf("cat %s", path);
		struct credential_source sources[] = {
			{ .passphrase_file = path },
			{ .passphrase_command = command },
		};

		for (size_t j = 0; j < N(sources); j++) {
			struct credential c;
			struct err e;
			int rc =
			    credential_get(&sources[j], "it", false, &c, &e);

			if (cases[i].want == NULL) {
				assert_int_equal(rc, -1);
				assert_int_equal(e.kind, ERR_USAGE);
				continue;
			}
			assert_int_equal(rc, 0);
			assert_int_equal(c.kdf, SLOT_PASSPHRASE);
			assert_int_equal(c.len, strlen(cases[i].want));
			assert_memory_equal(c.secret, cases[i].want, c.len);
			credential_clear(&c);
		}
		unlink(path);
		free(path);
		free(command);
	}
}

static void
bad_sources_are_refused(void **state)
{
	static const char many[CREDENTIAL_KEY_FILE_MAX + 1] = { 'x' };
	char *small = file_of(many, CREDENTIAL_KEY_FILE_MIN - 1);
	char *big = file_of(many, sizeof(many));
	char *line =
	    memset(xmalloc(CREDENTIAL_MAX + 1), 'x', CREDENTIAL_MAX + 1);
	char *long_line = file_of(line, CREDENTIAL_MAX + 1);
	const struct {
		struct credential_source src;
		enum err_kind kind;
	} cases[] = {
		{ { .key_file = small, .no_passphrase = true }, ERR_USAGE },
		{ { .key_file = small }, ERR_USAGE },
		{ { .key_file = big }, ERR_USAGE },
		{ { .key_file = "/nonexistent/key" }, ERR_NOT_FOUND },
		{ { .passphrase_file = "/nonexistent/pass" }, ERR_SYSTEM },
		{ { .passphrase_file = "/" }, ERR_SYSTEM },
		{ { .passphrase_file = long_line }, ERR_LIMIT },
		{ { .passphrase_command = "echo pass; exit 3" }, ERR_DENIED },
		{ { .passphrase_command = "kill -9 $$" }, ERR_DENIED },
		{ { .passphrase_command = "true" }, ERR_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct credential c;
		struct err e;

		assert_int_equal(
		    credential_get(&cases[i].src, "it", false, &c, &e), -1);
		assert_int_equal(e.kind, cases[i].kind);
		assert_null(c.secret);
	}
	unlink(small);
	unlink(big);
	unlink(long_line);
	free(small);
	free(big);
	free(long_line);
	free(line);
}

static void
environment_comes_after_the_command_line(void **state)
{
	struct credential_source src = { .passphrase_command = "echo shell" };
	struct credential c;
	struct err e;

	(void)state;
	setenv("PLAKAR_PASSPHRASE", "environment", 1);
	assert_int_equal(credential_make(&src, "it", &c, &e), 0);
	assert_int_equal(c.len, 5);
	credential_clear(&c);
	src.passphrase_command = NULL;
	assert_int_equal(credential_make(&src, "it", &c, &e), 0);
	assert_int_equal(c.len, 11);
	assert_false(c.typed);
	credential_clear(&c);
	setenv("PLAKAR_PASSPHRASE", "", 1);
	assert_int_equal(credential_make(&src, "it", &c, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	src.no_passphrase = true;
	assert_int_equal(credential_make(&src, "it", &c, &e), 0);
	assert_int_equal(c.kdf, SLOT_UNLOCKED);
	unsetenv("PLAKAR_PASSPHRASE");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derived_keys_equal_the_vectors),
		cmocka_unit_test(chunk_ids_equal_the_vectors),
		cmocka_unit_test(seal_keys_equal_the_vectors),
		cmocka_unit_test(sealed_bytes_equal_the_vectors),
		cmocka_unit_test(config_equals_the_vector),
		cmocka_unit_test(slots_of_the_vectors_open),
		cmocka_unit_test(no_byte_of_a_slot_can_change),
		cmocka_unit_test(wrong_secret_is_denied),
		cmocka_unit_test(roles_hold_what_they_may_and_no_more),
		cmocka_unit_test(unlock_tries_each_slot),
		cmocka_unit_test(unlock_asks_nobody_when_a_slot_is_open),
		cmocka_unit_test(passphrase_is_the_first_line),
		cmocka_unit_test(bad_sources_are_refused),
		cmocka_unit_test(environment_comes_after_the_command_line),
	};
	json_error_t je;
	struct err e;
	int rc;

	vectors = argc == 2 ? json_load_file(argv[1], 0, &je) : NULL;
	if (vectors == NULL || secret_init(&e) == -1) {
		fprintf(stderr, "usage: test_plakar_keys keys.json\n");
		return 1;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(vectors);
	return rc;
}
