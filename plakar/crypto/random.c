/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <sodium.h>

#include "plakar/crypto/random.h"

void
random_bytes(void *out, size_t len)
{
	randombytes_buf(out, len);
}
