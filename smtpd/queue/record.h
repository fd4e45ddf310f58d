/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * record: what the segments of the queue are made of.
 *
 * Shape:  doc/formats/smtpd-queue.md.  The mark of a segment is drawn when it
 *         is made and stands in each of its records: so no bytes of a message
 *         can be taken for a record, whatever was damaged around them.
 * Limits: RECORD_MAX bytes, checked before anything is allocated.
 * Source: doc/formats/smtpd-queue.md.
 */
#ifndef SMTPD_QUEUE_RECORD_H
#define SMTPD_QUEUE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define RECORD_HEADER_LEN 24
#define RECORD_MAX        (8u << 20)
#define RECORD_ENVELOPES  10000
#define SEGMENT_HEADER    48
#define SEGMENT_VERSION   2

struct buf;

enum record_type {
	RECORD_MESSAGE = 1,
	RECORD_UPDATE,
	RECORD_REMOVE,
	RECORD_END /* the segment was closed in order */
};
enum record_flag {
	RECORD_EXTERNAL = 1, /* the body is a file */
	RECORD_PACKED = 2,   /* the body is compressed */
	RECORD_SEALED = 4,   /* envelopes and body are encrypted */
	RECORD_FLAGS = 7
};

struct record {
	enum record_type type;
	const uint8_t *payload; /* borrowed */
	size_t len;
	size_t total; /* with the header */
	uint64_t mark;
};

enum record_result {
	RECORD_OK,
	RECORD_NONE,
	RECORD_BAD
};

uint32_t record_crc32c(uint32_t crc, const void *data, size_t len);

/* The header of segment number. */
void segment_header(
    uint64_t number, uint64_t mark, uint8_t out[SEGMENT_HEADER]);

/* Whether p has that; *version is set when there is a header at all. */
bool segment_header_parse(const uint8_t *p, size_t len, uint64_t number,
    uint64_t *mark, uint32_t *version) ATTR_CHECKED;

/* Start a record in out, and finish it when its payload has been added. */
size_t record_begin(struct buf *out, enum record_type type);
void record_end(struct buf *out, size_t start);

/* Give all records at p the mark of the segment that they are written to. */
void record_stamp(uint8_t *p, size_t len, uint64_t mark);

/* The record at p: RECORD_NONE where only zeros or nothing follow.  mark is
 * that of the segment; NULL: any. */
enum record_result record_parse(
    const uint8_t *p, size_t len, const uint64_t *mark, struct record *out);

struct record_message {
	uint32_t msgid;
	uint8_t flags;
	size_t n_about, about_offset; /* ids, u64 each */
	size_t n_envelopes;
	uint64_t body_len;
	size_t body_offset, stored_len; /* within the payload */
	struct record_span {
		uint64_t id;
		size_t offset, len; /* within the payload */
	} * envelopes;
};

/* Owned by the caller: record_message_clear(). */
bool record_message_parse(
    const struct record *r, struct record_message *out) ATTR_CHECKED;
void record_message_clear(struct record_message *m);

#endif
