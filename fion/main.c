/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * fion: the window manager.
 */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/opt.h"

#include "fion/config/config.h"
#include "fion/control/paths.h"
#include "fion/session.h"
#include "fion/spawn/keeper.h"

enum {
	OPT_CONFIG = 'c',
	OPT_DISPLAY = 'd',
	OPT_HELP = 'h',
	OPT_CHECK = 'n',
	OPT_REPLACE = 'r',
	OPT_DEFAULTS = 256,
	OPT_VERSION,
};

static const struct opt options[] = {
	{ OPT_CONFIG, "config", "FILE", "read this configuration" },
	{ OPT_DISPLAY, "display", "DISPLAY", "manage this display" },
	{ OPT_CHECK, "check", NULL, "only check the configuration" },
	{ OPT_REPLACE, "replace", NULL, "take over from what runs" },
	{ OPT_DEFAULTS, "defaults", NULL, "print the built-in configuration" },
	{ OPT_HELP, "help", NULL, "this" },
	{ OPT_VERSION, "version", NULL, "print the version" },
	{ 0, NULL, NULL, NULL },
};

static void
usage(FILE *out)
{
	fprintf(out, "usage: fion [-nr] [-c FILE] [-d DISPLAY]\n\n");
	opt_print(options, out);
	fprintf(out,
	    "\nWithout a configuration: Win+Return starts a terminal, Win+d "
	    "a program,\nWin+t shows what can be done with tiles; fion(1) "
	    "says more.\n");
}

static int
check(const char *path)
{
	char *usual = path_config();
	struct err e = { 0 };
	struct config *c =
	    config_load(path != NULL ? path : usual, path != NULL, &e);

	free(usual);
	if (c == NULL)
		fprintf(stderr, "fion: %s\n", e.msg);
	config_free(c);
	return c == NULL ? 1 : 0;
}

static int
print_defaults(void)
{
	for (size_t i = 0; config_default_text[i] != NULL; i++)
		printf("%s%s", i > 0 ? "\n" : "", config_default_text[i]);
	return 0;
}

static int
run(const struct keeper *k, void *arg)
{
	return session_run(k, arg);
}

int
main(int argc, char **argv)
{
	struct session_options o = { .display = NULL };
	struct opt_parser p;
	struct err e = { 0 };
	bool only_check = false;
	int id;

	setlocale(LC_ALL, "");
	log_init("fion", LOG_USER, true);
	if (argc == 3 && strcmp(argv[1], "help") == 0 &&
	    strcmp(argv[2], "--tables") == 0) {
		opt_print_table("", options, stdout); /* tools/tables.py */
		return 0;
	}
	opt_init(&p, options, argc, argv, false);
	while ((id = opt_next(&p, &e)) != OPT_END) {
		switch (id) {
		case OPT_CONFIG:
			o.config = p.value;
			break;
		case OPT_DISPLAY:
			o.display = p.value;
			break;
		case OPT_CHECK:
			only_check = true;
			break;
		case OPT_REPLACE:
			o.replace = true;
			break;
		case OPT_DEFAULTS:
			return print_defaults();
		case OPT_HELP:
			usage(stdout);
			return 0;
		case OPT_VERSION:
			printf("fion %s\n", MAISON_VERSION);
			return 0;
		default:
			fprintf(stderr, "fion: %s\n", e.msg);
			usage(stderr);
			return 2;
		}
	}
	if (p.next < argc) {
		usage(stderr);
		return 2;
	}
	if (only_check)
		return check(o.config);
	if (o.display != NULL)
		setenv("DISPLAY", o.display, 1); /* for programs it starts */
	return keeper_run(run, &o, argv);
}
