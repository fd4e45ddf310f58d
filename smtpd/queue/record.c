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

static const uint8_t segment_magic[8] = { 'M', 'S', 'Q', 'S', 'E', 'G', '0',
	'1' };

static uint32_t table[256];

static void
make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = (c & 1) != 0 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		table[i] = c;
	}
}

uint32_t
record_crc32c(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	if (table[1] == 0)
		make_table();
	crc = ~crc;
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
	return ~crc;
}

void
segment_header(uint64_t number, uint8_t out[SEGMENT_HEADER])
{
	memset(out, 0, SEGMENT_HEADER);
	memcpy(out, segment_magic, sizeof(segment_magic));
	wire_store32(out + 8, 1);
	wire_store64(out + 16, number);
	wire_store32(out + 28, record_crc32c(0, out, 28));
}

bool
segment_header_valid(const uint8_t *p, size_t len, uint64_t number)
{
	uint8_t want[SEGMENT_HEADER];

	segment_header(number, want);
	return len >= SEGMENT_HEADER && memcmp(p, want, SEGMENT_HEADER) == 0;
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

	return record_crc32c(crc, p + RECORD_HEADER_LEN, payload_len);
}

void
record_end(struct buf *out, size_t start)
{
	uint8_t *p = out->data + start;
	size_t len = out->len - start - RECORD_HEADER_LEN;

	wire_store32(p + 8, (uint32_t)len);
	wire_store32(p + 12, checksum(p, len));
}

enum record_result
record_parse(const uint8_t *p, size_t len, struct record *out)
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
	    p[7] != 0 || p[4] < RECORD_MESSAGE || p[4] > RECORD_REMOVE ||
	    wire_load32(p + 12) != checksum(p, n))
		return RECORD_BAD;
	*out = (struct record){ p[4], p + RECORD_HEADER_LEN, n,
		RECORD_HEADER_LEN + n };
	return RECORD_OK;
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
	n = wire_varint(&w);
	if (!wire_ok(&w) || n == 0 || n > RECORD_ENVELOPES ||
	    (out->flags & ~RECORD_EXTERNAL) != 0)
		return false;
	out->envelopes = xcalloc((size_t)n, sizeof(*out->envelopes));
	out->n_envelopes = (size_t)n;
	for (size_t i = 0; i < n; i++) {
		size_t len = (size_t)wire_varint(&w);

		out->envelopes[i].offset = r->len - w.left;
		out->envelopes[i].len = len;
		wire_bytes(&w, len);
	}
	out->body_len = wire_varint(&w);
	out->body_offset = r->len - w.left;
	if ((out->flags & RECORD_EXTERNAL) == 0)
		wire_bytes(&w, (size_t)out->body_len);
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
