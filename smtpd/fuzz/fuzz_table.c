/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a table file, looked into by every service.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/lookup/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const keys[] = { "a", "a@b.c", "192.0.2.1", "" };
	struct buf value = { 0 };
	struct err e;
	struct table *t;

	t = table_parse("fuzz", (const char *)data, len, &e);
	if (t == NULL)
		return 0;
	for (unsigned s = TABLE_ALIAS; s < TABLE_REGEX; s++) {
		for (size_t i = 0; i < 4; i++) {
			int rc = table_lookup(t, s, keys[i], &value, &e);

			assert(rc == 0 || rc == 1);
		}
	}
	(void)table_fetch(t, TABLE_SOURCE, &e);
	table_free(t);
	buf_free(&value);
	return 0;
}
