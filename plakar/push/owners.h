/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * owners: the names of the users and groups that a push meets.
 */
#ifndef PLAKAR_PUSH_OWNERS_H
#define PLAKAR_PUSH_OWNERS_H

#include <stddef.h>
#include <stdint.h>

#include "plakar/format/snapshot.h"

/* Ids met so far, ascending. "= {0}" is none. */
struct owner_ids {
	uint32_t *ids;
	size_t count, cap;
	size_t last; /* where the last one was found */
};

void owner_ids_add(struct owner_ids *o, uint32_t id);
void owner_ids_free(struct owner_ids *o);

/* Those of the ids that have a name, with it; the caller owns the names. */
void owner_ids_users(const struct owner_ids *o, struct snapshot_owners *out);
void owner_ids_groups(const struct owner_ids *o, struct snapshot_owners *out);

#endif
