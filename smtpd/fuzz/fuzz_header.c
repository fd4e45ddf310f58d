/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a header: every field lies within them, in order, and domains
 * are added where addresses lack one, and nowhere else.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/smtp/header.h"
#include "smtpd/smtp/qualify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One From field at most is left, and it ends with the address. */
static void
check_masquerade(const char *text, size_t len)
{
	static const char end[] = "<a@b.org>\n";
	struct buf out = { 0 };
	struct header_field f;
	size_t at = 0, n = 0;

	header_masquerade(text, len, "a@b.org", &out);
	while (header_next((const char *)out.data, out.len, &at, &f) ==
	    HEADER_FIELD) {
		if (!header_is(&f, "From"))
			continue;
		n++;
		assert(f.len >= sizeof(end) - 1 &&
		    memcmp(f.start + f.len - (sizeof(end) - 1), end,
			sizeof(end) - 1) == 0);
	}
	assert(n <= 1);
	buf_free(&out);
}

/*
 * What was there is still there, in order; what isn't a list of addresses
 * stays as it is; and once is enough.
 */
static void
check_qualified(const char *text, size_t len)
{
	struct buf out = { 0 }, again = { 0 };
	struct header_field f, g;
	size_t i = 0, at = 0, to = 0;

	qualify_header(text, len, "d.org", &out);
	for (size_t j = 0; j < out.len && i < len; j++)
		i += out.data[j] == (uint8_t)text[i];
	assert(i == len);
	while (header_next(text, len, &at, &f) == HEADER_FIELD) {
		enum header_result rc =
		    header_next((const char *)out.data, out.len, &to, &g);

		assert(rc == HEADER_FIELD);
		assert(g.name_len == f.name_len);
		assert(g.len >= f.len);
		if (!header_is(&f, "From") && !header_is(&f, "Sender") &&
		    !header_is(&f, "Reply-To") && !header_is(&f, "To") &&
		    !header_is(&f, "Cc") && !header_is(&f, "Bcc") &&
		    strncasecmp(f.name, "Resent-", 7) != 0)
			assert(g.len == f.len &&
			    memcmp(f.start, g.start, f.len) == 0);
	}
	qualify_header((const char *)out.data, out.len, "d.org", &again);
	assert(again.len == out.len);
	assert(out.len == 0 || memcmp(again.data, out.data, out.len) == 0);
	buf_free(&out);
	buf_free(&again);
}

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
	if (!facts.bad)
		check_masquerade(text, (size_t)n);
	check_qualified(text, (size_t)n);
	header_without_bcc(text, (size_t)n, &out);
	assert(out.len <= (size_t)n);
	(void)header_is_spam(text, (size_t)n);
	(void)header_delivered_to(text, (size_t)n, "a@b");
	buf_free(&out);
	return 0;
}
