/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "fion/text/text.h"
#include "fion/x/props.h"

#define SIZE_LIMIT    32767

#define XEMBED_MAPPED 1U

/* WM_HINTS flags */
#define INPUT_HINT   1U
#define STATE_HINT   2U
#define URGENCY_HINT 256U

/* WM_SIZE_HINTS flags */
#define P_MIN_SIZE  16U
#define P_MAX_SIZE  32U
#define P_INC       64U
#define P_ASPECT    128U
#define P_BASE_SIZE 256U

uint32_t
props_card(const uint8_t *data, size_t len, size_t i, uint32_t otherwise)
{
	uint32_t v;

	if (len / 4 <= i)
		return otherwise;
	memcpy(&v, data + i * 4, 4);
	return v;
}

bool
props_has(const uint8_t *data, size_t len, uint32_t card)
{
	for (size_t i = 0; i < len / 4; i++)
		if (props_card(data, len, i, 0) == card)
			return true;
	return false;
}

void
props_class(const uint8_t *data, size_t len, char **instance, char **class)
{
	size_t first = strnlen((const char *)data, len);
	size_t rest = first < len ? first + 1 : len;

	*instance = text_clean(data, first, true);
	*class = text_clean(
	    data + rest, strnlen((const char *)data + rest, len - rest), true);
}

struct props_hints
props_hints(const uint8_t *data, size_t len)
{
	struct props_hints h = { .input = true };
	uint32_t flags = props_card(data, len, 0, 0);

	if ((flags & INPUT_HINT) != 0)
		h.input = props_card(data, len, 1, 1) != 0;
	if ((flags & STATE_HINT) != 0)
		h.iconic = props_card(data, len, 2, 1) == 3;
	h.urgent = (flags & URGENCY_HINT) != 0;
	return h;
}

/* A length a window can have; otherwise what stands for none. */
static int
length(const uint8_t *data, size_t len, size_t i, int none)
{
	uint32_t v = props_card(data, len, i, 0);

	return v < 1 || v > SIZE_LIMIT ? none : (int)v;
}

struct props_size
props_size(const uint8_t *data, size_t len)
{
	struct props_size s = {
		.min_w = 1, .min_h = 1, .inc_w = 1, .inc_h = 1
	};
	uint32_t flags = props_card(data, len, 0, 0);

	if ((flags & P_MIN_SIZE) != 0) {
		s.min_w = length(data, len, 5, 1);
		s.min_h = length(data, len, 6, 1);
	}
	if ((flags & P_MAX_SIZE) != 0) {
		s.max_w = length(data, len, 7, 0);
		s.max_h = length(data, len, 8, 0);
	}
	if ((flags & P_INC) != 0) {
		s.inc_w = length(data, len, 9, 1);
		s.inc_h = length(data, len, 10, 1);
	}
	if ((flags & P_ASPECT) != 0) {
		s.min_aspect_x = length(data, len, 11, 0);
		s.min_aspect_y = length(data, len, 12, 0);
		s.max_aspect_x = length(data, len, 13, 0);
		s.max_aspect_y = length(data, len, 14, 0);
	}
	if ((flags & P_BASE_SIZE) != 0) {
		s.base_w = length(data, len, 15, 0);
		s.base_h = length(data, len, 16, 0);
	}
	if (s.max_w != 0 && s.max_w < s.min_w)
		s.max_w = s.min_w;
	if (s.max_h != 0 && s.max_h < s.min_h)
		s.max_h = s.min_h;
	return s;
}

static int
constrain_one(int v, int min, int max, int base, int inc)
{
	int from = base > 0 ? base : min > 1 ? min : 0;

	if (v > from && inc > 1)
		v = from + (v - from) / inc * inc;
	if (max > 0 && v > max)
		v = max;
	if (v < min)
		v = min;
	return v < 1 ? 1 : v;
}

void
props_constrain(const struct props_size *s, int *w, int *h)
{
	int64_t cw = *w, ch = *h;

	if (s->min_aspect_x > 0 && s->min_aspect_y > 0 &&
	    cw * s->min_aspect_y < ch * s->min_aspect_x)
		ch = cw * s->min_aspect_y / s->min_aspect_x;
	if (s->max_aspect_x > 0 && s->max_aspect_y > 0 &&
	    cw * s->max_aspect_y > ch * s->max_aspect_x)
		cw = ch * s->max_aspect_x / s->max_aspect_y;
	*w = constrain_one((int)cw, s->min_w, s->max_w, s->base_w, s->inc_w);
	*h = constrain_one((int)ch, s->min_h, s->max_h, s->base_h, s->inc_h);
}

bool
props_strut(
    const uint8_t *data, size_t len, bool partial, struct props_strut *out)
{
	int v[12];

	if (len < (partial ? 48U : 16U))
		return false;
	for (size_t i = 0; i < 12; i++) {
		uint32_t c = props_card(data, len, i, 0);

		v[i] = c > SIZE_LIMIT ? 0 : (int)c;
	}
	*out = (struct props_strut){ .left = v[0],
		.right = v[1],
		.top = v[2],
		.bottom = v[3],
		.left_to = SIZE_LIMIT,
		.right_to = SIZE_LIMIT,
		.top_to = SIZE_LIMIT,
		.bottom_to = SIZE_LIMIT };
	if (partial) {
		out->left_from = v[4];
		out->left_to = v[5];
		out->right_from = v[6];
		out->right_to = v[7];
		out->top_from = v[8];
		out->top_to = v[9];
		out->bottom_from = v[10];
		out->bottom_to = v[11];
	}
	return out->left + out->right + out->top + out->bottom > 0;
}

bool
props_motif_plain(const uint8_t *data, size_t len)
{
	return len >= 12 && (props_card(data, len, 0, 0) & 2) != 0 &&
	    props_card(data, len, 2, 1) == 0;
}

bool
props_shown(const uint8_t *data, size_t len)
{
	return (props_card(data, len, 1, XEMBED_MAPPED) & XEMBED_MAPPED) != 0;
}
