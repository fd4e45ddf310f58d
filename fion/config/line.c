/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * line: a line of configuration into words, with their columns.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#include "fion/config/config_internal.h"

int
config_complain(
    const struct config_line *l, size_t i, struct err *e, const char *fmt, ...)
{
	char what[ERR_MSG_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(e, ERR_USAGE, "%s:%u:%u: %s", l->file, l->line,
	    i < l->n ? l->columns[i] : l->columns[l->n], what);
	return -1;
}

void
config_line_clear(struct config_line *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->words[i]);
	l->n = 0;
}

/* The characters of a quoted part; returns where it ends, or len. */
static size_t
quoted(struct buf *word, const char *text, size_t len, size_t i)
{
	char quote = text[i++];

	for (; i < len && text[i] != quote; i++) {
		if (text[i] == '\\' && quote == '"' && i + 1 < len)
			i++;
		buf_add_u8(word, (uint8_t)text[i]);
	}
	return i;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

int
config_line_split(
    struct config_line *l, const char *text, size_t len, struct err *e)
{
	struct buf word = { 0 };
	size_t i = 0;
	int rc = 0;

	l->n = 0;
	while (rc == 0) {
		while (i < len && blank(text[i]))
			i++;
		l->columns[l->n] = (unsigned)i + 1;
		/* A colour begins with # too: no blank follows there. */
		if (i == len ||
		    (text[i] == '#' &&
			(l->n == 0 || i + 1 == len || blank(text[i + 1]))))
			break;
		if (l->n == CONFIG_WORDS) {
			rc = config_complain(l, l->n, e, "too many words");
			break;
		}
		buf_reset(&word);
		for (; i < len && !blank(text[i]); i++) {
			if (text[i] == '\0') {
				rc = config_complain(l, l->n, e, "a NUL byte");
				break;
			}
			if (text[i] == '"' || text[i] == '\'') {
				i = quoted(&word, text, len, i);
				if (i < len)
					continue;
				rc = config_complain(
				    l, l->n, e, "a quote without end");
				break;
			}
			if (text[i] == '\\' && i + 1 < len)
				i++;
			buf_add_u8(&word, (uint8_t)text[i]);
		}
		if (rc == 0)
			l->words[l->n++] = xstrndup(buf_str(&word), word.len);
	}
	l->words[l->n] = NULL;
	buf_free(&word);
	return rc;
}
