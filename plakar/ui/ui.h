/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ui: what a person, or a program that runs us, sees.
 *
 * Results go to standard output: text for people, or one JSON object a line.
 * Warnings, errors and the progress line go to standard error; the progress
 * line is there only when that is a terminal.  With UI_JSON all but errors
 * are objects on standard output, each with a member "type".  With UI_QUIET
 * there are results that were asked for, and errors, and nothing else.
 *
 * Threads: all functions may be called by any thread.
 */
#ifndef PLAKAR_UI_UI_H
#define PLAKAR_UI_UI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

struct err;
struct ui;

enum ui_mode {
	UI_TEXT,
	UI_JSON,
	UI_QUIET,
};

struct ui *ui_new(void);
void ui_free(struct ui *ui);

void ui_set_mode(struct ui *ui, enum ui_mode mode);
bool ui_is_json(const struct ui *ui);

/* One line of what the command was asked for.  Not with UI_JSON. */
void ui_result(struct ui *ui, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* The same, as an object, with UI_JSON only.  Takes o. */
void ui_object(struct ui *ui, const char *type, json_t *o);

/* One line that is good to know.  With UI_TEXT only. */
void ui_note(struct ui *ui, const char *fmt, ...) ATTR_PRINTF(2, 3);

/*
 * Something went wrong, or may surprise, that does not end the command; path
 * may be NULL.  type is "warning", "error" or "why".
 */
void ui_tell(
    struct ui *ui, const char *type, const char *path, const char *text);

/* Why the command failed: the last thing that is said. */
void ui_error(struct ui *ui, const struct err *e);

/* Bytes as they are to standard output: what a file holds. */
int ui_write(
    struct ui *ui, const void *data, size_t len, struct err *e) ATTR_CHECKED;

/* Whether all that was printed has arrived. */
int ui_flush(struct ui *ui, struct err *e) ATTR_CHECKED;

/* How far the work is. */
struct ui_sample {
	const char *verb;   /* "pushing" */
	uint64_t files;     /* done */
	uint64_t files_all; /* 0: not known yet */
	uint64_t bytes;     /* done */
	uint64_t bytes_all; /* 0: not known yet */
	uint64_t new_bytes; /* of bytes, not seen before */
	bool has_new_bytes; /* then the ratio of both is shown */
	bool all_known;     /* files_all and bytes_all won't grow any more */
};
typedef void (*ui_sample_cb)(void *ctx, struct ui_sample *s);

/*
 * Show a progress line, a few times a second, until ui_progress_end(): the
 * callback is called by another thread.
 */
void ui_progress_begin(struct ui *ui, ui_sample_cb cb, void *ctx);
void ui_progress_end(struct ui *ui);

#endif
