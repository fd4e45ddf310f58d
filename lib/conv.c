/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/conv.h"

/* The leading decimal number of s; *end is what follows it. */
static bool
leading_u64(const char *s, uint64_t *out, const char **end)
{
	uint64_t v = 0;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	*end = s;
	return true;
}

bool
conv_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *end;
	uint64_t v;

	if (!leading_u64(s, &v, &end) || *end != '\0' || v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool
conv_i64(const char *s, int64_t min, int64_t max, int64_t *out)
{
	const char *end;
	bool negative = *s == '-';
	uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	uint64_t magnitude;
	int64_t v;

	if (!leading_u64(negative ? s + 1 : s, &magnitude, &end) ||
	    *end != '\0' || magnitude > limit)
		return false;
	/* Counted from -1, as the least number has no positive. */
	v = negative && magnitude > 0 ? -1 - (int64_t)(magnitude - 1) :
					(int64_t)magnitude;
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

static bool
scale(uint64_t v, uint64_t factor, uint64_t *out)
{
	if (v > UINT64_MAX / factor)
		return false;
	*out = v * factor;
	return true;
}

bool
conv_size(const char *s, uint64_t *out)
{
	static const char units[] = "KMGTP";
	const char *end, *unit;
	uint64_t v;
	unsigned power = 0;

	if (!leading_u64(s, &v, &end))
		return false;
	if (*end != '\0') {
		unit = strchr(units, toupper((unsigned char)*end));
		if (unit != NULL) {
			power = (unsigned)(unit - units) + 1;
			end++;
			if (*end == 'i')
				end++;
		}
		if (*end != '\0' && strcasecmp(end, "b") != 0)
			return false;
	}
	return scale(v, (uint64_t)1 << (10 * power), out);
}

bool
conv_seconds(const char *s, uint64_t *out)
{
	static const struct {
		const char *suffix;
		uint64_t seconds;
	} units[] = {
		{ "", 1 },
		{ "s", 1 },
		{ "m", 60 },
		{ "h", 3600 },
		{ "d", 86400 },
		{ "w", 604800 },
	};
	const char *end;
	uint64_t v;

	if (!leading_u64(s, &v, &end))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].suffix) == 0)
			return scale(v, units[i].seconds, out);
	return false;
}
