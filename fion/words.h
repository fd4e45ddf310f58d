/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * words: what completes a line in each kind of prompt.
 */
#ifndef FION_WORDS_H
#define FION_WORDS_H

#include <stdbool.h>

struct model;
struct prompt_words;

/* False for a kind that there is not. */
bool words_for(const char *kind, struct model *m, struct prompt_words *out);

#endif
