/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Data on its way out: no message, in whatever parts it comes, has the end of
 * data, a bare CR or LF, a NUL or a line too long within it.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"

#include "smtpd/smtp/dot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const struct buf *b)
{
	size_t column = 0;

	assert(b->len >= 3);
	for (size_t i = 0; i < b->len; i++) {
		uint8_t c = b->data[i];

		assert(c != '\0');
		assert((c == '\n') == (i > 0 && b->data[i - 1] == '\r'));
		assert(c != '\r' || i + 1 < b->len);
		/* A lone dot is a line only at the end. */
		assert(column != 0 || c != '.' || b->data[i + 1] == '.' ||
		    i + 3 == b->len);
		column = c == '\n' ? 0 : column + 1;
		/* A stuffed dot and the CR count as well. */
		assert(column <= SMTP_DOT_LINE + 2);
	}
	assert(memcmp(b->data + b->len - 3, ".\r\n", 3) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct smtp_dot whole = { 0 }, parts = { 0 };
	struct buf a = { 0 }, b = { 0 };
	size_t half = len / 2;

	smtp_dot_add(&whole, data, len, &a);
	smtp_dot_end(&whole, &a);
	smtp_dot_add(&parts, data, half, &b);
	smtp_dot_add(&parts, data + half, len - half, &b);
	smtp_dot_end(&parts, &b);
	check(&a);
	assert(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
	buf_free(&a);
	buf_free(&b);
	return 0;
}
