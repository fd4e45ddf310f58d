/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * paint: what the drawers of strips and bars share.
 */
#ifndef FION_X_PAINT_H
#define FION_X_PAINT_H

#include <stddef.h>
#include <stdint.h>

#include "fion/model/model.h"

struct x;

/* Go on with a sum of what a picture shows (FNV-1a). */
uint64_t paint_sum(uint64_t sum, const void *data, size_t len);

/* The picture drawn last, of this size, to this place of a drawable. */
void paint_image(struct x *x, uint32_t drawable, uint32_t gc, struct rect r);

/* The same as the background of the window. */
void paint_put(struct x *x, uint32_t window, int w, int h);

/* The line at the foot of what is shown, among tabs or workspaces. */
void paint_mark(struct x *x, uint32_t ink, int at, int w, int h);

#endif
