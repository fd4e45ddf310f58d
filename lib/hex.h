/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * hex: bytes as lower-case hexadecimal text and back.
 */
#ifndef LIB_HEX_H
#define LIB_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

/* Write 2 * len digits and a NUL to text. */
void hex_encode(const uint8_t *data, size_t len, char *text);

/*
 * Read exactly 2 * len lower-case digits from the text_len characters at
 * text.  False, and data untouched, when they are anything else.
 */
bool hex_decode(
    const char *text, size_t text_len, uint8_t *data, size_t len) ATTR_CHECKED;

/* Whether all characters of text are lower-case digits. */
bool hex_valid(const char *text);

#endif
