/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store: the queue on disk, a log of records in segments.
 *
 * What is added waits in memory until store_commit(), which writes all of it
 * with one call and syncs once: only then may anyone be told that a message
 * is accepted.  The index of what lives where is kept in memory and rebuilt
 * by store_open() from the segments; one function applies a record to it,
 * read back or just written.
 *
 * Invariants: segments are dropped oldest first, so a REMOVE is never lost
 *             before what it removes; a new segment is begun at each start,
 *             so no byte is written twice; after a failed write or sync the
 *             segment is left alone and a new one begun; what belongs
 *             together (a notice, and the removal of what it is about) is one
 *             record.
 * Shape:      DIR/log/NNNNNNNN.seg, DIR/bodies/MSGID for large messages,
 *             DIR/corrupt/ for what was damaged, DIR/lock, DIR/key.
 * Errors:     ERR_SYSTEM with the path; ERR_NOT_FOUND for an unknown id.
 * Source:     doc/formats/smtpd-queue.md.
 */
#ifndef SMTPD_QUEUE_STORE_H
#define SMTPD_QUEUE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define STORE_SEGMENT_LEN (64u << 20)
#define STORE_INLINE_MAX  (256u << 10) /* larger bodies are files */

struct buf;
struct envelope;
struct err;
struct store;

struct store_stats {
	uint64_t messages, envelopes, segments, syncs, torn_bytes, damaged;
};

struct store_options {
	uint64_t segment_len; /* 0: STORE_SEGMENT_LEN */
	bool compress;
	const char *passphrase; /* NULL: what comes is not encrypted */
};

/* A message to be added; all borrowed. */
struct store_new {
	uint32_t msgid;
	const struct envelope *evs;
	size_t n;
	const void *body; /* NULL: it is a file, see store_body_link() */
	uint64_t body_len;
	uint8_t file_flags; /* of the file, as store_body_link() said */
	/* A notice: the envelopes that go when it comes. */
	const uint64_t *about;
	size_t n_about;
};

/*
 * Open the spool at dir (made when missing) and read it.  Bytes that are no
 * record are logged, and kept in corrupt/.  options may be NULL.
 * ERR_EXISTS when another process has it open; ERR_DENIED: the passphrase is
 * not that of the messages.
 */
struct store *store_open(
    const char *dir, const struct store_options *options, struct err *e);
void store_close(struct store *s);

/* A file for a large body, open and without a name yet. */
int store_body_file(struct store *s, struct err *e) ATTR_CHECKED;

/* Sync that file and give it its name, before its message is added; take it
 * away again when that could not be committed. */
int store_body_link(struct store *s, uint32_t msgid, int fd, uint8_t *flags,
    struct err *e) ATTR_CHECKED;
void store_body_unlink(struct store *s, uint32_t msgid);

/* Append to what the next commit writes. */
void store_add_message(struct store *s, const struct store_new *m);
void store_add_update(struct store *s, const struct envelope *ev);
void store_add_remove(struct store *s, uint64_t id);

/* Of the bodies that come from now on. */
void store_set_compression(struct store *s, bool on);

/* Whether anything waits, and how much. */
bool store_pending(const struct store *s);
size_t store_pending_bytes(const struct store *s);

/*
 * Write and sync what waits.  After -1 nothing of it counts as stored.  Its
 * messages no longer wait; updates and removals do, for the next commit.
 */
int store_commit(struct store *s, struct err *e) ATTR_CHECKED;

/* Drop dead segments, and carry what lives in a nearly dead one. */
int store_collect(struct store *s, struct err *e) ATTR_CHECKED;

bool store_has_message(const struct store *s, uint32_t msgid);

/* *ev is the caller's. */
int store_get(struct store *s, uint64_t id, struct envelope *ev,
    struct err *e) ATTR_CHECKED;

/* The body, appended to out; or, when it is a file, *fd open for reading, at
 * its beginning. */
int store_get_body(struct store *s, uint32_t msgid, struct buf *out, int *fd,
    uint64_t *len, struct err *e) ATTR_CHECKED;

/* How long the body of a message is; 0 when there is none. */
uint64_t store_body_len(struct store *s, uint32_t msgid);

/* Call cb for every envelope id, ascending from first. */
typedef void store_each_cb(uint64_t id, void *arg);
void store_each(const struct store *s, store_each_cb *cb, void *arg);

/* The ids of one message; returns how many, at most max. */
size_t store_envelopes(
    const struct store *s, uint32_t msgid, uint64_t *ids, size_t max);

/* What the file system has left for us; UINT64_MAX when it doesn't say. */
uint64_t store_free(const struct store *s);

void store_get_stats(const struct store *s, struct store_stats *out);

#endif
