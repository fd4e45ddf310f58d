/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * random: bytes that nobody can predict, from the system.
 *
 * Threads: any.
 * Errors:  none: a system that has no random bytes ends the program.
 */
#ifndef PLAKAR_CRYPTO_RANDOM_H
#define PLAKAR_CRYPTO_RANDOM_H

#include <stddef.h>

void random_bytes(void *out, size_t len);

#endif
