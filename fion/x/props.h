/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * props: what clients say about themselves, out of the bytes they said it in.
 *
 * Pure: bytes in, values out.  Every property may be of the wrong type, too
 * short, too long, or nonsense; then the value is what an absent property
 * means.
 *
 * Shape:  cards are 32-bit in the machine's order, as the server sends them.
 * Source: ICCCM 2.0 sections 4.1.2 and 4.1.3; EWMH 1.5.
 */
#ifndef FION_X_PROPS_H
#define FION_X_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct props_hints { /* WM_HINTS */
	bool input;
	bool urgent;
	bool iconic; /* wants to start so */
};

struct props_size { /* WM_NORMAL_HINTS */
	int min_w, min_h;
	int max_w, max_h;   /* 0: none */
	int base_w, base_h; /* 0: none */
	int inc_w, inc_h;   /* 1: any */
	int min_aspect_x, min_aspect_y, max_aspect_x, max_aspect_y;
};

struct props_strut { /* _NET_WM_STRUT(_PARTIAL) */
	int left, right, top, bottom;
	int left_from, left_to, right_from, right_to;
	int top_from, top_to, bottom_from, bottom_to;
};

/* The two strings of WM_CLASS; owned by the caller, never NULL. */
void props_class(
    const uint8_t *data, size_t len, char **instance, char **class);

struct props_hints props_hints(const uint8_t *data, size_t len);
struct props_size props_size(const uint8_t *data, size_t len);

/* False when it reserves nothing.  partial: 12 cards, else 4. */
bool props_strut(
    const uint8_t *data, size_t len, bool partial, struct props_strut *out);

/* The i-th card, or otherwise. */
uint32_t props_card(
    const uint8_t *data, size_t len, size_t i, uint32_t otherwise);

/* Is the card among them? */
bool props_has(const uint8_t *data, size_t len, uint32_t card);

/* A floating size that the hints allow, from one that was asked for. */
void props_constrain(const struct props_size *s, int *w, int *h);

/* _XEMBED_INFO: a version, and flags that ask to be mapped or not. */
bool props_shown(const uint8_t *data, size_t len);

/* _MOTIF_WM_HINTS asks for no decorations. */
bool props_motif_plain(const uint8_t *data, size_t len);

#endif
