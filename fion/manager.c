/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * fion-manager: the window manager, as fion starts it.
 *
 * usage: fion-manager run|check|defaults FILE [replace]
 *
 * FILE is the configuration; empty, it is in its usual place.  Only "run"
 * wants a keeper (spawn/keeper.h).
 */
#include <locale.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib/err.h"
#include "lib/log.h"

#include "fion/config/config.h"
#include "fion/control/paths.h"
#include "fion/session.h"
#include "fion/spawn/keeper.h"

#define PICTURE_BYTES 65536

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
run(const struct session_options *o)
{
	struct keeper k;
	struct err e = { 0 };

	if (keeper_join(&k, &e) == -1) {
		log_error("%s", e.msg);
		return 2;
	}
	return session_run(&k, o);
}

int
main(int argc, char **argv)
{
	struct session_options o = { .config = NULL };

	setlocale(LC_ALL, "");
	log_init("fion", LOG_USER, true);
#ifdef __GLIBC__
	/* What is as large as a picture goes back at once, also later on. */
	mallopt(M_MMAP_THRESHOLD, PICTURE_BYTES);
	mallopt(M_TRIM_THRESHOLD, PICTURE_BYTES);
#endif
	if (argc > 2 && argv[2][0] != '\0')
		o.config = argv[2];
	o.replace = argc > 3 && strcmp(argv[3], "replace") == 0;
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return check(o.config);
	if (argc > 1 && strcmp(argv[1], "defaults") == 0)
		return print_defaults();
	return run(&o);
}
