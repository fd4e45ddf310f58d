/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"

#include "smtpd/proc/trace.h"

#define ALL                                                                    \
	(TRACE_BOUNCE | TRACE_EXPAND | TRACE_FILTERS | TRACE_IMSG |            \
	    TRACE_LOOKUP | TRACE_MTA | TRACE_SCHEDULER | TRACE_SMTP |          \
	    TRACE_STAT)
#define DIALOGUES (TRACE_SMTP | TRACE_MTA)

struct word {
	const char *name;
	unsigned subjects;
};

/* The whole process's: what is logged has no owner. */
static unsigned traced;

static unsigned
find(const struct word *words, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i].name, name) == 0)
			return words[i].subjects;
	}
	return 0;
}

unsigned
trace_parse(const char *word)
{
	static const struct word words[] = {
		{ "all", ALL },
		{ "bounce", TRACE_BOUNCE },
		{ "expand", TRACE_EXPAND },
		{ "filters", TRACE_FILTERS },
		{ "imsg", TRACE_IMSG },
		{ "lookup", TRACE_LOOKUP },
		{ "mproc", TRACE_IMSG },
		{ "mta", TRACE_MTA },
		{ "rules", TRACE_EXPAND },
		{ "scheduler", TRACE_SCHEDULER },
		{ "smtp", TRACE_SMTP },
		{ "stat", TRACE_STAT },
	};

	return find(words, sizeof(words) / sizeof(words[0]), word);
}

unsigned
trace_parse_profile(const char *word)
{
	static const struct word words[] = {
		{ "imsg", TRACE_PROFILE_IMSG },
		{ "queue", TRACE_PROFILE_QUEUE },
	};

	return find(words, sizeof(words) / sizeof(words[0]), word);
}

void
trace_set(unsigned subjects)
{
	traced = subjects;
}

bool
trace_wants(unsigned subjects)
{
	return (traced & subjects) != 0 ||
	    ((subjects & DIALOGUES) != 0 && log_get_level() == LOG_LEVEL_DEBUG);
}

void
trace(unsigned subject, const char *fmt, ...)
{
	char line[TRACE_LINE];
	va_list ap;

	if (!trace_wants(subject))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_info("%s", line);
}
