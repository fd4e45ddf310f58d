/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * wire: numbers and bytes in a buffer, read with every length checked.
 *
 * Shape:  integers little-endian; varint: 7 bits a byte, low bits first, at
 *         most 10 bytes, and no other encoding of a number than its shortest.
 * Errors: a reader that runs out, or meets a bad varint, turns bad and stays
 *         so; every later read gives zeros.  Check wire_ok() before using
 *         what was read, or wire_done() to demand also that all was consumed.
 */
#ifndef LIB_WIRE_H
#define LIB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define WIRE_VARINT_MAX 10 /* bytes */

struct buf;

struct wire {
	const uint8_t *p;
	size_t left;
	bool bad;
};

/* Borrows data for as long as w is read from. */
void wire_init(struct wire *w, const void *data, size_t len);
bool wire_ok(const struct wire *w);
bool wire_done(const struct wire *w);

uint8_t wire_u8(struct wire *w);
uint16_t wire_u16(struct wire *w);
uint32_t wire_u32(struct wire *w);
uint64_t wire_u64(struct wire *w);
uint64_t wire_varint(struct wire *w);

/* A varint as a signed number: zigzag, so small negatives stay short. */
int64_t wire_svarint(struct wire *w);

/*
 * The next len bytes, borrowed from the buffer; NULL when there are fewer.
 * (For no byte of no buffer, NULL too: wire_ok() tells them apart.)
 */
const uint8_t *wire_bytes(struct wire *w, size_t len);

/* Copy the next len bytes to dst; zeros when there are fewer. */
void wire_copy(struct wire *w, void *dst, size_t len);

void wire_put_u16(struct buf *b, uint16_t v);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_u64(struct buf *b, uint64_t v);
void wire_put_varint(struct buf *b, uint64_t v);
void wire_put_svarint(struct buf *b, int64_t v);

/* Numbers at a place that the caller has checked. */
uint16_t wire_load16(const uint8_t *p);
uint32_t wire_load32(const uint8_t *p);
uint64_t wire_load64(const uint8_t *p);
void wire_store16(uint8_t *p, uint16_t v);
void wire_store32(uint8_t *p, uint32_t v);
void wire_store64(uint8_t *p, uint64_t v);

#endif
