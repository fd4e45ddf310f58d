/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fs.h"
#include "lib/mem.h"

#include "plakar/walk/roots.h"

struct root *
root_new(void)
{
	return xcalloc(1, sizeof(struct root));
}

void
root_free(struct root *top)
{
	if (top == NULL)
		return;
	for (size_t i = 0; i < top->n; i++)
		root_free(top->below[i]);
	free(top->below);
	free(top->name);
	free(top);
}

const struct root *
root_find(const struct root *node, const char *name)
{
	for (size_t i = 0; node != NULL && i < node->n; i++)
		if (strcmp(node->below[i]->name, name) == 0)
			return node->below[i];
	return NULL;
}

static struct root *
find_or_add(struct root *node, const char *name, size_t len)
{
	struct root *one;
	size_t at = 0;

	for (; at < node->n; at++) {
		int order = strncmp(node->below[at]->name, name, len);

		if (order == 0 && node->below[at]->name[len] == '\0')
			return node->below[at];
		if (order >= 0)
			break;
	}
	one = root_new();
	one->name = xstrndup(name, len);
	node->below =
	    xreallocarray(node->below, node->n + 1, sizeof(struct root *));
	memmove(node->below + at + 1, node->below + at,
	    (node->n - at) * sizeof(struct root *));
	node->below[at] = one;
	node->n++;
	return one;
}

void
root_add(struct root *top, const char *path)
{
	while (*path != '\0') {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len > 0)
			top = find_or_add(top, path, len);
		path += len;
	}
	top->is_root = true;
}

char *
root_resolve(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char *dir, *real, *whole;
	struct stat st;

	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return realpath(path, NULL);
	dir = slash == NULL ?
	    xstrdup(".") :
	    xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	real = realpath(dir, NULL);
	free(dir);
	if (real == NULL)
		return NULL;
	whole = fs_join(real, name);
	free(real);
	if (lstat(whole, &st) == -1) {
		int saved = errno;

		free(whole);
		errno = saved;
		return NULL;
	}
	return whole;
}
