/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as the file of an envelope: what parses is an envelope that the
 * queue takes, and prints to what parses to the same.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/spoolfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf text = { 0 }, one = { 0 }, two = { 0 };
	struct envelope ev, again, decoded;
	struct err e;

	if (spoolfile_parse(data, len, &ev, &e) == -1) {
		assert(e.msg[0] != '\0');
		return 0;
	}
	spoolfile_print(&ev, &text);
	assert(spoolfile_parse(text.data, text.len, &again, &e) == 0);
	envelope_encode(&ev, &one);
	envelope_encode(&again, &two);
	assert(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	assert(envelope_decode(one.data, one.len, &decoded, &e) == 0);
	envelope_clear(&decoded);
	envelope_clear(&again);
	envelope_clear(&ev);
	buf_free(&text);
	buf_free(&one);
	buf_free(&two);
	return 0;
}
