/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * log: what a program that runs unattended tells its operator.
 *
 * One line a call, to standard error (foreground) or to syslog (daemon).
 * Control bytes in the text are written as \xNN: a log line can't be forged
 * by what a peer sends.  Only main-level code logs; a room returns errors.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>

#include "lib/attr.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/*
 * Start logging as name (borrowed for good).  To syslog with this facility
 * (LOG_DAEMON, LOG_MAIL ...), or to standard error when foreground.
 */
void log_init(const char *name, int facility, bool foreground);

/* Lines above this level are dropped; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_error(const char *fmt, ...) ATTR_PRINTF(1, 2);
void log_warn(const char *fmt, ...) ATTR_PRINTF(1, 2);
void log_info(const char *fmt, ...) ATTR_PRINTF(1, 2);
void log_debug(const char *fmt, ...) ATTR_PRINTF(1, 2);

#endif
