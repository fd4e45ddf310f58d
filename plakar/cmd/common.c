/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * What several commands do to reach a repository.
 */
#include <stdlib.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "plakar/repo/repo.h"
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

int
cmd_open_repo(struct cmd_ctx *ctx, struct repo **out, struct err *e)
{
	const char *location = cmd_location(ctx, e);
	struct err why;

	if (location == NULL)
		return -1;
	if (repo_open(location, &ctx->credential, out, e) == 0)
		return 0;
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
