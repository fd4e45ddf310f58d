/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * record: what the segments of the queue are made of.
 *
 * Shape:  magic u32, type u8, zero u8[3], length u32, CRC32C u32 over the
 *         type, the length and the payload; then the payload.  Little-endian.
 *         MESSAGE: msgid u32, flags u8, count varint, count times (length
 *         varint, envelope), body length varint, then the body unless flag
 *         EXTERNAL says that it is in a file of its own.
 *         UPDATE: one envelope, which replaces the one with its id.
 *         REMOVE: envelope ids, u64 each.
 * Limits: RECORD_MAX bytes, checked before anything is allocated.
 * Source: doc/formats/smtpd-queue.md.
 */
#ifndef SMTPD_QUEUE_RECORD_H
#define SMTPD_QUEUE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define RECORD_HEADER_LEN 16
#define RECORD_MAX        (8u << 20)
#define RECORD_ENVELOPES  10000
#define SEGMENT_HEADER    32

struct buf;
struct wire;

enum record_type {
	RECORD_MESSAGE = 1,
	RECORD_UPDATE,
	RECORD_REMOVE
};
enum record_flag {
	RECORD_EXTERNAL = 1
};

struct record {
	enum record_type type;
	const uint8_t *payload; /* borrowed */
	size_t len;
	size_t total; /* with the header */
};

enum record_result {
	RECORD_OK,
	RECORD_NONE,
	RECORD_BAD
};

uint32_t record_crc32c(uint32_t crc, const void *data, size_t len);

/* The header of segment number, and whether bytes are one. */
void segment_header(uint64_t number, uint8_t out[SEGMENT_HEADER]);
bool segment_header_valid(
    const uint8_t *p, size_t len, uint64_t number) ATTR_CHECKED;

/* Start a record in out, and finish it when its payload has been added. */
size_t record_begin(struct buf *out, enum record_type type);
void record_end(struct buf *out, size_t start);

/* The record at p: RECORD_NONE where only zeros or nothing follow. */
enum record_result record_parse(
    const uint8_t *p, size_t len, struct record *out);

struct record_message {
	uint32_t msgid;
	uint8_t flags;
	size_t n_envelopes;
	uint64_t body_len;
	size_t body_offset; /* within the payload */
	struct record_span {
		size_t offset, len; /* within the payload */
	} * envelopes;
};

/* Owned by the caller: record_message_clear(). */
bool record_message_parse(
    const struct record *r, struct record_message *out) ATTR_CHECKED;
void record_message_clear(struct record_message *m);

#endif
