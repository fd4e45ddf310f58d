/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * prompt: a line that is typed, completed and remembered.
 *
 * Pure: keys in, text out; where it is shown is another's business.
 *
 * Limits: PROMPT_* below.
 */
#ifndef FION_PROMPT_PROMPT_H
#define FION_PROMPT_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define PROMPT_BYTES   1024 /* of the line */
#define PROMPT_HISTORY 200  /* lines, of all kinds together */
#define PROMPT_WORDS   20000

enum prompt_result {
	PROMPT_GOING,
	PROMPT_DONE,
	PROMPT_CANCELLED,
};

/* What completes a line: owned texts, sorted, each once. */
struct prompt_words {
	char **words;
	size_t n;
};

/* Lines given before, oldest first, as "KIND TEXT". */
struct prompt_history {
	char *lines[PROMPT_HISTORY];
	size_t n;
};

struct prompt {
	const char *kind; /* borrowed for good */
	struct buf text;
	size_t cursor;    /* bytes before it */
	struct buf typed; /* what completion began with */
	bool completing;
	bool pick;     /* only a word will do: Return takes the first match */
	size_t match;  /* which match is shown while completing */
	size_t recall; /* lines back in history; 0: none */
	struct prompt_words words;
	struct prompt_history *history; /* borrowed */
};

void prompt_init(
    struct prompt *p, const char *kind, struct prompt_history *history);
void prompt_clear(struct prompt *p);

/* sym as in xkbcommon; text is what the key types, or empty. */
enum prompt_result prompt_key(
    struct prompt *p, uint32_t sym, bool ctrl, const char *text);

const char *prompt_text(struct prompt *p);

/* The i-th word that fits what was typed: beginnings first.  NULL: no more. */
const char *prompt_match(const struct prompt *p, size_t i);

void words_add(struct prompt_words *w, const char *word);
void words_sort(struct prompt_words *w);
void words_clear(struct prompt_words *w);

void history_add(struct prompt_history *h, const char *kind, const char *text);
void history_load(struct prompt_history *h, const char *text, size_t len);
void history_dump(const struct prompt_history *h, struct buf *out);
void history_clear(struct prompt_history *h);

#endif
