/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * What several commands do to reach a repository.
 */
#include <stdlib.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/sys/sandbox.h"

#include "plakar/repo/repo.h"
#include "plakar/store/store.h"
#include "plakar/ui/ui.h"

#include "plakar/cmd/cmd.h"

#define DEFAULT_NAME ".plakar" /* in the home directory */

const char *
cmd_location(struct cmd_ctx *ctx, struct err *e)
{
	const char *from = getenv("PLAKAR_REPOSITORY");
	const char *home = getenv("HOME");

	if (ctx->location != NULL)
		return ctx->location;
	if (from != NULL && from[0] != '\0') {
		ctx->location = xstrdup(from);
	} else if (home != NULL && home[0] == '/') {
		ctx->location = fs_join(home, DEFAULT_NAME);
	} else {
		err_set(e, ERR_USAGE,
		    "no repository: HOME is not set; use \"plakar at "
		    "LOCATION\" or PLAKAR_REPOSITORY");
		return NULL;
	}
	return ctx->location;
}

void
cmd_confine(struct cmd_ctx *ctx, const struct repo *repo, const char *target)
{
	/* Names of owners come through modules of the system's choice. */
	const char *read[] = { "/", NULL };
	const char *write[4] = { NULL };
	struct sandbox sb = { .read = read,
		.write = write,
		.threads = true,
		.net = SANDBOX_NET_LOCAL };
	struct err e = { 0 };
	char *cache = repo_cache_folder(repo, &e);
	unsigned layers;
	size_t n = 0;

	/* What can't be made will be complained of by who needs it. */
	if (cache != NULL && fs_mkdir_all(cache, 0700, &e) == 0)
		write[n++] = cache;
	if (ctx->cmd->stores && store_path(repo->store) != NULL)
		write[n++] = store_path(repo->store);
	if (target != NULL)
		write[n++] = target;
	if (sandbox_enter(&sb, &layers, &e) == -1)
		ui_tell(ctx->ui, "warning", NULL, e.msg);
	free(cache);
}

int
cmd_open_repo(struct cmd_ctx *ctx, struct repo **out, struct err *e)
{
	const char *location = cmd_location(ctx, e);
	struct err why;

	if (location == NULL)
		return -1;
	if (repo_open(location, &ctx->credential, out, e) == 0) {
		if (!ctx->cmd->restores)
			cmd_confine(ctx, *out, NULL);
		return 0;
	}
	if (e->kind == ERR_NOT_FOUND) {
		why = *e;
		err_set(e, ERR_NOT_FOUND,
		    "%s (\"plakar at %s init\" makes one)", why.msg, location);
	}
	return -1;
}

static void
warn_of(void *arg, const struct err *problem)
{
	struct cmd_ctx *ctx = arg;

	ui_tell(ctx->ui, "warning", NULL, problem->msg);
}

int
cmd_load_index(struct cmd_ctx *ctx, struct repo *repo, struct err *e)
{
	return repo_load_index(repo, warn_of, ctx, e);
}
