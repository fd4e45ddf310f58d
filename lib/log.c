/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "lib/buf.h"

#include "lib/log.h"

#define LINE_LEN 4096

/* The process has one log: this is its state. */
static struct {
	const char *name;
	bool to_syslog;
	enum log_level level;
} state = { .name = "?", .level = LOG_LEVEL_INFO };

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARN] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

void
log_init(const char *name, int facility, bool foreground)
{
	state.name = name;
	state.to_syslog = !foreground;
	if (state.to_syslog)
		openlog(name, LOG_PID | LOG_NDELAY, facility);
}

void
log_set_level(enum log_level level)
{
	state.level = level;
}

enum log_level
log_get_level(void)
{
	return state.level;
}

/*
 * Whether p is part of a control character, with before the byte before it:
 * ASCII, or one of the second set, U+0080 to U+009F, as UTF-8 has them.
 */
static bool
is_control(const char *p, char before)
{
	unsigned char c = (unsigned char)p[0], next = (unsigned char)p[1];

	if (c == 0xc2)
		return next >= 0x80 && next <= 0x9f;
	if (c >= 0x80 && c <= 0x9f)
		return (unsigned char)before == 0xc2;
	return c < ' ' || c == 0x7f;
}

static void ATTR_PRINTF(2, 0)
    write_line(enum log_level level, const char *fmt, va_list ap)
{
	char raw[LINE_LEN];
	struct buf line = { 0 };

	if (level > state.level)
		return;
	vsnprintf(raw, sizeof(raw), fmt, ap);
	for (const char *p = raw; *p != '\0'; p++)
		if (is_control(p, p > raw ? p[-1] : '\0'))
			buf_printf(&line, "\\x%02x", (unsigned char)*p);
		else
			buf_add_u8(&line, (uint8_t)*p);
	if (state.to_syslog)
		syslog(priorities[level], "%s", buf_str(&line));
	else
		fprintf(stderr, "%s: %s\n", state.name, buf_str(&line));
	buf_free(&line);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
