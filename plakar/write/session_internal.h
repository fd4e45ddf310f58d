/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session_internal: what session.c, packer.c and catalog.c say to each other.
 */
#ifndef PLAKAR_WRITE_SESSION_INTERNAL_H
#define PLAKAR_WRITE_SESSION_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "plakar/format/pack.h"
#include "plakar/format/segment.h"
#include "plakar/write/session.h"

struct catalog;
struct store_put;

/* A class's session key, drawn once a session and sealed once. */
struct class_key {
	uint8_t *secret; /* in secret memory */
	uint8_t sealed[PACK_SEALED_LEN];
};

/* A pack whose bytes are all written, on its way to being durable. */
struct full_pack {
	struct store_put *put;
	struct segment_pack info; /* owned, with its offsets */
	struct segment_row *rows; /* owned; pack numbers not set */
	size_t rows_count;
};

struct session {
	struct repo *repo;
	struct session_options options;
	struct class_key keys[2]; /* by class - 1 */
	struct claims *claims;
	struct catalog *catalog;
	struct packer *metadata;
	pthread_mutex_t metadata_lock;
	atomic_uint_fast64_t chunks, bytes, stored;
};

/* A packer of either class. */
struct packer *packer_new(struct session *s, enum chunk_class class);

void full_pack_free(struct full_pack *fp);

/*
 * catalog: makes full packs durable in a thread of its own, collects their
 * rows, and stores index segments.
 */
struct catalog *catalog_new(struct session *s);

/* Ends the thread; packs not yet durable are given up. */
void catalog_free(struct catalog *c);

/* Takes fp, also when it fails.  Waits while too many packs are on the way. */
int catalog_add(
    struct catalog *c, struct full_pack *fp, struct err *e) ATTR_CHECKED;

/* Wait for all packs, then store the rows that no segment has yet. */
int catalog_flush(struct catalog *c, struct err *e) ATTR_CHECKED;

#endif
