/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "smtpd/filter/line.h"

/* The answers, by verdict; with a text or without. */
static const struct {
	const char *name;
	bool text;
} verdicts[] = {
	[FILTER_PROCEED] = { "proceed", false },
	[FILTER_JUNK] = { "junk", false },
	[FILTER_REJECT] = { "reject", true },
	[FILTER_DISCONNECT] = { "disconnect", true },
	[FILTER_REWRITE] = { "rewrite", true },
	[FILTER_SAY] = { "report", true },
};

const char *
filter_verdict_name(enum filter_verdict v)
{
	return v == FILTER_FAILED ? "failed" : verdicts[v].name;
}

/* Writing */

/* A number as hex digits, at the end of a text that is being made. */
static void
put_hex(struct buf *b, uint64_t v)
{
	static const char digits[] = "0123456789abcdef";
	char text[16];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = digits[v >> (60 - 4 * i) & 15];
	buf_add(b, text, sizeof(text));
}

/* Seconds, a dot and six digits: written so often that printf shows. */
static void
put_time(struct buf *b, struct filter_time at)
{
	char text[32];
	char *p = text + sizeof(text);
	uint64_t n = at.seconds;

	for (unsigned i = 0; i < 6; i++) {
		*--p = (char)('0' + at.micros % 10);
		at.micros /= 10;
	}
	*--p = '.';
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

/* Sessions have 16 digits, and so have our tokens. */
static void
put_head(struct buf *b, const char *kind, struct filter_time at,
    const char *subsystem, const char *name, uint64_t session)
{
	buf_add_str(b, kind);
	buf_add_str(b, "|" FILTER_VERSION "|");
	put_time(b, at);
	buf_add_u8(b, '|');
	buf_add_str(b, subsystem);
	buf_add_u8(b, '|');
	buf_add_str(b, name);
	buf_add_u8(b, '|');
	put_hex(b, session);
}

static bool
clean(const char *text, size_t len, bool last)
{
	return memchr(text, '\n', len) == NULL &&
	    memchr(text, '\r', len) == NULL &&
	    memchr(text, '\0', len) == NULL &&
	    (last || memchr(text, '|', len) == NULL);
}

/* End the line that began at start; or take it back. */
static bool
end_line(struct buf *b, size_t start, bool ok)
{
	buf_add_u8(b, '\n');
	if (ok && b->len - start <= FILTER_OUT_MAX)
		return true;
	b->len = start;
	return false;
}

bool
filter_put_config(struct buf *out, const char *key, const char *value)
{
	size_t start = out->len;

	buf_printf(out, "config|%s%s%s", key, value == NULL ? "" : "|",
	    value == NULL ? "" : value);
	return end_line(
	    out, start, value == NULL || clean(value, strlen(value), true));
}

bool
filter_put_report(struct buf *out, struct filter_time at, bool smtp_out,
    enum filter_event event, uint64_t session, const char *const *fields,
    size_t n)
{
	size_t start = out->len;
	bool ok = true;

	put_head(out, "report", at, smtp_out ? "smtp-out" : "smtp-in",
	    filter_event_name(event), session);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(fields[i]);

		ok &= clean(fields[i], len, i + 1 == n);
		buf_add_u8(out, '|');
		buf_add(out, fields[i], len);
	}
	return end_line(out, start, ok);
}

bool
filter_put_request(struct buf *out, struct filter_time at,
    enum filter_phase phase, uint64_t session, uint64_t token,
    const char *param)
{
	size_t start = out->len, len = strlen(param);

	put_head(
	    out, "filter", at, "smtp-in", filter_phase_name(phase), session);
	buf_add_u8(out, '|');
	put_hex(out, token);
	buf_add_u8(out, '|');
	buf_add(out, param, len);
	return end_line(out, start, clean(param, len, true));
}

static void
put_dataline_head(
    struct buf *b, struct filter_time at, uint64_t session, uint64_t token)
{
	put_head(b, "filter", at, "smtp-in", "data-line", session);
	buf_add_u8(b, '|');
	put_hex(b, token);
	buf_add_u8(b, '|');
}

bool
filter_put_dataline(struct buf *out, struct filter_time at, uint64_t session,
    uint64_t token, const char *line, size_t len)
{
	size_t start = out->len;

	put_dataline_head(out, at, session, token);
	buf_add(out, line, len);
	return end_line(out, start, clean(line, len, true));
}

void
filter_put_datalines(struct buf *out, struct filter_time at, uint64_t session,
    uint64_t token, const char *text, size_t len)
{
	const char *end = text + len;
	struct buf head = { 0 };

	put_dataline_head(&head, at, session, token);
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((lf == NULL ? end : lf) - text);
		size_t start = out->len;

		buf_add(out, head.data, head.len);
		if (n > 0 && text[0] == '.')
			buf_add_u8(out, '.');
		buf_add(out, text, n);
		end_line(out, start, clean(text, n, true));
		text += n + 1;
	}
	buf_free(&head);
}

/* Reading */

static char *
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

/* The value of a digit, or 16: read so often that strtoull shows. */
static unsigned
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

static bool
take_hex(char **at, uint64_t *out)
{
	const char *s = next_field(at);
	uint64_t v = 0;
	size_t len = 0;

	if (s == NULL)
		return false;
	for (; s[len] != '\0'; len++) {
		unsigned digit = hex_digit(s[len]);

		if (digit == 16 || len == 16)
			return false;
		v = v << 4 | digit;
	}
	*out = v;
	return len > 0;
}

static int
bad(struct err *e, const char *what, const char *text)
{
	if (text == NULL)
		err_set(e, ERR_CORRUPT, "%s", what);
	else
		err_set(e, ERR_CORRUPT, "%s: \"%.64s\"", what, text);
	return -1;
}

static int
parse_register(char *rest, struct filter_said *said, struct err *e)
{
	const char *kind = next_field(&rest), *subsystem, *name;
	enum filter_event event;

	if (kind != NULL && strcmp(kind, "ready") == 0 && rest == NULL) {
		said->kind = FILTER_SAID_READY;
		return 0;
	}
	subsystem = next_field(&rest);
	name = next_field(&rest);
	if (name == NULL || rest != NULL)
		return bad(e, "not a registration", kind);
	said->smtp_out = strcmp(subsystem, "smtp-out") == 0;
	if (!said->smtp_out && strcmp(subsystem, "smtp-in") != 0)
		return bad(e, "not a subsystem", subsystem);
	if (strcmp(kind, "report") == 0) {
		said->kind = FILTER_SAID_EVENTS;
		said->events = FILTER_ALL_EVENTS;
		if (strcmp(name, "*") == 0)
			return 0;
		if (!filter_event_find(name, &event))
			return bad(e, "not an event", name);
		said->events = FILTER_BIT(event);
		return 0;
	}
	said->kind = FILTER_SAID_PHASE;
	if (strcmp(kind, "filter") != 0)
		return bad(e, "not a registration", kind);
	if (said->smtp_out || !filter_phase_find(name, &said->phase))
		return bad(e, "not a phase", name);
	return 0;
}

static int
parse_result(char *rest, struct filter_said *said, struct err *e)
{
	const char *name;

	said->kind = FILTER_SAID_RESULT;
	if (!take_hex(&rest, &said->session) || !take_hex(&rest, &said->token))
		return bad(e, "a result without session and token", NULL);
	name = next_field(&rest);
	for (unsigned i = 0; name != NULL && i < FILTER_FAILED; i++) {
		if (strcmp(name, verdicts[i].name) != 0)
			continue;
		if (verdicts[i].text != (rest != NULL))
			return bad(e, "a result with other fields", name);
		said->verdict = i;
		said->text = rest == NULL ? "" : rest;
		said->len = strlen(said->text);
		return 0;
	}
	return bad(e, "not a result", name);
}

static int
parse_line(char *rest, struct filter_said *said, struct err *e)
{
	said->kind = FILTER_SAID_LINE;
	if (!take_hex(&rest, &said->session) ||
	    !take_hex(&rest, &said->token) || rest == NULL)
		return bad(e, "a data line without session and token", NULL);
	said->text = rest;
	return 0;
}

/* "report|TIME|smtp-in|SESSION|TEXT": no version. */
static int
parse_report(char *rest, struct filter_said *said, struct err *e)
{
	const char *at = next_field(&rest), *subsystem = next_field(&rest);

	said->kind = FILTER_SAID_REPORT;
	if (at == NULL || subsystem == NULL)
		return bad(e, "a report without time and subsystem", NULL);
	said->smtp_out = strcmp(subsystem, "smtp-out") == 0;
	if (!said->smtp_out && strcmp(subsystem, "smtp-in") != 0)
		return bad(e, "not a subsystem", subsystem);
	if (!take_hex(&rest, &said->session) || rest == NULL)
		return bad(e, "a report without session and text", NULL);
	said->text = rest;
	said->len = strlen(rest);
	return 0;
}

int
filter_said_parse(
    char *text, size_t len, struct filter_said *out, struct err *e)
{
	char *rest = text, *end;
	const char *kind;

	*out = (struct filter_said){ .text = "" };
	if (len > 0 && text[len - 1] == '\r')
		text[--len] = '\0';
	if (!clean(text, len, true))
		return bad(e, "a CR or a NUL in a line", NULL);
	end = text + len;
	kind = next_field(&rest);
	if (strcmp(kind, "filter-dataline") == 0) {
		if (parse_line(rest, out, e) == -1)
			return -1;
		out->len = (size_t)(end - out->text);
		return 0;
	}
	if (strcmp(kind, "filter-result") == 0)
		return parse_result(rest, out, e);
	if (strcmp(kind, "register") == 0)
		return parse_register(rest, out, e);
	if (strcmp(kind, "report") == 0)
		return parse_report(rest, out, e);
	return bad(e, "not a line of the protocol", kind);
}
