/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The bytes are keys: whatever is typed, moved, recalled and completed, the
 * line stays UTF-8 and the cursor stays on a character of it.
 */
#include <stdlib.h>
#include <string.h>

#include <xkbcommon/xkbcommon-keysyms.h>

#include "fion/prompt/prompt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static enum prompt_result
press(struct prompt *p, uint8_t byte)
{
	static const uint32_t syms[] = { XKB_KEY_Left, XKB_KEY_Right,
		XKB_KEY_Home, XKB_KEY_End, XKB_KEY_BackSpace, XKB_KEY_Delete,
		XKB_KEY_Tab, XKB_KEY_ISO_Left_Tab, XKB_KEY_Up, XKB_KEY_Down };
	static const char *const texts[] = { "a", "b", " ", "\xc3\xa9",
		"\xf0\x9f\x98\x80", "\xe2\x98\x83" };
	uint32_t letter = 'a' + byte % 26U;

	if (byte < 0x60)
		return prompt_key(p, syms[byte % 10], false, "");
	if (byte < 0x80)
		return prompt_key(p, letter, true, "\x01");
	if (byte == 0xff)
		return prompt_key(p, XKB_KEY_Return, false, "\r");
	return prompt_key(p, letter, false, texts[byte % 6]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct prompt_history h = { .n = 0 };
	struct prompt p;

	history_add(&h, "run", "before \xc3\xa9");
	history_add(&h, "ssh", "elsewhere");
	prompt_init(&p, "run", &h);
	words_add(&p.words, "abba");
	words_add(&p.words,
	    "a\xc3\xa9"
	    "b");
	words_add(&p.words, "xterm");
	words_sort(&p.words);
	for (size_t i = 0; i < len; i++) {
		if (press(&p, data[i]) != PROMPT_GOING)
			break;
		require(p.cursor <= p.text.len && p.text.len < PROMPT_BYTES);
		require(p.cursor == p.text.len ||
		    (p.text.data[p.cursor] & 0xc0) != 0x80);
		require(strlen(prompt_text(&p)) == p.text.len);
	}
	prompt_clear(&p);
	history_clear(&h);
	return 0;
}
