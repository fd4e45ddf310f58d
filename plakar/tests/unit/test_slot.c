/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/wire.h"

#include "plakar/format/slot.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct slot example = {
	.kdf = SLOT_PASSPHRASE,
	.role = ROLE_PUSH,
	.passes = 3,
	.memory = 65536,
	.salt = "sixteen bytes..",
	.created = 1790000000,
	.label = "the garage",
	.commitment = "what the secret is known by....",
};

static void
encode(const struct slot *slot, struct buf *out)
{
	slot_encode_head(slot, out);
	slot_encode_sealed(out, (const uint8_t *)"sealed", 6);
}

static void
slot_comes_back(void **state)
{
	struct buf out = { 0 };
	struct slot slot;
	struct err e;

	(void)state;
	encode(&example, &out);
	assert_int_equal(slot_decode(out.data, out.len, &slot, &e), 0);
	assert_int_equal(slot.kdf, example.kdf);
	assert_int_equal(slot.role, example.role);
	assert_int_equal(slot.passes, example.passes);
	assert_int_equal(slot.memory, example.memory);
	assert_int_equal(slot.created, example.created);
	assert_string_equal(slot.label, example.label);
	assert_memory_equal(slot.salt, example.salt, sizeof(slot.salt));
	assert_memory_equal(
	    slot.commitment, example.commitment, sizeof(slot.commitment));
	assert_int_equal(slot.head_len, out.len - 8);
	assert_int_equal(slot.sealed_len, 6);
	assert_memory_equal(slot.sealed, "sealed", 6);
	buf_free(&out);
}

static void
cut_or_longer_slot_is_refused(void **state)
{
	struct buf out = { 0 };
	struct slot slot;
	struct err e;

	(void)state;
	encode(&example, &out);
	for (size_t len = 0; len < out.len; len++) {
		assert_int_equal(slot_decode(out.data, len, &slot, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	buf_add_u8(&out, 0);
	assert_int_equal(slot_decode(out.data, out.len, &slot, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	buf_free(&out);
}

static void
bad_values_are_refused(void **state)
{
	/* One byte of the example, changed. */
	static const struct {
		size_t at;
		uint8_t value;
		enum err_kind kind;
	} cases[] = {
		{ 0, 'p', ERR_CORRUPT },   /* magic */
		{ 8, 2, ERR_UNSUPPORTED }, /* version */
		{ 8, 0, ERR_CORRUPT },
		{ 12, 3, ERR_CORRUPT }, /* kdf */
		{ 12, 0, ERR_CORRUPT }, /* no Argon2id, but its costs */
		{ 13, 0, ERR_CORRUPT }, /* role */
		{ 13, 5, ERR_CORRUPT },
		{ 14, 1, ERR_CORRUPT }, /* zero */
		{ 15, 1, ERR_CORRUPT },
		{ 16, 0, ERR_CORRUPT }, /* passes */
		{ 16, 17, ERR_LIMIT },
		{ 23, 1, ERR_LIMIT },      /* memory: 16 GiB */
		{ 48, 255, ERR_CORRUPT },  /* label beyond the end */
		{ 49, '\n', ERR_CORRUPT }, /* label */
		{ 49, 0, ERR_CORRUPT },
		{ 49, 0x7f, ERR_CORRUPT },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct buf out = { 0 };
		struct slot slot;
		struct err e;

		encode(&example, &out);
		out.data[cases[i].at] = cases[i].value;
		assert_int_equal(slot_decode(out.data, out.len, &slot, &e), -1);
		assert_int_equal(e.kind, cases[i].kind);
		buf_free(&out);
	}
}

static void
too_long_slot_is_refused(void **state)
{
	static const uint8_t sealed[SLOT_LEN_MAX] = { 0 };
	struct buf out = { 0 };
	struct slot slot;
	struct err e;

	(void)state;
	slot_encode_head(&example, &out);
	slot_encode_sealed(&out, sealed, SLOT_LEN_MAX - out.len - 2);
	assert_int_equal(out.len, SLOT_LEN_MAX);
	assert_int_equal(slot_decode(out.data, out.len, &slot, &e), 0);
	buf_reset(&out);
	slot_encode_head(&example, &out);
	slot_encode_sealed(&out, sealed, SLOT_LEN_MAX - out.len - 1);
	assert_int_equal(slot_decode(out.data, out.len, &slot, &e), -1);
	buf_free(&out);
}

static void
roles_have_names(void **state)
{
	enum slot_role role;

	(void)state;
	for (int i = ROLE_FULL; i <= ROLE_PURGE; i++) {
		assert_true(
		    slot_role_parse(slot_role_name((enum slot_role)i), &role));
		assert_int_equal(role, i);
	}
	assert_false(slot_role_parse("admin", &role));
}

/* Section 4: what each role holds. */
static void
secrets_are_those_of_the_role(void **state)
{
	static const struct {
		enum slot_role role;
		unsigned first, last;
	} cases[] = { { ROLE_FULL, 0, 0 }, { ROLE_READ, 1, 10 },
		{ ROLE_PUSH, 1, 8 }, { ROLE_PURGE, 1, 9 } };

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		unsigned n = cases[i].last - cases[i].first + 1;
		uint8_t out[SECRETS_LEN + 1] = { 0 };
		struct secrets s = { 0 }, back;
		struct err e;
		size_t len;

		for (unsigned k = cases[i].first; k <= cases[i].last; k++) {
			s.held |= 1u << k;
			memset(s.of[k], (int)k + 1, SECRET_LEN);
		}
		assert_int_equal(slot_role_secrets(cases[i].role), s.held);
		len = secrets_encode(&s, out);
		assert_int_equal(len, n * (1 + SECRET_LEN));
		assert_int_equal(
		    secrets_decode(out, len, cases[i].role, &back, &e), 0);
		assert_memory_equal(&s, &back, sizeof(s));

		/* More, less, another order, another role's. */
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(
			    secrets_decode(out, cut, cases[i].role, &back, &e),
			    -1);
		assert_int_equal(
		    secrets_decode(out, len + 1, cases[i].role, &back, &e), -1);
		for (size_t j = 0; j < N(cases); j++)
			if (j != i)
				assert_int_equal(secrets_decode(out, len,
						     cases[j].role, &back, &e),
				    -1);
		out[0] ^= 1;
		assert_int_equal(
		    secrets_decode(out, len, cases[i].role, &back, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slot_comes_back),
		cmocka_unit_test(cut_or_longer_slot_is_refused),
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(too_long_slot_is_refused),
		cmocka_unit_test(roles_have_names),
		cmocka_unit_test(secrets_are_those_of_the_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
