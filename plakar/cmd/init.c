/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/err.h"

#include "plakar/repo/repo.h"
#include "plakar/ui/text.h"
#include "plakar/ui/ui.h"

#include "plakar/cmd/cmd.h"

enum {
	OPT_STRONG = 256,
};

static const struct opt options[] = {
	{ OPT_STRONG, "strong", NULL,
	    "make the passphrase four times as costly to guess, and to use" },
	{ 0, NULL, NULL, NULL },
};

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	struct repo_options what = { .credential = &ctx->credential };
	const char *location;
	json_t *o;
	int id;

	cmd_opt_begin(ctx, argc, argv);
	while ((id = cmd_opt_next(ctx, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		what.strong = true;
	}
	if (cmd_count_operands(ctx, argc, 0, 0, e) == -1)
		return -1;
	location = cmd_location(ctx, e);
	if (location == NULL || repo_create(location, &what, e) == -1)
		return -1;
	o = json_object();
	text_json(o, "location", location, strlen(location));
	ui_object(ctx->ui, "init", o);
	ui_note(ctx->ui, "created the repository %s", location);
	if (ctx->credential.no_passphrase)
		ui_tell(ctx->ui, "warning", NULL,
		    "without a passphrase, whoever has the repository can "
		    "read it");
	return 0;
}

const struct cmd cmd_init = {
	.name = "init",
	.summary = "make a new repository",
	.usage = "[OPTIONS]",
	.options = options,
	.run = run,
};
