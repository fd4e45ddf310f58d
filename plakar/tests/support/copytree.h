/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * copytree: a directory copied through walk, meta and restore, with no
 * repository in between; and two directories compared in all that an entry
 * holds.  For tests of the three.
 */
#ifndef PLAKAR_TESTS_SUPPORT_COPYTREE_H
#define PLAKAR_TESTS_SUPPORT_COPYTREE_H

struct buf;
struct target;
struct target_options;

/*
 * Copy what is in from to the directory to, and what could not be copied, a
 * line each, to problems.  The caller closes the target.
 */
struct target *copytree(const char *from, const char *to,
    const struct target_options *options, struct buf *problems);

/* Append a line for each difference. */
void copytree_compare(const char *a, const char *b, struct buf *differences);

#endif
