/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * text: names and messages that came from a file system or a repository, made
 * fit to be shown.
 */
#ifndef PLAKAR_UI_TEXT_H
#define PLAKAR_UI_TEXT_H

#include <jansson.h>
#include <stddef.h>

struct buf;

/*
 * Append len bytes to out, control characters (C0, DEL, C1 in UTF-8) and the
 * backslash as \xNN: a name can't play tricks on a terminal, nor look like
 * two lines.  Other bytes stay, whatever their encoding.
 */
void text_escape(struct buf *out, const char *text, size_t len);

/*
 * Set a member of o to these bytes: as name when they are UTF-8, else as
 * name_hex, in hexadecimal.
 */
void text_json(json_t *o, const char *name, const char *text, size_t len);

#endif
