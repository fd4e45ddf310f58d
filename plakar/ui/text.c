/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/hex.h"
#include "lib/mem.h"

#include "plakar/ui/text.h"

#define C1_LEAD 0xc2 /* of U+0080 to U+00bf; up to U+009f they control */

static bool
is_c1(const unsigned char *p, size_t left)
{
	return left >= 2 && p[0] == C1_LEAD && p[1] >= 0x80 && p[1] < 0xa0;
}

void
text_escape(struct buf *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i < len; i++) {
		if (is_c1(p + i, len - i)) {
			buf_printf(out, "\\x%02x\\x%02x", p[i], p[i + 1]);
			i++;
		} else if (p[i] < ' ' || p[i] == 0x7f || p[i] == '\\') {
			buf_printf(out, "\\x%02x", p[i]);
		} else {
			buf_add_u8(out, p[i]);
		}
	}
}

void
text_json(json_t *o, const char *name, const char *text, size_t len)
{
	json_t *value = json_stringn(text, len);
	char *hex, *hex_name;

	if (value != NULL) {
		json_object_set_new(o, name, value);
		return;
	}
	hex = xmalloc(2 * len + 1);
	hex_encode((const uint8_t *)text, len, hex);
	hex_name = xasprintf("%s_hex", name);
	json_object_set_new(o, hex_name, json_string(hex));
	free(hex_name);
	free(hex);
}
