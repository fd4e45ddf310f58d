/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as an envelope: what decodes encodes to an envelope that decodes
 * to the same, and no text in it has control bytes.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/queue/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf one = { 0 }, two = { 0 };
	struct envelope ev, again;
	struct err e;
	int rc;

	if (envelope_decode(data, len, &ev, &e) == -1)
		return 0;
	for (unsigned i = 0; i < ENVELOPE_TEXTS; i++) {
		for (const char *p = envelope_text(&ev, i); *p != '\0'; p++)
			assert((unsigned char)*p >= ' ' && *p != 0x7f);
	}
	envelope_encode(&ev, &one);
	rc = envelope_decode(one.data, one.len, &again, &e);
	assert(rc == 0);
	envelope_encode(&again, &two);
	assert(one.len == two.len);
	assert(memcmp(one.data, two.data, one.len) == 0);
	envelope_clear(&ev);
	envelope_clear(&again);
	buf_free(&one);
	buf_free(&two);
	return 0;
}
