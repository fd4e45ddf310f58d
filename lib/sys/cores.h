/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * cores: how many threads or processes are worth having.
 */
#ifndef LIB_SYS_CORES_H
#define LIB_SYS_CORES_H

/* As many as asked for, or, when that is 0, one a processor; 1 to max. */
unsigned cores_count(unsigned asked, unsigned max);

#endif
