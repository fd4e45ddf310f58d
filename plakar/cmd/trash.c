/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <jansson.h>
#include <stdlib.h>

#include "lib/err.h"
#include "lib/human.h"
#include "lib/mem.h"

#include "plakar/repo/repo.h"
#include "plakar/snapshot/snapshots.h"
#include "plakar/ui/ui.h"

#include "plakar/cmd/cmd.h"

enum {
	OPT_UNDO = 256,
};

static const struct opt options[] = {
	{ OPT_UNDO, "undo", NULL, "take them out of the trash again" },
	{ 0, NULL, NULL, NULL },
};

/*
 * All of the snapshots that are named, before anything is done to one of
 * them: a slip in the last must not have trashed the first.
 */
static int
find_all(const struct snapshot_list *list, char **names, size_t n, bool undo,
    const struct snapshot_ref **refs, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		refs[i] = snapshot_find(list, names[i], undo, e);
		if (refs[i] == NULL)
			return -1;
		if (undo && !refs[i]->trashed) {
			err_set(
			    e, ERR_USAGE, "%s is not in the trash", names[i]);
			return -1;
		}
	}
	return 0;
}

static int
trash_one(struct cmd_ctx *ctx, struct repo *repo,
    const struct snapshot_ref *ref, bool undo, struct err *e)
{
	char id[SNAPSHOT_NAME_HEX + 1];
	int rc = undo ? snapshot_untrash(repo, ref, e) :
			snapshot_trash(repo, ref, e);

	snapshot_id_text(&ref->name, id);
	if (rc == -1) {
		err_wrap(e, "%s", id);
		return -1;
	}
	ui_object(ctx->ui, undo ? "untrashed" : "trashed",
	    json_pack("{s:s}", "id", id));
	ui_note(
	    ctx->ui, "%s: %s", id, undo ? "back from the trash" : "trashed");
	return 0;
}

static int
trash(struct cmd_ctx *ctx, char **names, size_t n, bool undo, struct err *e)
{
	const struct snapshot_ref **refs =
	    xcalloc(n, sizeof(struct snapshot_ref *));
	struct snapshot_list list = { 0 };
	struct repo *repo = NULL;
	int rc = -1;

	if (cmd_open_repo(ctx, &repo, e) == -1 ||
	    snapshot_list_load(repo, &list, e) == -1 ||
	    find_all(&list, names, n, undo, refs, e) == -1)
		goto out;
	for (size_t i = 0; i < n; i++)
		if (trash_one(ctx, repo, refs[i], undo, e) == -1)
			goto out;
	rc = 0;
out:
	snapshot_list_free(&list);
	repo_close(repo);
	free(refs);
	return rc;
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	bool undo = false;
	int id;

	cmd_opt_begin(ctx, argc, argv);
	while ((id = cmd_opt_next(ctx, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		undo = true;
	}
	if (cmd_count_operands(ctx, argc, 1, -1, e) == -1)
		return -1;
	return trash(
	    ctx, argv + ctx->opt.next, (size_t)(argc - ctx->opt.next), undo, e);
}

const struct cmd cmd_trash = {
	.name = "trash",
	.alias = "remove",
	.summary = "hide snapshots, until a purge removes them for good",
	.usage = "[OPTIONS] ID...",
	.options = options,
	.stores = true,
	.run = run,
};
