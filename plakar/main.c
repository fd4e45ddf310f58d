/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * plakar: keeps directories for years, deduplicated, compressed, encrypted.
 *
 * This file reads the command line up to the command's name, runs the
 * command, and is the one place that reports why it failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/secret.h"

#include "plakar/cmd/cmd.h"
#include "plakar/ui/ui.h"

#define EXIT_FAILED  1
#define EXIT_MISUSED 2

static atomic_bool stop;

static void
on_signal(int signal_number)
{
	(void)signal_number;
	atomic_store(&stop, true);
}

/*
 * The first SIGINT or SIGTERM asks the command to end in order; the second
 * one ends it at once, which loses nothing that was saved.
 */
static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

static int
exit_status(const struct err *e)
{
	return e->kind == ERR_USAGE ? EXIT_MISUSED : EXIT_FAILED;
}

/* Global options up to the first operand; its place, or -1. */
static int
read_globals(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	struct opt_parser opt;
	int id;

	opt_init(&opt, cmd_global_options, argc, argv, true);
	while ((id = opt_next(&opt, e)) != OPT_END) {
		if (id == OPT_FAIL)
			return -1;
		if (!cmd_take_global(ctx, id, opt.value))
			break;
	}
	return opt.next;
}

/* [OPTIONS] [at LOCATION [OPTIONS]]; the place of the command, or -1. */
static int
read_start(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	int at = read_globals(ctx, argc, argv, e), more;

	if (at == -1 || at >= argc || strcmp(argv[at], "at") != 0)
		return at;
	if (at + 1 >= argc) {
		err_set(e, ERR_USAGE, "\"at\" needs a location");
		return -1;
	}
	ctx->location = xstrdup(argv[at + 1]);
	more = read_globals(ctx, argc - at - 1, argv + at + 1, e);
	return more == -1 ? -1 : at + 1 + more;
}

static bool
asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return true;
	return false;
}

static int
run(struct cmd_ctx *ctx, int argc, char **argv, struct err *e)
{
	int at = read_start(ctx, argc, argv, e);

	if (at == -1)
		return -1;
	if (ctx->help) {
		cmd_print_usage(stdout);
		return 0;
	}
	if (at >= argc) {
		cmd_print_usage(stderr);
		return EXIT_MISUSED;
	}
	ctx->cmd = cmd_find(argv[at], e);
	if (ctx->cmd == NULL)
		return -1;
	if (asks_for_help(argc - at, argv + at)) {
		cmd_print_help(ctx->cmd, stdout);
		return 0;
	}
	return ctx->cmd->run(ctx, argc - at, argv + at, e);
}

int
main(int argc, char **argv)
{
	struct cmd_ctx ctx = { .ui = ui_new(), .stop = &stop };
	struct err e;
	int rc;

	err_clear(&e);
	ctx.credential.typed = &ctx.typed;
	catch_signals();
	rc = secret_init(&e);
	if (rc == 0)
		rc = run(&ctx, argc, argv, &e);
	ui_progress_end(ctx.ui);
	if (rc != -1 && ui_flush(ctx.ui, &e) == -1)
		rc = -1;
	if (rc == -1) {
		ui_error(ctx.ui, &e);
		rc = exit_status(&e);
	}
	credential_clear(&ctx.typed);
	ui_free(ctx.ui);
	free(ctx.location);
	free(ctx.opt_table);
	return rc;
}
