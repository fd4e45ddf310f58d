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

#include "plakar/format/config.h"
#include "plakar/format/field.h"

#define HEAD_LEN 16
#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct config example = {
	.repo_id = "sixteen bytes..",
	.created = 1790000000,
	.chunker = CHUNKER_GEAR,
	.chunk_min = 16384,
	.chunk_avg = 65536,
	.chunk_max = 262144,
	.aead = 1,
	.metadata_public = "the public key of metadata.....",
	.data_public = "the public key of data.........",
};

/* A config of these encoded fields, with a MAC of zeros. */
static void
wrap(const struct buf *fields, uint32_t version, struct buf *out)
{
	buf_add_str(out, "PLKRconf");
	wire_put_u32(out, version);
	wire_put_u32(out, (uint32_t)fields->len);
	buf_add(out, fields->data, fields->len);
	buf_add_zero(out, CONFIG_MAC_LEN);
}

/* The example's fields, but the one of tag without. */
static void
example_fields(uint64_t without, struct buf *fields)
{
	struct buf whole = { 0 };
	struct field_reader fr;
	struct field f;
	struct err e;

	config_encode(&example, &whole);
	field_reader_init(&fr, whole.data + HEAD_LEN, whole.len - HEAD_LEN);
	while (field_next(&fr, &f, &e) == 1)
		if (f.tag != without)
			field_put(fields, f.tag, f.data, f.len);
	buf_free(&whole);
}

static void
assert_refused(
    struct buf *fields, uint32_t version, enum err_kind kind, const char *words)
{
	struct buf whole = { 0 };
	struct config c;
	struct err e;

	wrap(fields, version, &whole);
	assert_int_equal(config_decode(whole.data, whole.len, &c, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_non_null(strstr(e.msg, words));
	buf_free(&whole);
	buf_free(fields);
}

static void
config_comes_back(void **state)
{
	struct buf whole = { 0 };
	struct config c;
	struct err e;

	(void)state;
	config_encode(&example, &whole);
	buf_add_zero(&whole, CONFIG_MAC_LEN);
	assert_int_equal(config_decode(whole.data, whole.len, &c, &e), 0);
	assert_memory_equal(&c, &example, sizeof(c));
	buf_free(&whole);
}

static void
cut_or_longer_config_is_refused(void **state)
{
	struct buf whole = { 0 };
	struct config c;
	struct err e;

	(void)state;
	config_encode(&example, &whole);
	buf_add_zero(&whole, CONFIG_MAC_LEN);
	for (size_t len = 0; len < whole.len; len++) {
		assert_int_equal(config_decode(whole.data, len, &c, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	buf_add_u8(&whole, 0);
	assert_int_equal(config_decode(whole.data, whole.len, &c, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	whole.data[0] ^= 1;
	assert_int_equal(config_decode(whole.data, whole.len, &c, &e), -1);
	buf_free(&whole);
}

static void
newer_version_is_unsupported(void **state)
{
	struct buf fields = { 0 };

	(void)state;
	example_fields(0, &fields);
	assert_refused(&fields, 2, ERR_UNSUPPORTED, "version 2");
	example_fields(0, &fields);
	assert_refused(&fields, 0, ERR_CORRUPT, "version 0");
}

static void
mandatory_feature_is_named(void **state)
{
	struct buf fields = { 0 };

	(void)state;
	example_fields(0, &fields);
	field_put_str(&fields, 7, "parity");
	assert_refused(&fields, 1, ERR_UNSUPPORTED, "\"parity\"");

	/* It wins over what the feature may have changed. */
	example_fields(3, &fields);
	field_put_str(&fields, 7, "strong-chunker");
	assert_refused(&fields, 1, ERR_UNSUPPORTED, "\"strong-chunker\"");

	/* And its name can't play tricks on a terminal. */
	example_fields(0, &fields);
	field_put_str(&fields, 7, "\x1b[2Jx");
	assert_refused(&fields, 1, ERR_UNSUPPORTED, "\"?[2Jx\"");
}

static void
optional_features_and_unknown_fields_are_skipped(void **state)
{
	struct buf fields = { 0 }, whole = { 0 };
	struct config c;
	struct err e;

	(void)state;
	example_fields(0, &fields);
	field_put_str(&fields, 8, "nice");
	field_put_str(&fields, 8, "nicer");
	field_put_str(&fields, 1000, "from the future");
	wrap(&fields, 1, &whole);
	assert_int_equal(config_decode(whole.data, whole.len, &c, &e), 0);
	assert_memory_equal(&c, &example, sizeof(c));
	buf_free(&fields);
	buf_free(&whole);
}

static void
fields_are_required_once(void **state)
{
	struct buf fields = { 0 };

	(void)state;
	for (unsigned tag = 1; tag <= 6; tag++) {
		example_fields(tag, &fields);
		assert_refused(&fields, 1, ERR_CORRUPT, "is missing");
	}
	example_fields(0, &fields);
	field_put(&fields, 6, example.data_public, sizeof(example.data_public));
	assert_refused(&fields, 1, ERR_CORRUPT, "field 6 twice");
}

/* Put the fields of the example with another value for one. */
static void
with_value(unsigned tag, const void *value, size_t len, struct buf *fields)
{
	struct buf rest = { 0 };
	struct field_reader fr;
	bool done = false;
	struct field f;
	struct err e;

	example_fields(tag, &rest);
	field_reader_init(&fr, rest.data, rest.len);
	while (field_next(&fr, &f, &e) == 1) {
		if (!done && f.tag > tag) {
			field_put(fields, tag, value, len);
			done = true;
		}
		field_put(fields, f.tag, f.data, f.len);
	}
	if (!done)
		field_put(fields, tag, value, len);
	buf_free(&rest);
}

static void
bad_values_are_refused(void **state)
{
	static const struct {
		unsigned tag;
		size_t len;
		uint8_t value[14];
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ 1, 14, { 0 }, ERR_CORRUPT, "field 1 of 14" },
		{ 2, 4, { 0 }, ERR_CORRUPT, "field 2 of 4" },
		{ 3, 0, { 0 }, ERR_CORRUPT, "field 3 of 0" },
		{ 3, 12, { 1 }, ERR_CORRUPT, "field 3 of 12" },
		{ 3, 14, { 1 }, ERR_CORRUPT, "field 3 of 14" },
		{ 3, 13, { 2 }, ERR_UNSUPPORTED, "chunker 2" },
		{ 4, 2, { 1 }, ERR_CORRUPT, "field 4 of 2" },
		{ 4, 1, { 0 }, ERR_UNSUPPORTED, "cipher 0" },
		{ 4, 1, { 3 }, ERR_UNSUPPORTED, "cipher 3" },
		{ 5, 0, { 0 }, ERR_CORRUPT, "field 5 of 0" },
		{ 6, 1, { 0 }, ERR_CORRUPT, "field 6 of 1" },
	};
	struct buf fields = { 0 };

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		with_value(cases[i].tag, cases[i].value, cases[i].len, &fields);
		assert_refused(&fields, 1, cases[i].kind, cases[i].words);
	}
}

static void
field_list_is_read_strictly(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "\x01", 1 },             /* no length */
		{ "\x01\x02x", 3 },        /* value cut */
		{ "\x02\x00\x01\x00", 4 }, /* order */
		{ "\x81\x00\x00", 3 },     /* long varint */
		{ "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct field_reader fr;
		struct field f;
		struct err e;
		int rc;

		field_reader_init(&fr, cases[i].bytes, cases[i].len);
		do
			rc = field_next(&fr, &f, &e);
		while (rc == 1);
		assert_int_equal(rc, -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_comes_back),
		cmocka_unit_test(cut_or_longer_config_is_refused),
		cmocka_unit_test(newer_version_is_unsupported),
		cmocka_unit_test(mandatory_feature_is_named),
		cmocka_unit_test(
		    optional_features_and_unknown_fields_are_skipped),
		cmocka_unit_test(fields_are_required_once),
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(field_list_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
