/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * roots: the paths that a walk was asked for, as one tree of names.
 *
 * The walk goes along this tree from "/" to every root, so that several
 * roots, nested or given twice, are one walk in one order.
 */
#ifndef PLAKAR_WALK_ROOTS_H
#define PLAKAR_WALK_ROOTS_H

#include <stdbool.h>
#include <stddef.h>

struct root {
	char *name;
	bool is_root; /* else it only leads to one */
	struct root **below;
	size_t n; /* sorted by name */
};

/* The node of "/", which is no root yet. */
struct root *root_new(void);

/* NULL is allowed. */
void root_free(struct root *top);

/* Make an absolute, tidy path a root. */
void root_add(struct root *top, const char *path);

/* The node of that name directly below; or NULL.  node may be NULL. */
const struct root *root_find(const struct root *node, const char *name);

/*
 * The path that a person typed as an absolute one, owned by the caller.  What
 * is on the way is resolved, so that no directory above a root is a link;
 * the last component is not, unless a slash follows it: a link given by name
 * stands for itself.  NULL with errno when there is no such thing.
 */
char *root_resolve(const char *path);

#endif
