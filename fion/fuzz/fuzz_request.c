/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A line of the control socket: whatever it says, the answer is one line of
 * JSON that says whether it was understood.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

#include "fion/control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct request r;
	struct err e = { 0 };
	int rc = request_parse(&r, (const char *)data, len, &e);
	char *answer = request_answer(&r, rc == -1 ? &e : NULL, NULL);
	json_t *j;

	if (rc == 0) {
		require(r.n <= REQUEST_WORDS && r.words[r.n] == NULL);
		for (size_t i = 0; i < r.n; i++)
			require(r.words[i] != NULL);
	}
	require(answer != NULL);
	j = json_loads(answer, JSON_DISABLE_EOF_CHECK, NULL);
	require(json_is_boolean(json_object_get(j, "ok")));
	require(json_is_true(json_object_get(j, "ok")) == (rc == 0));
	require(strcspn(answer, "\n") + 1 >= strlen(answer));
	json_decref(j);
	free(answer);
	request_clear(&r);
	return 0;
}
