/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any address as a recipient that may have been rewritten, and as a sender to
 * be rewritten, which must come back as it was.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "smtpd/smtp/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct srs_key key = { "secret", "older", 4 * 86400 };
	const uint64_t now = 1700000000;
	struct address a, there, back;

	if (!address_parse((const char *)data, len, true, &a))
		return 0;
	/* Nobody can make one without the key. */
	assert(!srs_reverse(&key, &a, now, &back));
	if (a.domain[0] == '\0' ||
	    !srs_forward(&key, &a, "here.example", now, &there) || srs_is(&a))
		return 0;
	if (address_equal(&a, &there))
		return 0;
	assert(srs_reverse(&key, &there, now + 86400, &back));
	assert(address_equal(&a, &back));
	assert(!srs_reverse(&key, &there, now + 6 * 86400, &back));
	return 0;
}
