/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include "lib/buf.h"
#include "lib/mem.h"

#include "fion/text/text.h"

/* The length of the character at s and its value; 0 for a bad one. */
static size_t
utf8_next(const uint8_t *s, size_t len, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80          ? 1 :
	    s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
	    s[0] >= 0xe0 && s[0] < 0xf0 ? 3 :
	    s[0] >= 0xf0 && s[0] < 0xf5 ? 4 :
					  0;
	uint32_t v;

	if (n == 0 || n > len)
		return 0;
	v = n == 1 ? s[0] : s[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	*out = v;
	return n;
}

/* The end of a text that was cut within a character. */
static bool
cut(const uint8_t *s, size_t len)
{
	size_t n = s[0] < 0xc2 || s[0] > 0xf4 ? 1 :
	    s[0] < 0xe0                       ? 2 :
	    s[0] < 0xf0                       ? 3 :
						4;

	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return false;
	return n > len;
}

/* Control characters, and those that turn the text's direction. */
static bool
unfit(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e ||
	    c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

char *
text_clean(const uint8_t *data, size_t len, bool latin1)
{
	struct buf b = { 0 };
	char *text;

	while (len > 0) {
		uint32_t c = data[0];
		size_t n = latin1 ? 1 : utf8_next(data, len, &c);
		size_t was = b.len;

		if (n == 0 && cut(data, len))
			break;
		if (n == 0)
			buf_add_str(&b, "\xef\xbf\xbd");
		else if (latin1 && c >= 0xa0)
			buf_printf(
			    &b, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
		else if (!unfit(c))
			buf_add(&b, data, n);
		if (b.len > TEXT_BYTES) {
			b.len = was;
			break;
		}
		data += n == 0 ? 1 : n;
		len -= n == 0 ? 1 : n;
	}
	text = xstrdup(buf_str(&b));
	buf_free(&b);
	return text;
}
