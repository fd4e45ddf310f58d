/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * fion: what a person starts.  It reads the options, and keeps the manager
 * (manager.c), which is a program of its own: this one is small, and stays.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/opt.h"

#include "fion/spawn/keep.h"

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

/*
 * The manager's path: beside this program where it was built, else where it
 * was installed, which is said from this program's folder.
 */
static void
find_manager(char *path, size_t len)
{
	char dir[PATH_MAX - sizeof(FION_LIBEXEC "/fion-manager")];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	char *slash;

	dir[n == -1 ? 0 : n] = '\0';
	slash = strrchr(dir, '/');
	if (slash != NULL)
		slash[1] = '\0';
	snprintf(path, len, "%sfion-manager", dir);
	if (access(path, X_OK) == -1)
		snprintf(path, len, "%s" FION_LIBEXEC "/fion-manager",
		    FION_LIBEXEC[0] == '/' ? "" : dir);
}

/* What the manager says without managing anything. */
static int
ask_manager(const char *const *words)
{
	execv(words[0], (char *const *)(uintptr_t)words);
	log_error("%s: %s", words[0], strerror(errno));
	return 1;
}

int
main(int argc, char **argv)
{
	char manager[PATH_MAX];
	/* The program, what it is to do, with which file, and how. */
	const char *words[] = { manager, "run", "", NULL, NULL };
	struct opt_parser p;
	struct err e = { 0 };
	int id;

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
			words[2] = p.value;
			break;
		case OPT_DISPLAY:
			setenv("DISPLAY", p.value, 1); /* its programs' too */
			break;
		case OPT_CHECK:
			words[1] = "check";
			break;
		case OPT_REPLACE:
			words[3] = "replace";
			break;
		case OPT_DEFAULTS:
			words[1] = "defaults";
			break;
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
	find_manager(manager, sizeof(manager));
	if (strcmp(words[1], "run") != 0)
		return ask_manager(words);
	return keep_run(words, argv);
}
