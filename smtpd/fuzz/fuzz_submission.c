/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a message that waited: what decodes encodes to what decodes
 * to the same, and no word of it could end a line of SMTP.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/err.h"

#include "smtpd/submit/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf one = { 0 }, two = { 0 };
	struct submission s, again;
	struct err e;
	int rc;

	if (submission_decode(data, len, &s, &e) == -1)
		return 0;
	assert(s.n_rcpts > 0 && s.n_rcpts <= SUBMISSION_RCPTS);
	for (unsigned i = 0; i < SUBMISSION_WORDS; i++) {
		for (const char *p = s.words[i]; *p != '\0'; p++)
			assert((unsigned char)*p > ' ' && *p != 0x7f);
	}
	submission_encode(&s, &one);
	rc = submission_decode(one.data, one.len, &again, &e);
	assert(rc == 0);
	submission_encode(&again, &two);
	assert(one.len == two.len);
	assert(memcmp(one.data, two.data, one.len) == 0);
	submission_free(&s);
	submission_free(&again);
	buf_free(&one);
	buf_free(&two);
	return 0;
}
