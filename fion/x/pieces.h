/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * pieces: what a bar says, as texts in order, before they have a place.
 *
 * Limits: BAR_PIECES at either end of a bar; the last one gives way.
 */
#ifndef FION_X_PIECES_H
#define FION_X_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fion/x/x_internal.h"

struct piece {
	char *text;
	char *brief; /* instead, where there is no room; or NULL */
	uint32_t ground, ink;
	bool mark;  /* this one is shown */
	bool leads; /* a line may begin here, and the next one follows */
	uint32_t workspace; /* or 0 */
	int block;          /* or -1 */
};

struct pieces {
	struct piece p[BAR_PIECES];
	size_t n;
};

/* Of a screen; more are added to those that are there. */
void pieces_left(struct x *x, const struct screen *s, struct pieces *ps);
void pieces_right(struct x *x, const struct screen *s, struct pieces *ps);
void pieces_clear(struct pieces *ps);

/* What is brief instead of what is not. */
void pieces_shorten(struct pieces *ps);

/* Go on with a sum of what is shown. */
uint64_t piece_sum(uint64_t sum, const struct piece *p);
uint64_t pieces_sum(uint64_t sum, const struct pieces *ps);

#endif
