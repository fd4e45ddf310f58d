/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store_internal: what the store's files share.
 */
#ifndef SMTPD_QUEUE_STORE_INTERNAL_H
#define SMTPD_QUEUE_STORE_INTERNAL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"

#include "smtpd/queue/store.h"

struct envelope;
struct err;
struct record;
struct seal;

struct segment {
	TAILQ_ENTRY(segment) entry;
	uint64_t number, mark;
	int fd;
	uint64_t end;  /* where the next record goes */
	uint64_t live; /* places that something alive refers to */
	uint64_t live_bytes;
	bool damaged; /* and what is, could not be set aside */
};

struct store_envelope {
	uint64_t id;
	struct segment *segment; /* NULL: removed */
	uint32_t offset, len;
};

struct store_message {
	RB_ENTRY(store_message) entry;
	uint32_t msgid;
	uint8_t flags; /* enum record_flag */
	struct segment *segment;
	uint32_t body_offset, stored_len;
	uint64_t body_len;
	uint32_t n, n_live;
	struct store_envelope *envelopes;
};

RB_HEAD(store_messages, store_message);

struct store {
	char *dir;
	uint64_t segment_len;
	int lock_fd, log_fd, bodies_fd;
	TAILQ_HEAD(segments, segment) segments; /* oldest first */
	struct segment *current;
	bool loading;
	bool abandoned; /* current: nothing may be written to it any more */
	struct store_messages messages;
	struct buf pending;
	struct seal *seal;
	struct store_stats stats;
};

RB_PROTOTYPE(store_messages, store_message, entry, store_compare)

/* store_index.c: apply a record that stands at offset of a segment. */
void store_apply(struct store *s, struct segment *seg, uint64_t offset,
    const struct record *r);
struct store_message *store_find(const struct store *s, uint32_t msgid);
/* NULL when m is, or has no such envelope any more. */
struct store_envelope *store_find_envelope(
    const struct store_message *m, uint64_t id);
void store_index_free(struct store *s);

/* store_segment.c */
int store_segments_load(struct store *s, struct err *e) ATTR_CHECKED;
int store_segment_new(struct store *s, struct err *e) ATTR_CHECKED;
int store_segment_drop(
    struct store *s, struct segment *seg, struct err *e) ATTR_CHECKED;
/* The last words of the current one, when all went well. */
void store_segment_close(struct store *s);
/* log/NNNNNNNN.seg */
#define SEGMENT_NAME_LEN 24
void store_segment_name(uint64_t number, char name[SEGMENT_NAME_LEN]);

/*
 * store_scan.c: apply all records of a segment just opened.  Its bytes go to
 * *room, of *room_len bytes or NULL, which grows; the caller frees it.
 */
int store_scan(struct store *s, struct segment *seg, bool last, uint8_t **room,
    size_t *room_len, struct err *e) ATTR_CHECKED;

/* store.c */
int store_load_envelope(struct store *s, const struct store_envelope *se,
    struct envelope *ev, struct err *e) ATTR_CHECKED;
/* Append len bytes of a segment to out. */
int store_read_at(struct segment *seg, uint64_t offset, size_t len,
    struct buf *out, struct err *e) ATTR_CHECKED;

/* store_key.c: after reading, with the passphrase or NULL. */
int store_take_key(
    struct store *s, const char *passphrase, struct err *e) ATTR_CHECKED;

#endif
