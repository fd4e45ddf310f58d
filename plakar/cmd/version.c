/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <jansson.h>

#include "lib/err.h"

#include "plakar/ui/ui.h"

#include "plakar/cmd/cmd.h"

#define FORMAT_VERSION 1

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	if (cmd_operands(ctx, argc, argv, 0, 0, e) == -1)
		return -1;
	ui_object(ctx->ui, "version",
	    json_pack("{s:s, s:i}", "version", MAISON_VERSION, "format",
		FORMAT_VERSION));
	ui_result(ctx->ui, "plakar %s (repository format %d)", MAISON_VERSION,
	    FORMAT_VERSION);
	return 0;
}

const struct cmd cmd_version = {
	.name = "version",
	.summary = "print the version of plakar and of its format",
	.usage = "",
	.options = cmd_no_options,
	.run = run,
};
