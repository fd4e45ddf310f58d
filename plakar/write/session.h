/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session: all that one push writes: packs, then the index segments that name
 * them, both complete before a snapshot may refer to them.
 *
 * Each thread that stores chunks has a packer of its own, which compresses
 * and seals blocks and writes them into its open pack; a thread of the
 * session makes finished packs durable meanwhile.  Memory is bounded: index
 * rows are stored as a segment whenever enough have gathered.
 *
 * Errors: once a call has failed, the session is lost: only session_free().
 *         What it stored is harmless, and found again by the next push.
 */
#ifndef PLAKAR_WRITE_SESSION_H
#define PLAKAR_WRITE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/chunkio.h"
#include "plakar/format/ids.h"

struct err;
struct packer;
struct repo;
struct session;

struct session_options {
	int level;          /* of compression */
	bool verify;        /* decompress and compare each block */
	uint32_t pack_size; /* bytes: a pack is finished above this */
};

/* What was stored so far; may be read at any time. */
struct session_totals {
	uint64_t chunks; /* that the repository did not have */
	uint64_t bytes;  /* of these, before compression */
	uint64_t stored; /* bytes added to the store */
};

/* repo has its index loaded, and outlives the session. */
int session_new(struct repo *repo, const struct session_options *options,
    struct session **out, struct err *e) ATTR_CHECKED;

/* Gives up what is not finished.  NULL is allowed. */
void session_free(struct session *s);

/* True when id is new to the repository: the caller must store it now. */
bool session_claim(struct session *s, const struct chunk_id *id);

/* Where metadata chunks go; for any number of threads. */
struct chunk_sink session_sink(struct session *s);

/*
 * Make durable all that was stored: open blocks and packs of the metadata,
 * and of the packers that were flushed, and their index segments.
 */
int session_flush(struct session *s, struct err *e) ATTR_CHECKED;

void session_totals(struct session *s, struct session_totals *totals);

/* A packer of data chunks, for one thread. */
struct packer *session_packer(struct session *s);

/* Store a chunk that session_claim() gave to the caller. */
int packer_add(struct packer *p, enum chunk_kind kind,
    const struct chunk_id *id, const uint8_t *data, size_t len,
    struct err *e) ATTR_CHECKED;

/* Close the open block and pack, and hand the pack over to the session. */
int packer_flush(struct packer *p, struct err *e) ATTR_CHECKED;
void packer_free(struct packer *p);

#endif
