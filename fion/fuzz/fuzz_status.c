/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * What a status command prints: the same blocks whether it comes at once or
 * byte by byte, and clicks on them that are JSON.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/err.h"

#include "fion/bar/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* A click on each block: an array of so many. */
static void
check_clicks(struct status *s)
{
	struct buf b = { 0 };
	json_t *j;

	for (size_t i = 0; i < s->n; i++)
		status_click(s, i, 1, &b);
	buf_add_str(&b, s->n == 0 ? "[]" : "]");
	j = json_loads(buf_str(&b), 0, NULL);
	require(json_is_array(j) && json_array_size(j) == s->n);
	json_decref(j);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct status whole, parts;
	struct err e = { 0 };
	int a, b = 0;

	if (len > STATUS_BYTES)
		return 0;
	status_init(&whole);
	status_init(&parts);
	a = status_feed(&whole, data, len, &e);
	for (size_t i = 0; i < len && b != -1; i++)
		b = status_feed(&parts, data + i, 1, &e);
	require((a == -1) == (b == -1));
	if (a != -1) {
		require(whole.n == parts.n && whole.n <= STATUS_BLOCKS);
		for (size_t i = 0; i < whole.n; i++)
			require(strcmp(whole.blocks[i].text,
				    parts.blocks[i].text) == 0);
		check_clicks(&whole);
	}
	status_clear(&whole);
	status_clear(&parts);
	return 0;
}
