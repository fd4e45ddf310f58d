/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * human: sizes and times as people read them.
 */
#ifndef LIB_HUMAN_H
#define LIB_HUMAN_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HUMAN_LEN 32 /* room enough for any of these texts */

/* "0B", "999B", "28.4MB", "1.2GB": powers of 1024, one decimal. */
void human_size(uint64_t bytes, char text[HUMAN_LEN]);

/* "42s", "3m07s", "5h12m", "3d04h". */
void human_span(uint64_t seconds, char text[HUMAN_LEN]);

/* "2019-08-25-05:34:01", local time. */
void human_time(time_t at, char text[HUMAN_LEN]);

/* "2019-08-25T05:34:01Z". */
void human_time_utc(time_t at, char text[HUMAN_LEN]);

#endif
