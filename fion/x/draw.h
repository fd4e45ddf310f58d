/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * draw: text and filled rectangles into a picture in memory.
 *
 * Any script and any font, by pango and cairo.  A picture is begun, drawn
 * on and read; one at a time.
 *
 * Units: pixels; colours are 0xRRGGBB.
 */
#ifndef FION_X_DRAW_H
#define FION_X_DRAW_H

#include <stddef.h>
#include <stdint.h>

struct draw;

/* dpi of the server, or 0. */
struct draw *draw_new(int dpi);
void draw_free(struct draw *d);

/* A font as "family size"; dpi 0: the server's.  Height of a line. */
int draw_font(struct draw *d, const char *font, int dpi);

/* A new picture of this ground. */
void draw_begin(struct draw *d, int w, int h, uint32_t ground);
void draw_fill(struct draw *d, uint32_t colour, int x, int y, int w, int h);

/* Text in the middle of a line of height h, cut to w; how wide it is. */
int draw_text(struct draw *d, const char *text, uint32_t colour, int x, int y,
    int w, int h);
int draw_width(struct draw *d, const char *text);

/* The picture's rows, 4 bytes a pixel; borrowed until the next begin. */
const uint8_t *draw_pixels(struct draw *d, size_t *stride);

/* All is drawn: the picture's memory is given back. */
void draw_end(struct draw *d);

#endif
