/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conv.h"
#include "lib/err.h"

#include "smtpd/filters/libfilter/line.h"

#define MINOR_RESULT_FIRST 6 /* tx-mail and tx-rcpt: before the address */
#define MINOR_AUTH_RESULT  7 /* link-auth: before the user */

/* How many fields an event has; the last one takes what is left. */
static const struct {
	const char *event;
	size_t n;
} event_fields[] = {
	{ "link-connect", 4 },
	{ "link-identify", 2 },
	{ "link-auth", 2 },
	{ "tx-mail", 3 },
	{ "tx-rcpt", 3 },
	{ "tx-envelope", 2 },
	{ "tx-data", 2 },
	{ "tx-commit", 2 },
	{ "filter-report", 3 },
	{ "filter-response", 3 },
};

static size_t
fields_of(const char *event)
{
	for (size_t i = 0; i < sizeof(event_fields) / sizeof(event_fields[0]);
	     i++)
		if (strcmp(event, event_fields[i].event) == 0)
			return event_fields[i].n;
	return 1;
}

/* The next field and its end; NULL when the line has no more. */
static const char *
next_field(char **at)
{
	char *field = *at, *bar;

	if (field == NULL)
		return NULL;
	bar = strchr(field, '|');
	if (bar != NULL)
		*bar++ = '\0';
	*at = bar;
	return field;
}

/* "0.N"; an unknown N is read as the newest that we know. */
static bool
parse_version(const char *s, unsigned *minor)
{
	uint64_t n;

	if (s == NULL || strncmp(s, "0.", 2) != 0 ||
	    !conv_u64(s + 2, 0, 9999, &n))
		return false;
	*minor = (unsigned)n;
	return true;
}

/* Seconds, and what stands after a dot is checked but not kept. */
static bool
parse_time(const char *s, uint64_t *seconds)
{
	char *end;

	if (s == NULL || !isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*seconds = strtoull(s, &end, 10);
	if (errno != 0)
		return false;
	if (*end == '.')
		end++;
	while (isdigit((unsigned char)*end))
		end++;
	return *end == '\0';
}

static bool
parse_session(const char *s, uint64_t *id)
{
	size_t len;

	if (s == NULL)
		return false;
	len = strspn(s, "0123456789abcdefABCDEF");
	if (len == 0 || len > 16 || s[len] != '\0')
		return false;
	*id = strtoull(s, NULL, 16);
	return true;
}

static bool
parse_token(const char *s, char *out)
{
	size_t len;

	if (s == NULL)
		return false;
	len = strlen(s);
	if (len == 0 || len > FILTER_TOKEN_LEN)
		return false;
	memcpy(out, s, len + 1);
	return true;
}

/* Up to max fields, the last one with whatever is left of the line. */
static void
take_fields(char **at, size_t max, struct filter_line *l)
{
	while (l->n + 1 < max && *at != NULL)
		l->field[l->n++] = next_field(at);
	if (*at != NULL)
		l->field[l->n++] = *at;
	*at = NULL;
}

/*
 * VALUE|RESULT, as the older versions have it, to RESULT|VALUE.  The value
 * may hold bars, so that the result is what follows the last one.
 */
static void
take_result_last(char *rest, struct filter_line *l)
{
	char *bar = rest == NULL ? NULL : strrchr(rest, '|');

	if (bar == NULL)
		return;
	*bar = '\0';
	l->field[l->n++] = bar + 1;
	l->field[l->n++] = rest;
}

static int
parse_report(char *rest, struct filter_line *l, struct err *e)
{
	size_t want = fields_of(l->event);
	bool tx = strcmp(l->event, "tx-mail") == 0 ||
	    strcmp(l->event, "tx-rcpt") == 0;
	bool auth = strcmp(l->event, "link-auth") == 0;

	if (tx && l->token.minor < MINOR_RESULT_FIRST) {
		if (rest != NULL)
			l->field[l->n++] = next_field(&rest);
		take_result_last(rest, l);
	} else if (auth && l->token.minor < MINOR_AUTH_RESULT) {
		take_result_last(rest, l);
	} else {
		take_fields(&rest, want, l);
	}
	if ((tx || auth || strcmp(l->event, "link-connect") == 0) &&
	    l->n != want) {
		err_set(e, ERR_CORRUPT, "%s: %zu of %zu fields", l->event, l->n,
		    want);
		return -1;
	}
	return 0;
}

static int
parse_request(char *rest, struct filter_line *l, struct err *e)
{
	if (!parse_token(next_field(&rest), l->token.text)) {
		err_set(e, ERR_CORRUPT, "%s: no token", l->event);
		return -1;
	}
	take_fields(&rest, strcmp(l->event, "connect") == 0 ? 2 : 1, l);
	return 0;
}

/* What reports and requests begin with alike. */
static int
parse_event(char *rest, struct filter_line *l, struct err *e)
{
	if (!parse_version(next_field(&rest), &l->token.minor)) {
		err_set(e, ERR_CORRUPT, "not a version that we know");
		return -1;
	}
	if (!parse_time(next_field(&rest), &l->seconds)) {
		err_set(e, ERR_CORRUPT, "not a time");
		return -1;
	}
	l->subsystem = next_field(&rest);
	l->event = next_field(&rest);
	if (l->subsystem == NULL || l->event == NULL) {
		err_set(e, ERR_CORRUPT, "cut before the event");
		return -1;
	}
	if (!parse_session(next_field(&rest), &l->token.session)) {
		err_set(e, ERR_CORRUPT, "%s: not a session", l->event);
		return -1;
	}
	if (l->kind == FILTER_LINE_REPORT)
		return parse_report(rest, l, e);
	return parse_request(rest, l, e);
}

int
filter_line_parse(
    char *text, size_t len, struct filter_line *out, struct err *e)
{
	char *rest = text;
	const char *kind;

	*out = (struct filter_line){ .field = { "", "", "", "" } };
	if (strlen(text) != len) {
		err_set(e, ERR_CORRUPT, "a NUL in the line");
		return -1;
	}
	kind = next_field(&rest);
	if (strcmp(kind, "report") == 0) {
		out->kind = FILTER_LINE_REPORT;
		return parse_event(rest, out, e);
	}
	if (strcmp(kind, "filter") == 0) {
		out->kind = FILTER_LINE_REQUEST;
		return parse_event(rest, out, e);
	}
	if (strcmp(kind, "config") == 0) {
		out->key = next_field(&rest);
		if (out->key == NULL) {
			err_set(e, ERR_CORRUPT, "config without a key");
			return -1;
		}
		out->kind = FILTER_LINE_CONFIG;
		take_fields(&rest, 1, out);
	}
	return 0;
}
