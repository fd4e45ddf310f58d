/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The data of a message: split anywhere, it reads the same; no CR and no NUL
 * come through unnoticed.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/smtp/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf one = { 0 }, two = { 0 };
	struct smtp_data a, b;
	size_t n = 0, k;

	smtp_data_init(&a, true);
	smtp_data_init(&b, true);
	k = smtp_data_read(&a, data, len, &one);
	while (n < len && !b.done)
		n += smtp_data_read(&b, data + n, 1, &two);
	assert(a.done == b.done && a.total == b.total && k == n);
	assert(
	    (smtp_data_problem(&a) == NULL) == (smtp_data_problem(&b) == NULL));
	assert(one.len == two.len);
	assert(one.len == 0 || memcmp(one.data, two.data, one.len) == 0);
	if (one.len > 0 && smtp_data_problem(&a) == NULL) {
		assert(memchr(one.data, '\r', one.len) == NULL);
		assert(memchr(one.data, '\0', one.len) == NULL);
	}
	buf_free(&one);
	buf_free(&two);
	return 0;
}
