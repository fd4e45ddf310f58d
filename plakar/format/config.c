/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/wire.h"

#include "plakar/format/config.h"
#include "plakar/format/field.h"

#define VERSION     1
#define HEAD_LEN    16 /* magic, version, length */
#define CHUNKER_LEN 13
#define CIPHERS     2 /* 1 and 2 */

enum tag {
	TAG_REPO_ID = 1,
	TAG_CREATED,
	TAG_CHUNKER,
	TAG_AEAD,
	TAG_METADATA_PUBLIC,
	TAG_DATA_PUBLIC,
	TAG_MANDATORY,
	TAG_OPTIONAL,
};

static const char magic[8] = "PLKRconf";

static void
encode_fields(const struct config *c, struct buf *body)
{
	uint8_t chunker[CHUNKER_LEN];

	field_put(body, TAG_REPO_ID, c->repo_id, sizeof(c->repo_id));
	field_put_u64(body, TAG_CREATED, c->created);
	chunker[0] = (uint8_t)c->chunker;
	wire_store32(chunker + 1, c->chunk_min);
	wire_store32(chunker + 5, c->chunk_avg);
	wire_store32(chunker + 9, c->chunk_max);
	field_put(body, TAG_CHUNKER, chunker, sizeof(chunker));
	field_put_u8(body, TAG_AEAD, c->aead);
	field_put(body, TAG_METADATA_PUBLIC, c->metadata_public,
	    sizeof(c->metadata_public));
	field_put(
	    body, TAG_DATA_PUBLIC, c->data_public, sizeof(c->data_public));
}

void
config_encode(const struct config *c, struct buf *out)
{
	struct buf body = { 0 };

	encode_fields(c, &body);
	buf_add(out, magic, sizeof(magic));
	wire_put_u32(out, VERSION);
	wire_put_u32(out, (uint32_t)body.len);
	buf_add(out, body.data, body.len);
	buf_free(&body);
}

/* The name of a feature as text that can be shown, whatever it holds. */
static void
feature_name(const struct field *f, char name[CONFIG_FEATURE_MAX + 1])
{
	size_t len = f->len < CONFIG_FEATURE_MAX ? f->len : CONFIG_FEATURE_MAX;

	for (size_t i = 0; i < len; i++)
		name[i] = f->data[i] > ' ' && f->data[i] < 0x7f ?
		    (char)f->data[i] :
		    '?';
	name[len] = '\0';
}

/*
 * No feature is known to this version.  They are looked at before all else:
 * what they are may change what the other fields mean.
 */
static int
check_features(const uint8_t *body, size_t len, struct err *e)
{
	char name[CONFIG_FEATURE_MAX + 1];
	struct field_reader fr;
	struct field f;
	int rc;

	field_reader_init(&fr, body, len);
	for (rc = field_next(&fr, &f, e); rc == 1; rc = field_next(&fr, &f, e))
		if (f.tag == TAG_MANDATORY) {
			feature_name(&f, name);
			err_set(e, ERR_UNSUPPORTED,
			    "the repository needs the feature \"%s\", which "
			    "this plakar does not have: please upgrade",
			    name);
			return -1;
		}
	return rc;
}

static int
decode_chunker(const struct field *f, struct config *c, struct err *e)
{
	uint8_t chunker[CHUNKER_LEN];

	if (f->len >= 1 && f->data[0] != CHUNKER_GEAR) {
		err_set(e, ERR_UNSUPPORTED, "unknown chunker %u", f->data[0]);
		return -1;
	}
	if (field_bytes(f, chunker, sizeof(chunker), e) == -1)
		return -1;
	c->chunker = CHUNKER_GEAR;
	c->chunk_min = wire_load32(chunker + 1);
	c->chunk_avg = wire_load32(chunker + 5);
	c->chunk_max = wire_load32(chunker + 9);
	return 0;
}

static int
decode_aead(const struct field *f, struct config *c, struct err *e)
{
	if (field_u8(f, &c->aead, e) == -1)
		return -1;
	if (c->aead < 1 || c->aead > CIPHERS) {
		err_set(e, ERR_UNSUPPORTED, "unknown cipher %u", c->aead);
		return -1;
	}
	return 0;
}

static int
decode_field(const struct field *f, struct config *c, struct err *e)
{
	switch (f->tag) {
	case TAG_REPO_ID:
		return field_bytes(f, c->repo_id, sizeof(c->repo_id), e);
	case TAG_CREATED:
		return field_u64(f, &c->created, e);
	case TAG_CHUNKER:
		return decode_chunker(f, c, e);
	case TAG_AEAD:
		return decode_aead(f, c, e);
	case TAG_METADATA_PUBLIC:
		return field_bytes(
		    f, c->metadata_public, sizeof(c->metadata_public), e);
	case TAG_DATA_PUBLIC:
		return field_bytes(
		    f, c->data_public, sizeof(c->data_public), e);
	default:
		return 0;
	}
}

static int
decode_fields(const uint8_t *body, size_t len, struct config *c, struct err *e)
{
	struct field_reader fr;
	unsigned seen = 0;
	struct field f;
	int rc;

	field_reader_init(&fr, body, len);
	for (rc = field_next(&fr, &f, e); rc == 1;
	     rc = field_next(&fr, &f, e)) {
		if (decode_field(&f, c, e) == -1)
			return -1;
		if (f.tag > TAG_DATA_PUBLIC)
			continue;
		if (f.again) {
			err_set(
			    e, ERR_CORRUPT, "field %u twice", (unsigned)f.tag);
			return -1;
		}
		seen |= 1u << f.tag;
	}
	if (rc == -1)
		return -1;
	for (unsigned tag = TAG_REPO_ID; tag <= TAG_DATA_PUBLIC; tag++)
		if ((seen & 1u << tag) == 0) {
			err_set(e, ERR_CORRUPT, "field %u is missing", tag);
			return -1;
		}
	return 0;
}

int
config_decode(const void *data, size_t len, struct config *c, struct err *e)
{
	const uint8_t *p = data, *body = p + HEAD_LEN;
	uint32_t version, body_len;

	memset(c, 0, sizeof(*c));
	if (len < HEAD_LEN || memcmp(p, magic, sizeof(magic)) != 0) {
		err_set(e, ERR_CORRUPT, "not a repository's config");
		return -1;
	}
	version = wire_load32(p + sizeof(magic));
	if (version != VERSION) {
		err_set(e, version > VERSION ? ERR_UNSUPPORTED : ERR_CORRUPT,
		    "a repository of version %u: this plakar knows version %u",
		    version, VERSION);
		return -1;
	}
	body_len = wire_load32(p + sizeof(magic) + 4);
	if (len > CONFIG_LEN_MAX || len < HEAD_LEN + CONFIG_MAC_LEN ||
	    body_len != len - HEAD_LEN - CONFIG_MAC_LEN) {
		err_set(e, ERR_CORRUPT, "config of %zu bytes", len);
		return -1;
	}
	if (check_features(body, body_len, e) == -1)
		return -1;
	return decode_fields(body, body_len, c, e);
}
