/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"

#include "fion/control/paths.h"

static char *
below(const char *variable, const char *otherwise, const char *rest)
{
	const char *base = getenv(variable), *home = getenv("HOME");

	if (base != NULL && base[0] == '/')
		return xasprintf("%s/%s", base, rest);
	return xasprintf("%s/%s/%s", home != NULL ? home : "", otherwise, rest);
}

char *
path_config(void)
{
	return below("XDG_CONFIG_HOME", ".config", "fion/config");
}

char *
path_state(void)
{
	return below("XDG_STATE_HOME", ".local/state", "fion");
}

char *
path_socket(const char *display, bool make)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	const char *screen;
	char *dir, *name, *path;

	if (display == NULL)
		display = getenv("DISPLAY");
	if (display == NULL)
		display = ":0";
	if (run != NULL && run[0] == '/')
		dir = xasprintf("%s/fion", run);
	else
		dir = xasprintf("/tmp/fion-%u", (unsigned)geteuid());
	if (make)
		mkdir(dir, 0700); /* when it can't be, bind() says so */
	name = xstrdup(display);
	screen = strrchr(name, ':') != NULL ? strrchr(name, '.') : NULL;
	if (screen != NULL && screen > strrchr(name, ':'))
		name[screen - name] = '\0';
	for (char *p = name; *p != '\0'; p++)
		if (*p == '/')
			*p = '_';
	path = xasprintf("%s/%s.sock", dir, name);
	free(dir);
	free(name);
	return path;
}

char *
path_layout(const char *name)
{
	char *state, *path;

	if (name[0] == '\0' || name[0] == '.' || strlen(name) > 100)
		return NULL;
	for (const char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_.", *p) == NULL)
			return NULL;
	state = path_state();
	path = xasprintf("%s/%s.json", state, name);
	free(state);
	return path;
}
