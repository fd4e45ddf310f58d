/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Any bytes as a key slot, and as the secrets in one: what is accepted is
 * the same when it is written again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_slot(const uint8_t *data, size_t len)
{
	struct buf out = { 0 };
	struct slot slot;
	struct err e;

	if (slot_decode(data, len, &slot, &e) == -1)
		return;
	slot_encode_head(&slot, &out);
	assert(out.len == slot.head_len);
	slot_encode_sealed(&out, slot.sealed, slot.sealed_len);
	assert(out.len == len && memcmp(out.data, data, len) == 0);
	buf_free(&out);
}

static void
check_secrets(const uint8_t *data, size_t len)
{
	uint8_t out[SECRETS_LEN];
	struct secrets s;
	struct err e;

	for (int role = ROLE_FULL; role <= ROLE_PURGE; role++)
		if (secrets_decode(data, len, (enum slot_role)role, &s, &e) ==
		    0) {
			size_t n = secrets_encode(&s, out);

			assert(n == len && memcmp(out, data, len) == 0);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check_slot(data, len);
	check_secrets(data, len);
	return 0;
}
