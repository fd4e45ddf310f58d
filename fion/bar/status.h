/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * status: what a status command prints, as blocks to show.
 *
 * Two forms: lines of plain text, or i3bar's protocol: a line with a JSON
 * object that has "version", then an endless array whose elements are arrays
 * of blocks.
 *
 * Limits: STATUS_* below; more is cut, or ends the reading.
 */
#ifndef FION_BAR_STATUS_H
#define FION_BAR_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define STATUS_BLOCKS 64
#define STATUS_BYTES  65536 /* of one line of blocks */

struct err;

struct status_block {
	char *text;
	char *brief;           /* where there is no room for text; or NULL */
	char *name, *instance; /* for clicks */
	uint32_t colour;
	bool has_colour;
	bool urgent;
};

struct status {
	struct status_block blocks[STATUS_BLOCKS];
	size_t n;
	bool is_json;
	bool clicks;  /* it wants to hear of them */
	bool clicked; /* it has heard of one */
	bool begun;
	struct buf in;
};

void status_init(struct status *s);
void status_clear(struct status *s);

/* Bytes from the command.  1: new blocks; 0: none; -1: nonsense. */
int status_feed(
    struct status *s, const uint8_t *data, size_t len, struct err *e);

/*
 * What to tell the command of a click on block i: in all, an array without
 * end, an element a line.
 */
void status_click(struct status *s, size_t i, unsigned button, struct buf *out);

#endif
