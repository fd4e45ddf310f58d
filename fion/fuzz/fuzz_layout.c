/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A saved layout, which may come from anybody: it is refused and the model
 * is as before, or taken and the model holds; what is written of it then is
 * taken again.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

#include "fion/model/layout.h"

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
	static const struct screen_info info = {
		.key = "one",
		.rect = { 0, 0, 1280, 800 },
		.work = { 0, 20, 1280, 780 },
	};
	struct model *m = model_new();
	struct err e = { 0 };
	json_t *j;
	char *text;

	model_set_screens(m, &info, 1);
	win_add(m, 7, model_tile(m), false, NULL);
	if (layout_load(m, (const char *)data, len, &e) == 0) {
		j = layout_tree(m, false);
		text = json_dumps(j, JSON_COMPACT);
		require(layout_load(m, text, strlen(text), &e) == 0);
		free(text);
		json_decref(j);
	}
	model_layout(m);
	require(model_check(m) == NULL);
	model_free(m);
	return 0;
}
