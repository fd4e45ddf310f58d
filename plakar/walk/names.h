/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * names: what one directory holds, sorted by bytes.
 *
 * Memory: the names and 8 bytes for each, 16 while they are sorted; reused
 *         for the next directory, given back after an uncommonly large one.
 * Limits: names that add up to 4 GiB in one directory.
 */
#ifndef PLAKAR_WALK_NAMES_H
#define PLAKAR_WALK_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"

struct name {
	uint32_t head; /* the first bytes, so that many comparisons end here */
	uint32_t offset;
};

/* "= {0}" is an empty one. */
struct names {
	struct buf text; /* zero-terminated names */
	struct name *at;
	size_t n, cap;
	uint8_t *raw; /* what the system fills in */
};

void names_clear(struct names *names);
void names_reset(struct names *names);

void names_add(struct names *names, const char *name);

/* Sort, and drop names that were added twice. */
void names_sort(struct names *names);

/*
 * Replace the content by the names in the directory open as fd, sorted,
 * without "." and "..".  -1 with errno: those that could be read are there.
 */
int names_read(struct names *names, int fd) ATTR_CHECKED;

/* The i-th name, borrowed. */
const char *names_get(const struct names *names, size_t i);

/* Whether a name is among them. */
bool names_have(const struct names *names, const char *name);

#endif
