/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * claims: the chunks that this session has taken on itself to store and that
 * the index does not know yet.
 *
 * Of two threads that meet the same new chunk, one claims it and stores it;
 * for the other it is there already.
 *
 * Threads: all calls may run in any number of threads.
 */
#ifndef PLAKAR_WRITE_CLAIMS_H
#define PLAKAR_WRITE_CLAIMS_H

#include <stdbool.h>

#include "plakar/format/ids.h"

struct claims;

struct claims *claims_new(void);
void claims_free(struct claims *c);

/* True when id was not claimed: it is now the caller's to store. */
bool claims_take(struct claims *c, const struct chunk_id *id);
bool claims_has(struct claims *c, const struct chunk_id *id);

/* The index knows id from now on. */
void claims_drop(struct claims *c, const struct chunk_id *id);

#endif
