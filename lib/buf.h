/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * buf: bytes that grow at the end.
 *
 * Ownership: a buf owns its memory.  buf_init() or "= {0}" starts an empty
 *            one, buf_free() releases it and leaves it empty.
 * Limits:    for bytes that this program makes, or that it has counted:
 *            running out of memory ends the program (lib/mem.h).
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

struct buf {
	uint8_t *data;
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

void buf_init(struct buf *b);
void buf_free(struct buf *b);

/* Forget the content, keep the memory. */
void buf_reset(struct buf *b);

/* Room for extra more bytes; returns where they would go. */
uint8_t *buf_reserve(struct buf *b, size_t extra);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_zero(struct buf *b, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* Take len bytes away from the front. */
void buf_consume(struct buf *b, size_t len);

/* The bytes as a string: a NUL is kept after the end.  Borrowed. */
const char *buf_str(struct buf *b);

#endif
