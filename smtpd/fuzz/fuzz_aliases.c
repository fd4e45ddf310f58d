/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a .forward and as an aliases file.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/lookup/aliases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct alias_list l = { 0 };
	struct err e;

	if (aliases_parse_file((const char *)data, len, &l, &e) == 0) {
		assert(l.n <= ALIASES_MAX);
		for (size_t i = 0; i < l.n; i++)
			assert(l.targets[i].text[0] != '\0');
	}
	alias_list_free(&l);
	return 0;
}
