/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conv: text that a person typed into numbers, strictly.
 *
 * The whole string must be the number: no blanks, no sign where none makes
 * sense, no trailing garbage, nothing out of range.
 */
#ifndef LIB_CONV_H
#define LIB_CONV_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/attr.h"

/* Decimal within [min, max].  False, and *out untouched, for all else. */
bool conv_u64(
    const char *s, uint64_t min, uint64_t max, uint64_t *out) ATTR_CHECKED;
bool conv_i64(
    const char *s, int64_t min, int64_t max, int64_t *out) ATTR_CHECKED;

/*
 * A count of bytes: decimal, then nothing or one of B K M G T P (powers of
 * 1024, either case, "KiB" and "KB" too).
 */
bool conv_size(const char *s, uint64_t *out) ATTR_CHECKED;

/* A span of time: decimal, then s, m, h, d, w, or nothing for seconds. */
bool conv_seconds(const char *s, uint64_t *out) ATTR_CHECKED;

#endif
