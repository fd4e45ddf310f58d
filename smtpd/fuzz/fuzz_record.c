/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as records of a segment: what is taken lies within them.  The
 * bytes are tried as the payload of a good record, too.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/queue/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct record_message m;
	struct buf b = { 0 };
	struct record r;
	size_t at = 0, start;

	while (record_parse(data + at, len - at, NULL, &r) == RECORD_OK) {
		assert(r.total <= len - at);
		at += r.total;
	}
	start = record_begin(&b, RECORD_MESSAGE);
	buf_add(&b, data, len);
	record_end(&b, start);
	record_stamp(b.data, b.len, 7);
	if (record_parse(b.data, b.len, NULL, &r) == RECORD_OK &&
	    record_message_parse(&r, &m)) {
		for (size_t i = 0; i < m.n_envelopes; i++)
			assert(m.envelopes[i].offset + m.envelopes[i].len <=
			    r.len);
		assert(m.body_offset + m.stored_len <= r.len);
		assert(m.about_offset + m.n_about * 8 <= r.len);
		record_message_clear(&m);
	}
	buf_free(&b);
	return 0;
}
