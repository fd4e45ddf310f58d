/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "smtpd/proc/auth/limit.h"

/* What is counted as one. */
static void
neighbourhood(const char *address, char out[LIMIT_TEXT])
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, address, &a) == 1) {
		memset(a.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &a, out, LIMIT_TEXT);
	} else {
		snprintf(out, LIMIT_TEXT, "%s", address);
	}
}

static const struct limit_source *
find(const struct limit *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->sources[i].address, key) == 0)
			return &l->sources[i];
	}
	return NULL;
}

bool
limit_reached(const struct limit *l, const char *address, time_t now)
{
	const struct limit_source *s;
	char key[LIMIT_TEXT];

	neighbourhood(address, key);
	s = find(l, key);
	return s != NULL && s->failures >= LIMIT_FAILURES &&
	    now - s->last < LIMIT_SECONDS;
}

void
limit_failed(struct limit *l, const char *address, time_t now)
{
	struct limit_source *s = NULL;
	char key[LIMIT_TEXT];

	neighbourhood(address, key);
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->sources[i].address, key) == 0) {
			s = &l->sources[i];
			break;
		}
		if (l->n == LIMIT_SOURCES &&
		    (s == NULL || l->sources[i].last < s->last))
			s = &l->sources[i];
	}
	if (s == NULL)
		s = &l->sources[l->n++];
	if (strcmp(s->address, key) != 0 || now - s->last >= LIMIT_SECONDS) {
		memcpy(s->address, key, sizeof(key));
		s->failures = 0;
	}
	s->failures++;
	s->last = now;
}

void
limit_forget(struct limit *l, const char *address)
{
	char key[LIMIT_TEXT];

	neighbourhood(address, key);
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->sources[i].address, key) == 0)
			l->sources[i].failures = 0;
	}
}
