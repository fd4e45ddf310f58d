/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * small: give back the memory that it took to start.
 */
#ifndef FION_SPAWN_SMALL_H
#define FION_SPAWN_SMALL_H

/*
 * Freed memory, and the pages of code and constants, which are read again
 * when they are used again.
 */
void small_become(void);

#endif
