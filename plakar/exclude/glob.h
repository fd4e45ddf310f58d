/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * glob: one name against one shell pattern.
 *
 * "*" any bytes, "?" one byte, "[a-z]" one of these ("!" or "^" in front: one
 * of the others; classes such as [:alpha:] inside), "\" takes the next byte as
 * it is.  A pattern that ends in the middle of something matches nothing.
 * Bytes are compared as they are, whatever the locale.
 */
#ifndef PLAKAR_EXCLUDE_GLOB_H
#define PLAKAR_EXCLUDE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Takes at most pattern length times name length steps. */
bool glob_match(
    const char *pattern, size_t pattern_len, const char *name, size_t name_len);

#endif
