/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <stdio.h>

#include "lib/human.h"

void
human_size(uint64_t bytes, char text[HUMAN_LEN])
{
	static const char units[] = "KMGTPE";
	uint64_t unit = 1024, tenths;
	unsigned i = 0;

	if (bytes < 1024) {
		snprintf(text, HUMAN_LEN, "%" PRIu64 "B", bytes);
		return;
	}
	while (bytes / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	tenths = bytes / unit * 10 + bytes % unit * 10 / unit;
	snprintf(text, HUMAN_LEN, "%" PRIu64 ".%" PRIu64 "%cB", tenths / 10,
	    tenths % 10, units[i]);
}

void
human_span(uint64_t seconds, char text[HUMAN_LEN])
{
	uint64_t minutes = seconds / 60, hours = minutes / 60;

	if (minutes == 0)
		snprintf(text, HUMAN_LEN, "%" PRIu64 "s", seconds);
	else if (hours == 0)
		snprintf(text, HUMAN_LEN, "%" PRIu64 "m%02us", minutes,
		    (unsigned)(seconds % 60));
	else if (hours < 24)
		snprintf(text, HUMAN_LEN, "%" PRIu64 "h%02um", hours,
		    (unsigned)(minutes % 60));
	else
		snprintf(text, HUMAN_LEN, "%" PRIu64 "d%02uh", hours / 24,
		    (unsigned)(hours % 24));
}

void
human_time(time_t at, char text[HUMAN_LEN])
{
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL ||
	    strftime(text, HUMAN_LEN, "%Y-%m-%d-%H:%M:%S", &tm) == 0)
		snprintf(text, HUMAN_LEN, "?");
}

void
human_time_utc(time_t at, char text[HUMAN_LEN])
{
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(text, HUMAN_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(text, HUMAN_LEN, "?");
}
