/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * limit: how often authentication failed from an address.
 *
 * Of IPv6, a /64 is one address.  LIMIT_FAILURES failures with never
 * LIMIT_SECONDS between two of them close the door until that time has passed.
 * Units:  monotonic seconds.
 * Limits: LIMIT_SOURCES addresses; the one that failed longest ago gives way.
 */
#ifndef SMTPD_PROC_AUTH_LIMIT_H
#define SMTPD_PROC_AUTH_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define LIMIT_FAILURES 10
#define LIMIT_SECONDS  600
#define LIMIT_SOURCES  4096
#define LIMIT_TEXT     64

struct limit_source {
	char address[LIMIT_TEXT];
	unsigned failures;
	time_t last;
};

/* All zero is empty. */
struct limit {
	struct limit_source sources[LIMIT_SOURCES];
	size_t n;
};

bool limit_reached(const struct limit *l, const char *address, time_t now);
void limit_failed(struct limit *l, const char *address, time_t now);

/* A right password makes up for the wrong ones before it. */
void limit_forget(struct limit *l, const char *address);

#endif
