/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/record.h"

#define RECORD_MAGIC 0x4b52514dU /* "MQRK" */
#define POLYNOMIAL   0x82f63b78U
#define ABOUT_MAX    RECORD_ENVELOPES

static const uint8_t segment_magic[8] = { 'M', 'S', 'Q', 'S', 'E', 'G', '0',
	'1' };

static uint32_t tables[8][256];

static void
make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = (c & 1) != 0 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		tables[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (int k = 1; k < 8; k++) {
			uint32_t c = tables[k - 1][i];

			tables[k][i] = c >> 8 ^ tables[0][c & 0xff];
		}
	}
}

/* Eight bytes at a time, by a table for the place of each. */
uint32_t
record_crc32c(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	if (tables[0][1] == 0)
		make_tables();
	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t v = wire_load64(p) ^ crc;

		crc = tables[7][v & 0xff] ^ tables[6][v >> 8 & 0xff] ^
		    tables[5][v >> 16 & 0xff] ^ tables[4][v >> 24 & 0xff] ^
		    tables[3][v >> 32 & 0xff] ^ tables[2][v >> 40 & 0xff] ^
		    tables[1][v >> 48 & 0xff] ^ tables[0][v >> 56];
	}
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ tables[0][(crc ^ p[i]) & 0xff];
	return ~crc;
}

void
segment_header(uint64_t number, uint64_t mark, uint8_t out[SEGMENT_HEADER])
{
	memset(out, 0, SEGMENT_HEADER);
	memcpy(out, segment_magic, sizeof(segment_magic));
	wire_store32(out + 8, SEGMENT_VERSION);
	wire_store64(out + 16, number);
	wire_store64(out + 24, mark);
	wire_store32(out + SEGMENT_HEADER - 4,
	    record_crc32c(0, out, SEGMENT_HEADER - 4));
}

bool
segment_header_parse(const uint8_t *p, size_t len, uint64_t number,
    uint64_t *mark, uint32_t *version)
{
	uint8_t want[SEGMENT_HEADER];

	*version = SEGMENT_VERSION;
	if (len < SEGMENT_HEADER)
		return false;
	if (memcmp(p, segment_magic, sizeof(segment_magic)) == 0 &&
	    wire_load32(p + SEGMENT_HEADER - 4) ==
		record_crc32c(0, p, SEGMENT_HEADER - 4))
		*version = wire_load32(p + 8);
	*mark = wire_load64(p + 24);
	segment_header(number, *mark, want);
	return memcmp(p, want, SEGMENT_HEADER) == 0;
}

size_t
record_begin(struct buf *out, enum record_type type)
{
	size_t start = out->len;

	wire_put_u32(out, RECORD_MAGIC);
	buf_add_u8(out, (uint8_t)type);
	buf_add_zero(out, RECORD_HEADER_LEN - 5);
	return start;
}

static uint32_t
checksum(const uint8_t *p, size_t payload_len)
{
	uint32_t crc = record_crc32c(0, p + 4, 8);

	return record_crc32c(crc, p + 16, RECORD_HEADER_LEN - 16 + payload_len);
}

void
record_end(struct buf *out, size_t start)
{
	size_t len = out->len - start - RECORD_HEADER_LEN;

	wire_store32(out->data + start + 8, (uint32_t)len);
}

void
record_stamp(uint8_t *p, size_t len, uint64_t mark)
{
	for (size_t at = 0; at < len;) {
		size_t n = wire_load32(p + at + 8);

		wire_store64(p + at + 16, mark);
		wire_store32(p + at + 12, checksum(p + at, n));
		at += RECORD_HEADER_LEN + n;
	}
}

enum record_result
record_parse(
    const uint8_t *p, size_t len, const uint64_t *mark, struct record *out)
{
	static const uint8_t zeros[RECORD_HEADER_LEN];
	size_t n;

	if (len < RECORD_HEADER_LEN)
		return len == 0 ? RECORD_NONE : RECORD_BAD;
	if (memcmp(p, zeros, RECORD_HEADER_LEN) == 0)
		return RECORD_NONE;
	n = wire_load32(p + 8);
	if (wire_load32(p) != RECORD_MAGIC || n > RECORD_MAX ||
	    n > len - RECORD_HEADER_LEN || p[5] != 0 || p[6] != 0 ||
	    p[7] != 0 || p[4] < RECORD_MESSAGE || p[4] > RECORD_END ||
	    (mark != NULL && wire_load64(p + 16) != *mark) ||
	    wire_load32(p + 12) != checksum(p, n))
		return RECORD_BAD;
	*out = (struct record){ p[4], p + RECORD_HEADER_LEN, n,
		RECORD_HEADER_LEN + n, wire_load64(p + 16) };
	return RECORD_OK;
}

static bool
parse_about(const struct record *r, struct wire *w, struct record_message *out)
{
	uint64_t n = wire_varint(w);

	if (!wire_ok(w) || n > ABOUT_MAX)
		return false;
	out->n_about = (size_t)n;
	out->about_offset = r->len - w->left;
	wire_bytes(w, out->n_about * 8);
	return wire_ok(w);
}

bool
record_message_parse(const struct record *r, struct record_message *out)
{
	struct wire w;
	uint64_t n;

	memset(out, 0, sizeof(*out));
	wire_init(&w, r->payload, r->len);
	out->msgid = wire_u32(&w);
	out->flags = wire_u8(&w);
	if (!parse_about(r, &w, out))
		return false;
	n = wire_varint(&w);
	if (!wire_ok(&w) || n == 0 || n > RECORD_ENVELOPES ||
	    (out->flags & ~RECORD_FLAGS) != 0)
		return false;
	out->envelopes = xcalloc((size_t)n, sizeof(*out->envelopes));
	out->n_envelopes = (size_t)n;
	for (size_t i = 0; i < n; i++) {
		uint64_t id = wire_u64(&w);
		size_t len = (size_t)wire_varint(&w);

		out->envelopes[i] =
		    (struct record_span){ id, r->len - w.left, len };
		wire_bytes(&w, len);
	}
	out->body_len = wire_varint(&w);
	out->stored_len = (size_t)wire_varint(&w);
	out->body_offset = r->len - w.left;
	wire_bytes(&w, out->stored_len);
	if (wire_done(&w))
		return true;
	record_message_clear(out);
	return false;
}

void
record_message_clear(struct record_message *m)
{
	free(m->envelopes);
	memset(m, 0, sizeof(*m));
}
