/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <endian.h>
#include <string.h>

#include "lib/buf.h"

#include "lib/wire.h"

void
wire_init(struct wire *w, const void *data, size_t len)
{
	w->p = data;
	w->left = len;
	w->bad = false;
}

bool
wire_ok(const struct wire *w)
{
	return !w->bad;
}

bool
wire_done(const struct wire *w)
{
	return !w->bad && w->left == 0;
}

const uint8_t *
wire_bytes(struct wire *w, size_t len)
{
	const uint8_t *p = w->p;

	if (w->bad || w->left < len) {
		w->bad = true;
		return NULL;
	}
	if (len > 0) { /* p may be NULL when there is nothing */
		w->p += len;
		w->left -= len;
	}
	return p;
}

void
wire_copy(struct wire *w, void *dst, size_t len)
{
	const uint8_t *p = wire_bytes(w, len);

	if (p != NULL)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

uint8_t
wire_u8(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 1);

	return p != NULL ? *p : 0;
}

uint16_t
wire_u16(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 2);

	return p != NULL ? wire_load16(p) : 0;
}

uint32_t
wire_u32(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 4);

	return p != NULL ? wire_load32(p) : 0;
}

uint64_t
wire_u64(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 8);

	return p != NULL ? wire_load64(p) : 0;
}

uint64_t
wire_varint(struct wire *w)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < WIRE_VARINT_MAX; i++) {
		uint8_t c = wire_u8(w);

		if (w->bad)
			return 0;
		/* The tenth byte holds one bit; a zero last byte is padding. */
		if ((i == WIRE_VARINT_MAX - 1 && c > 1) || (i > 0 && c == 0))
			break;
		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if ((c & 0x80) == 0)
			return v;
	}
	w->bad = true;
	return 0;
}

int64_t
wire_svarint(struct wire *w)
{
	uint64_t v = wire_varint(w);

	return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

void
wire_put_u16(struct buf *b, uint16_t v)
{
	wire_store16(buf_reserve(b, 2), v);
	b->len += 2;
}

void
wire_put_u32(struct buf *b, uint32_t v)
{
	wire_store32(buf_reserve(b, 4), v);
	b->len += 4;
}

void
wire_put_u64(struct buf *b, uint64_t v)
{
	wire_store64(buf_reserve(b, 8), v);
	b->len += 8;
}

void
wire_put_varint(struct buf *b, uint64_t v)
{
	uint8_t *p = buf_reserve(b, WIRE_VARINT_MAX);
	size_t n = 0;

	while (v >= 0x80) {
		p[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	b->len += n;
}

void
wire_put_svarint(struct buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v;

	wire_put_varint(b, (u << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

uint16_t
wire_load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

uint32_t
wire_load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

uint64_t
wire_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

void
wire_store16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

void
wire_store32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

void
wire_store64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}
