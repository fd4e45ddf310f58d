/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * SMTP replies: fed whole or byte by byte they are the same, and what they
 * become holds no byte that could forge a field.
 */
#include <assert.h>
#include <string.h>

#include "smtpd/smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const struct smtp_reply *r)
{
	struct smtp_features f;
	char text[SMTP_REPLY_TEXT];

	assert(r->code >= 200 && r->code <= 599);
	smtp_reply_text(r, text);
	assert(strlen(text) < sizeof(text));
	for (const char *p = text; *p != '\0'; p++)
		assert(*p >= ' ' && *p <= '~');
	smtp_features_read(r, &f);
	assert(f.size || f.size_max == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct smtp_reply whole = { 0 }, slow = { 0 };
	enum smtp_reply_status a, b = SMTP_REPLY_MORE;
	size_t used, n = 0, one;

	a = smtp_reply_read(&whole, data, len, &used);
	assert(used <= len);
	while (b == SMTP_REPLY_MORE && n < len) {
		b = smtp_reply_read(&slow, data + n, 1, &one);
		n += one;
	}
	assert(a == b && used == n && whole.code == slow.code);
	assert(whole.text.len == slow.text.len);
	if (a == SMTP_REPLY_DONE)
		check(&whole);
	smtp_reply_clear(&whole);
	smtp_reply_clear(&slow);
	return 0;
}
