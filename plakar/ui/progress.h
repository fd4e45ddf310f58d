/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * progress: the text of a progress line.
 *
 * Pure: no I/O, no clock.
 */
#ifndef PLAKAR_UI_PROGRESS_H
#define PLAKAR_UI_PROGRESS_H

#include <stddef.h>

struct buf;
struct ui_sample;

/*
 * Replace line by what s says after seconds of work, at most columns wide.
 * What fits is kept, the least telling parts go first.
 */
void progress_line(const struct ui_sample *s, double seconds, size_t columns,
    struct buf *line);

#endif
