/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a line of a filter program: what is read lies within them, and
 * what is passed on makes one line for the next program.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/filter/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_passing_on(const struct filter_said *s)
{
	const struct filter_time at = { 1, 2 };
	struct buf b = { 0 };

	if (filter_put_dataline(
		&b, at, s->session, s->token, s->text, s->len)) {
		assert(b.len <= FILTER_OUT_MAX);
		assert(memchr(b.data, '\n', b.len) == b.data + b.len - 1);
	} else {
		assert(b.len == 0);
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xstrndup((const char *)data, len);
	size_t n = strlen(text);
	struct filter_said s;
	struct err e;

	if (filter_said_parse(text, n, &s, &e) == 0) {
		assert(s.text != NULL);
		assert(s.text[0] == '\0' ||
		    (s.text >= text && s.text + s.len <= text + n));
		if (s.kind == FILTER_SAID_LINE)
			check_passing_on(&s);
	}
	free(text);
	return 0;
}
