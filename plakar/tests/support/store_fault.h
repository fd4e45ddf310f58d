/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store_fault: a store that passes everything on to another, but for the
 * calls that it was told to fail.
 *
 * Every call of an operation counts, whichever it is, from 1; closing and
 * aborting don't.  A failed commit or write reaches the store below as an
 * abort: a real one that fails leaves nothing behind either.
 */
#ifndef PLAKAR_TESTS_SUPPORT_STORE_FAULT_H
#define PLAKAR_TESTS_SUPPORT_STORE_FAULT_H

#include <stdbool.h>

struct store;

/* Takes inner: closing the result closes it. */
struct store *store_fault_new(struct store *inner);

/*
 * Fail call number n of those from now on with this errno, and all after it
 * when for_good.  n 0: fail none.
 */
void store_fault_arm(
    struct store *s, unsigned long n, int errnum, bool for_good);

/* How many calls there were since store_fault_arm(). */
unsigned long store_fault_calls(struct store *s);

#endif
