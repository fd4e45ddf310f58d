/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * secret: memory for keys and passphrases.
 *
 * Locked against swapping where the system allows it, left out of core
 * dumps, between guard pages, and wiped when released.
 */
#ifndef LIB_SECRET_H
#define LIB_SECRET_H

#include <stddef.h>

#include "lib/attr.h"

struct err;

/* Once, before any other call here.  Also turns core dumps off. */
int secret_init(struct err *e) ATTR_CHECKED;

/* len zero bytes; never NULL (as xmalloc).  Release with secret_free(). */
void *secret_alloc(size_t len);

/* Wipe and release.  NULL is allowed. */
void secret_free(void *p);

#endif
