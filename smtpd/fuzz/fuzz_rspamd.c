/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as rspamd's answer, and then a message to edit by it: what is
 * added is a header and nothing but a header.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/filters/rspamd/edit.h"
#include "smtpd/filters/rspamd/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_headers(struct verdict *v)
{
	const char *at = buf_str(&v->headers);
	bool first = true;

	assert(strlen(at) == v->headers.len);
	while (*at != '\0') {
		size_t len = strcspn(at, "\n");

		assert(len > 0 && at[len] == '\n');
		for (size_t i = 0; i < len; i++)
			assert((unsigned char)at[i] >= ' ' || at[i] == '\t');
		if (first || (*at != ' ' && *at != '\t'))
			assert(memchr(at + 1, ':', len - 1) != NULL);
		first = false;
		at += len + 1;
	}
}

static void
check_edit(const struct verdict *v)
{
	static const char *const lines[] = { "From: a", " b", "Subject: c",
		"X-Drop: 1", "x-drop: 2", "\t3", "", "Subject: body" };
	struct edit *d = edit_new(v);
	size_t n = 0;

	while (edit_count(d, lines[n]))
		n++;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		bool kept = edit_keeps(d, lines[i]);

		/* What follows the header is nobody's to take out. */
		assert(kept || i < n);
	}
	edit_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct verdict v;
	struct err e;

	if (verdict_parse((const char *)data, len, &v, &e) == -1)
		return 0;
	assert(v.headers.len <= VERDICT_HEADERS_MAX);
	if (v.reply != NULL) {
		assert(v.reply[0] == '4' || v.reply[0] == '5');
		assert(strpbrk(v.reply, "\r\n") == NULL);
	}
	check_headers(&v);
	check_edit(&v);
	verdict_clear(&v);
	return 0;
}
