/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * config_internal: lines to words, words to settings.
 */
#ifndef FION_CONFIG_CONFIG_INTERNAL_H
#define FION_CONFIG_CONFIG_INTERNAL_H

#include <stddef.h>

#include "fion/config/config.h"

/* The words of one line, and where each begins (columns from 1). */
struct config_line {
	const char *file;
	unsigned line;
	size_t n;
	char *words[CONFIG_WORDS + 1];
	unsigned columns[CONFIG_WORDS + 1];
};

/*
 * Cut len bytes into words: blanks part them, "..." and '...' and \ keep
 * them together; # at the line's begin, or before a blank, begins a comment.  Always leaves *l to be cleared.
 */
int config_line_split(
    struct config_line *l, const char *text, size_t len, struct err *e);
void config_line_clear(struct config_line *l);

/* "FILE:LINE:COLUMN: " before what, the column of word i.  Returns -1. */
int config_complain(const struct config_line *l, size_t i, struct err *e,
    const char *fmt, ...) ATTR_PRINTF(4, 5);

/* "set NAME VALUE". */
int config_set(struct config *c, const struct config_line *l, struct err *e);
void config_settings_clear(struct config_settings *s);

#endif
