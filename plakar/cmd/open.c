/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/err.h"
#include "plakar/cmd/cmd.h"
#include "plakar/format/key.h"
#include "plakar/read/reader.h"
#include "plakar/repo/repo.h"
#include "plakar/tree/cursor.h"

#include "plakar/cmd/open.h"

#define OPEN_BLOCKS 4 /* kept by the reader */

static int
find_part(struct cmd_opened *o, const char *path, struct err *e)
{
	struct node_item item;
	int rc;

	if (key_from_path(path, strlen(path), &o->key, e) == -1)
		return -1;
	key_to_path(o->key.data, o->key.len, &o->path);
	rc = tree_cursor_find(o->cursor, o->key.data, o->key.len, &item, e);
	if (rc == -1)
		return -1;
	if (rc == 0) {
		err_set(e, ERR_NOT_FOUND, "no %s in this snapshot",
		    buf_str(&o->path));
		return -1;
	}
	buf_add(&o->raw, item.entry, item.entry_len);
	return entry_decode(o->raw.data, o->raw.len, &o->entry, e);
}

int
cmd_open(struct cmd_ctx *ctx, char *spec, struct cmd_opened *o, struct err *e)
{
	char id[SNAPSHOT_NAME_HEX + 1];
	const char *path, *name;

	memset(o, 0, sizeof(*o));
	name = snapshot_split(spec, &path);
	if (cmd_open_repo(ctx, &o->repo, e) == -1 ||
	    snapshot_list_load(o->repo, &o->list, e) == -1)
		return -1;
	o->ref = snapshot_find(&o->list, name, false, e);
	if (o->ref == NULL || cmd_load_index(ctx, o->repo, e) == -1)
		return -1;
	o->reader = reader_new(o->repo, OPEN_BLOCKS);
	o->source = reader_source(o->reader);
	o->cursor = tree_cursor_new(
	    &o->source, o->ref->snap.empty ? NULL : &o->ref->snap.tree);
	if (find_part(o, path, e) == -1) {
		snapshot_id_text(&o->ref->name, id);
		err_wrap(e, "%s", id);
		return -1;
	}
	return 0;
}

void
cmd_close(struct cmd_opened *o)
{
	tree_cursor_free(o->cursor);
	reader_free(o->reader);
	snapshot_list_free(&o->list);
	repo_close(o->repo);
	buf_free(&o->key);
	buf_free(&o->path);
	buf_free(&o->raw);
}
