/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/err.h"
#include "plakar/cmd/cmd.h"
#include "plakar/cmd/open.h"
#include "plakar/content/reader.h"
#include "plakar/ui/ui.h"

#define ZEROS_LEN 65536

struct output {
	struct cmd_ctx *ctx;
	const struct chunk_source *source;
	struct buf chunk;
};

static int
write_zeros(struct ui *ui, uint64_t len, struct err *e)
{
	static const uint8_t zeros[ZEROS_LEN];

	while (len > 0) {
		size_t n = len < ZEROS_LEN ? (size_t)len : ZEROS_LEN;

		if (ui_write(ui, zeros, n, e) == -1)
			return -1;
		len -= n;
	}
	return 0;
}

static int
write_item(
    void *arg, const struct content_item *item, uint64_t offset, struct err *e)
{
	struct output *out = arg;

	if (atomic_load(out->ctx->stop)) {
		err_set(e, ERR_CANCELLED, "interrupted");
		return -1;
	}
	if (item->hole)
		return write_zeros(out->ctx->ui, item->len, e);
	if (out->source->get(out->source->ctx, CHUNK_DATA, &item->id,
		&out->chunk, e) == -1) {
		err_wrap(e, "at byte %llu", (unsigned long long)offset);
		return -1;
	}
	if (out->chunk.len != item->len) {
		err_set(e, ERR_CORRUPT, "at byte %llu: chunk of %zu bytes",
		    (unsigned long long)offset, out->chunk.len);
		return -1;
	}
	return ui_write(out->ctx->ui, out->chunk.data, out->chunk.len, e);
}

static int
write_content(struct cmd_ctx *ctx, const struct cmd_opened *o, struct err *e)
{
	struct output out = { .ctx = ctx, .source = &o->source };
	const struct entry *ent = &o->entry;
	int rc;

	if (ent->type != ENTRY_FILE) {
		err_set(e, ERR_USAGE, "not a file");
		return -1;
	}
	if (ent->error_len > 0 && ent->content_kind == ENTRY_CONTENT_NONE) {
		err_set(e, ERR_NOT_FOUND, "could not be read when saved: %.*s",
		    (int)ent->error_len, ent->error);
		return -1;
	}
	if (ent->content_kind == ENTRY_CONTENT_INLINE)
		return ui_write(ctx->ui, ent->content, ent->content_len, e);
	if (ent->content_kind == ENTRY_CONTENT_NONE)
		return 0;
	rc = content_each(&o->source, ent, write_item, NULL, &out, e);
	buf_free(&out.chunk);
	return rc;
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	int rc = cmd_operands(ctx, argc, argv, 1, -1, e);

	for (int i = ctx->opt.next; rc == 0 && i < argc; i++) {
		struct cmd_opened o;

		rc = cmd_open(ctx, argv[i], &o, e);
		if (rc == 0) {
			rc = write_content(ctx, &o, e);
			if (rc == -1)
				err_wrap(e, "%s", buf_str(&o.path));
		}
		cmd_close(&o);
	}
	return rc;
}

const struct cmd cmd_cat = {
	.name = "cat",
	.summary = "print the content of files in snapshots",
	.usage = "ID:/path ...",
	.options = cmd_no_options,
	.run = run,
};
