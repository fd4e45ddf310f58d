/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a line from smtpd: what is read stays within its bounds.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/filters/libfilter/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xmalloc(len + 1);
	struct filter_line l;
	struct err e;

	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	if (filter_line_parse(text, len, &l, &e) == 0) {
		assert(l.n <= FILTER_LINE_FIELDS);
		assert(strlen(l.token.text) <= FILTER_TOKEN_LEN);
		for (size_t i = 0; i < FILTER_LINE_FIELDS; i++)
			assert(strlen(l.field[i]) <= len);
		if (l.kind == FILTER_LINE_REQUEST)
			assert(l.token.text[0] != '\0');
	}
	free(text);
	return 0;
}
