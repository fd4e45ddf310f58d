/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/stdlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static void ATTR_NORETURN
die(void)
{
	fputs("out of memory\n", stderr);
	abort();
}

void *
xmalloc(size_t len)
{
	void *p = malloc(len != 0 ? len : 1);

	if (p == NULL)
		die();
	return p;
}

void *
xcalloc(size_t n, size_t len)
{
	void *p = calloc(n != 0 ? n : 1, len != 0 ? len : 1);

	if (p == NULL)
		die();
	return p;
}

void *
xreallocarray(void *p, size_t n, size_t len)
{
	p = reallocarray(p, n != 0 ? n : 1, len != 0 ? len : 1);
	if (p == NULL)
		die();
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *p = xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	char *s;
	int n;
	va_list ap;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n == -1)
		die();
	return s;
}
