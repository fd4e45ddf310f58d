/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/cmd/cmd.h"
#include "fion/model/model.h"
#include "fion/prompt/prompt.h"
#include "fion/text/text.h"
#include "fion/words.h"

/* The names in a folder, without what follows the first dot if cut. */
static void
folder(struct prompt_words *w, const char *path, bool cut)
{
	DIR *d = opendir(path);
	const struct dirent *de;

	if (d == NULL)
		return;
	while ((de = readdir(d)) != NULL) {
		char name[256];

		if (de->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s", de->d_name);
		if (cut)
			name[strcspn(name, ".")] = '\0';
		words_add(w, name);
	}
	closedir(d);
}

static void
programs(struct prompt_words *w)
{
	const char *path = getenv("PATH");
	char *copy = xstrdup(path != NULL ? path : "/usr/bin:/bin");
	char *rest = copy, *dir;

	while ((dir = strsep(&rest, ":")) != NULL)
		if (dir[0] == '/')
			folder(w, dir, false);
	free(copy);
}

static void
manuals(struct prompt_words *w)
{
	for (int section = 1; section <= 8; section++) {
		char path[64];

		snprintf(path, sizeof(path), "/usr/share/man/man%d", section);
		folder(w, path, true);
	}
}

/* The hosts that ssh knows by name. */
static void
hosts(struct prompt_words *w)
{
	const char *home = getenv("HOME");
	char *path = xasprintf("%s/.ssh/config", home != NULL ? home : "");
	FILE *f = fopen(path, "re");
	char line[512], host[256];

	free(path);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, " Host %255s", host) == 1 &&
		    strpbrk(host, "*?!") == NULL)
			words_add(w, host);
	if (f != NULL)
		fclose(f);
	path = xasprintf("%s/.ssh/known_hosts", home != NULL ? home : "");
	f = fopen(path, "re");
	free(path);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, " ,\n")] = '\0';
		if (line[0] != '|' && line[0] != '#' && line[0] != '@')
			words_add(w, line);
	}
	if (f != NULL)
		fclose(f);
}

static void
windows(struct model *m, struct prompt_words *out)
{
	for (struct win *w = model_first_win(m); w != NULL;
	     w = model_next_win(m, w)) {
		char *title = text_clean(
		    (const uint8_t *)w->title, strnlen(w->title, 200), false);
		char *class = text_clean(
		    (const uint8_t *)w->class, strnlen(w->class, 60), false);
		char *text = xasprintf("%s  (%s 0x%x)", title, class, w->id);

		words_add(out, text);
		free(text);
		free(class);
		free(title);
	}
}

static void
commands(struct prompt_words *w)
{
	for (const struct cmd *c = cmd_table; c->noun != NULL; c++) {
		char *text = xasprintf("%s%s%s", c->noun,
		    c->verb == NULL ? "" : " ", c->verb == NULL ? "" : c->verb);

		words_add(w, text);
		free(text);
	}
}

bool
words_for(const char *kind, struct model *m, struct prompt_words *out)
{
	*out = (struct prompt_words){ .words = NULL };
	if (strcmp(kind, "run") == 0) {
		programs(out);
	} else if (strcmp(kind, "window") == 0) {
		windows(m, out);
	} else if (strcmp(kind, "workspace") == 0) {
		for (size_t i = 0; i < workspace_count(m); i++)
			words_add(out, workspace_at(m, i)->name);
	} else if (strcmp(kind, "ssh") == 0) {
		hosts(out);
	} else if (strcmp(kind, "man") == 0) {
		manuals(out);
	} else if (strcmp(kind, "command") == 0) {
		commands(out);
	} else if (strcmp(kind, "rename") != 0) {
		return false;
	}
	words_sort(out);
	return true;
}
