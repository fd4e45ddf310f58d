/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdint.h>
#include <string.h>

#include "plakar/exclude/glob.h"

/* What is left of a pattern. */
struct rest {
	const char *p, *end;
};

static bool
in_range(unsigned char c, unsigned char low, unsigned char high)
{
	return low <= c && c <= high;
}

static bool
in_class(unsigned char c, const char *name, size_t len)
{
	bool lower = in_range(c, 'a', 'z'), upper = in_range(c, 'A', 'Z');
	bool digit = in_range(c, '0', '9'), graph = in_range(c, 33, 126);
	bool alnum = lower || upper || digit;
	const struct {
		const char *name;
		bool in;
	} classes[] = {
		{ "alnum", alnum },
		{ "alpha", lower || upper },
		{ "blank", c == ' ' || c == '\t' },
		{ "cntrl", c < 32 || c == 127 },
		{ "digit", digit },
		{ "graph", graph },
		{ "lower", lower },
		{ "print", graph || c == ' ' },
		{ "punct", graph && !alnum },
		{ "space", c == ' ' || in_range(c, '\t', '\r') },
		{ "upper", upper },
		{ "xdigit", digit || in_range(c | 32, 'a', 'f') },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strlen(classes[i].name) == len &&
		    memcmp(classes[i].name, name, len) == 0)
			return classes[i].in;
	return false;
}

/* Step over "[:name:]" and say whether c is in it, or leave r alone. */
static bool
step_class(struct rest *r, unsigned char c, bool *in)
{
	const char *name = r->p + 2;
	const char *colon;

	if (r->end - r->p < 4 || r->p[0] != '[' || r->p[1] != ':')
		return false;
	colon = memchr(name, ':', (size_t)(r->end - name));
	if (colon == NULL || colon + 1 == r->end || colon[1] != ']')
		return false;
	*in = in_class(c, name, (size_t)(colon - name));
	r->p = colon + 2;
	return true;
}

/* The next byte of a bracket, escaped or not. */
static bool
step_byte(struct rest *r, unsigned char *byte)
{
	if (r->p < r->end && *r->p == '\\')
		r->p++;
	if (r->p == r->end)
		return false;
	*byte = (unsigned char)*r->p++;
	return true;
}

/* Step over a bracket, r being after its "[".  -1: it has no end. */
static int
step_bracket(struct rest *r, unsigned char c)
{
	bool negated = r->p < r->end && (*r->p == '!' || *r->p == '^');
	bool found = false;

	if (negated)
		r->p++;
	for (bool first = true;; first = false) {
		unsigned char low, high;
		bool in = false;

		if (r->p == r->end)
			return -1;
		if (*r->p == ']' && !first)
			break;
		if (step_class(r, c, &in)) {
			found |= in;
			continue;
		}
		if (!step_byte(r, &low))
			return -1;
		high = low;
		if (r->end - r->p >= 2 && r->p[0] == '-' && r->p[1] != ']') {
			r->p++;
			if (!step_byte(r, &high))
				return -1;
		}
		found |= in_range(c, low, high);
	}
	r->p++;
	return found != negated;
}

/* Step over what stands for one byte.  1 it is c, 0 not, -1 never will be. */
static int
step_one(struct rest *r, unsigned char c)
{
	unsigned char want = (unsigned char)*r->p++;

	switch (want) {
	case '?':
		return 1;
	case '[':
		return step_bracket(r, c);
	case '\\':
		if (r->p == r->end)
			return -1;
		want = (unsigned char)*r->p++;
		break;
	}
	return want == c;
}

bool
glob_match(
    const char *pattern, size_t pattern_len, const char *name, size_t name_len)
{
	struct rest r = { pattern, pattern + pattern_len };
	struct rest star = { NULL, r.end };
	const char *end = name + name_len;
	const char *resume = NULL;

	while (name < end || r.p < r.end) {
		int match = 0;

		if (r.p < r.end && *r.p == '*') {
			r.p++;
			star = r;
			resume = name;
			continue;
		}
		if (r.p < r.end && name < end)
			match = step_one(&r, (unsigned char)*name);
		if (match == -1)
			return false;
		if (match == 1) {
			name++;
			continue;
		}
		/* Let the last star take one byte more. */
		if (star.p == NULL || resume == end)
			return false;
		name = ++resume;
		r = star;
	}
	return true;
}
