/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * mem: allocation for sizes that the program itself chose.
 *
 * Running out of memory here ends the program: there is nothing sensible to
 * do.  A size that came from outside is checked against a limit and then
 * allocated with plain malloc, whose failure is an ordinary error.
 */
#ifndef LIB_MEM_H
#define LIB_MEM_H

#include <stddef.h>

#include "lib/attr.h"

void *xmalloc(size_t len);
void *xcalloc(size_t n, size_t len);
char *xstrdup(const char *s);

/* At most max bytes of s, which needs no NUL when it is that long. */
char *xstrndup(const char *s, size_t max);

/* Resize p to n elements of len bytes; dies on overflow of n * len too. */
void *xreallocarray(void *p, size_t n, size_t len);

/* Like asprintf(3), but never NULL.  Owned by the caller. */
char *xasprintf(const char *fmt, ...) ATTR_PRINTF(1, 2);

#endif
