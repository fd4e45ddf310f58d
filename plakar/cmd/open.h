/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * open: a snapshot opened for reading, and the part of it that was named.
 */
#ifndef PLAKAR_CMD_OPEN_H
#define PLAKAR_CMD_OPEN_H

#include "lib/attr.h"
#include "lib/buf.h"
#include "plakar/format/chunkio.h"
#include "plakar/format/entry.h"
#include "plakar/format/node.h"
#include "plakar/snapshot/snapshots.h"

struct cmd_ctx;
struct err;
struct reader;
struct repo;
struct tree_cursor;

struct cmd_opened {
	struct repo *repo;
	struct snapshot_list list;
	const struct snapshot_ref *ref;
	struct reader *reader;
	struct chunk_source source;
	struct tree_cursor *cursor;
	struct buf key;     /* of the part */
	struct buf path;    /* of the part: absolute, tidy */
	struct buf raw;     /* the part's entry, encoded */
	struct entry entry; /* borrows from raw */
};

/*
 * Open what spec, "ID[:/path]", names.  ERR_NOT_FOUND: no such snapshot, or
 * no such path in it.  To be closed whatever is returned.
 */
int cmd_open(struct cmd_ctx *ctx, char *spec, struct cmd_opened *o,
    struct err *e) ATTR_CHECKED;
void cmd_close(struct cmd_opened *o);

#endif
