/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * text: what others wrote, made fit to be shown on a line of ours.
 *
 * Limits: texts are cut at TEXT_BYTES, on a character.
 */
#ifndef FION_TEXT_TEXT_H
#define FION_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_BYTES 4096

/*
 * Valid UTF-8 without control characters and without those that turn the
 * direction of what stands beside it; bytes that are no character become
 * U+FFFD, half a character at the end is left out.  Owned by the caller.
 */
char *text_clean(const uint8_t *data, size_t len, bool latin1);

#endif
