/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/hex.h"

static const char digits[] = "0123456789abcdef";

void
hex_encode(const uint8_t *data, size_t len, char *text)
{
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
	text[2 * len] = '\0';
}

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static uint8_t
value(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

bool
hex_decode(const char *text, size_t text_len, uint8_t *data, size_t len)
{
	if (text_len != 2 * len)
		return false;
	for (size_t i = 0; i < text_len; i++)
		if (!is_digit(text[i]))
			return false;
	for (size_t i = 0; i < len; i++)
		data[i] =
		    (uint8_t)(value(text[2 * i]) << 4 | value(text[2 * i + 1]));
	return true;
}

bool
hex_valid(const char *text)
{
	return text[strspn(text, digits)] == '\0';
}
