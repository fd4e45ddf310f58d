/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as an SPF record.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "smtpd/ctl/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xmalloc(len + 1);
	const char *p;
	struct spf_term t;

	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	if (spf_is_record(text, &p)) {
		while (spf_next(&p, &t) == 1) {
			assert(t.bits4 <= 32 && t.bits6 <= 128);
			assert(strlen(t.name) <= SPF_NAME_MAX);
		}
	}
	free(text);
	return 0;
}
