/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * exclude: which paths a list of patterns leaves out, in gitignore syntax.
 *
 * The last pattern of a list that matches a path decides; "!" in front makes
 * it one that keeps.  A pattern with a slash before its end is anchored, one
 * without matches a name at any depth; "*" and "?" stop at slashes, "**"
 * between slashes is any number of directories; a slash at the end asks for
 * a directory.  What is below an excluded directory is never asked about, so
 * nothing there can be kept.
 *
 * Anchors: patterns are relative to a directory, the subject's rel.  In a
 *          list made for the command line a leading slash means the root of
 *          the file system instead, as people write paths there.
 * Cost:    each pattern takes at most its length times the path's; no input
 *          makes it recurse.
 * Pure:    no I/O.
 * Source:  gitignore(5).
 */
#ifndef PLAKAR_EXCLUDE_EXCLUDE_H
#define PLAKAR_EXCLUDE_EXCLUDE_H

#include <stdbool.h>
#include <stddef.h>

struct exclude;

enum exclude_verdict {
	EXCLUDE_SILENT, /* no pattern matches */
	EXCLUDE_OUT,
	EXCLUDE_KEEP, /* matched by a "!" pattern */
};

struct exclude *exclude_new(bool from_command_line);

/* NULL is allowed. */
void exclude_free(struct exclude *ex);

/* Add one pattern of len bytes.  A blank one adds nothing. */
void exclude_add(struct exclude *ex, const char *pattern, size_t len);

/* Add a file's lines; those that start with "#" are comments. */
void exclude_add_text(struct exclude *ex, const char *text, size_t len);

/*
 * Whether the list decides about a path: absolute, tidy, and zero-terminated.
 * rel points into it, past the slash after the directory that patterns are
 * relative to.  ex may be NULL: silent.
 */
enum exclude_verdict exclude_match(
    const struct exclude *ex, const char *path, const char *rel, bool is_dir);

#endif
