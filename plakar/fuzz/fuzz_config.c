/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a config: one that is accepted means the same when it is
 * written and read again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config c, back;
	struct buf out = { 0 }, again = { 0 };
	struct err e;
	int rc;

	if (config_decode(data, len, &c, &e) == -1)
		return 0;
	config_encode(&c, &out);
	buf_add_zero(&out, CONFIG_MAC_LEN);
	rc = config_decode(out.data, out.len, &back, &e);
	assert(rc == 0);
	config_encode(&back, &again);
	assert(again.len + CONFIG_MAC_LEN == out.len);
	assert(memcmp(again.data, out.data, again.len) == 0);
	buf_free(&again);
	buf_free(&out);
	return 0;
}
