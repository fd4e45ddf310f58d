/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * links: which path was the first of each group of hard links.
 *
 * Memory: one record for a group of which not all names were met yet: 40
 *         bytes and the key of the first.  Groups wholly met are forgotten.
 */
#ifndef PLAKAR_RESTORE_LINKS_H
#define PLAKAR_RESTORE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct entry;

struct link_group {
	struct link_group *next;
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	uint32_t left; /* names not met yet */
	uint32_t key_len;
	bool complete;      /* the first can be linked to */
	struct buf waiting; /* u32 length, key: links wanted before that */
	uint8_t key[];
};

/* "= {0}" is an empty one. */
struct links {
	struct link_group **slots;
	size_t n, cap;
};

void links_clear(struct links *links);

/* The group of ent, or NULL. */
struct link_group *links_find(
    const struct links *links, const struct entry *ent);

/* A new group, whose first name has this key. */
struct link_group *links_add(
    struct links *links, const struct entry *ent, const void *key, size_t len);

void links_forget(struct links *links, struct link_group *group);

#endif
