/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a header: every field lies within them, in order.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/smtp/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct header_facts facts;
	struct header_field f;
	struct buf out = { 0 };
	size_t at = 0, last = 0;
	long n = header_length(text, len, true);

	assert(n >= 0 && (size_t)n <= len);
	header_scan(text, (size_t)n, &facts);
	while (header_next(text, (size_t)n, &at, &f) == HEADER_FIELD) {
		assert(at > last && at <= (size_t)n);
		assert(f.start == text + last && f.len == at - last);
		last = at;
	}
	header_without_bcc(text, (size_t)n, &out);
	assert(out.len <= (size_t)n);
	(void)header_is_spam(text, (size_t)n);
	(void)header_delivered_to(text, (size_t)n, "a@b");
	buf_free(&out);
	return 0;
}
