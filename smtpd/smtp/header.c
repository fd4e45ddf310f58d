/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>
#include <strings.h>

#include "lib/buf.h"

#include "smtpd/smtp/header.h"

/* The length of the line at p, with its LF. */
static size_t
line_len(const char *p, size_t len)
{
	const char *lf = memchr(p, '\n', len);

	return lf == NULL ? len : (size_t)(lf - p) + 1;
}

enum header_result
header_next(
    const char *text, size_t len, size_t *offset, struct header_field *out)
{
	const char *p, *colon;
	size_t left = len - *offset, n, name;

	if (left == 0)
		return HEADER_END;
	p = text + *offset;
	if (p[0] == '\n')
		return HEADER_END;
	n = line_len(p, left);
	colon = memchr(p, ':', n);
	if (colon == NULL || colon == p)
		return HEADER_BAD;
	for (name = 0; p + name < colon; name++) {
		if (p[name] <= ' ' || p[name] > '~')
			break;
	}
	/* Blanks before the colon are obsolete, but they occur. */
	for (size_t i = name; p + i < colon; i++) {
		if (p[i] != ' ' && p[i] != '\t')
			return HEADER_BAD;
	}
	if (name == 0)
		return HEADER_BAD;
	while (n < left && (p[n] == ' ' || p[n] == '\t'))
		n += line_len(p + n, left - n);
	*out = (struct header_field){ p, name, colon + 1,
		(size_t)(p + n - colon - 1), p, n };
	*offset += n;
	return HEADER_FIELD;
}

bool
header_is(const struct header_field *f, const char *name)
{
	return f->name_len == strlen(name) &&
	    strncasecmp(f->name, name, f->name_len) == 0;
}

long
header_length(const char *text, size_t len, bool whole)
{
	const char *end;

	if (len == 0)
		return whole ? 0 : -1;
	if (text[0] == '\n')
		return 0;
	end = memmem(text, len, "\n\n", 2);
	if (end != NULL)
		return (long)(end - text) + 1;
	return whole ? (long)len : -1;
}

void
header_scan(const char *text, size_t len, struct header_facts *out)
{
	struct header_field f;
	enum header_result rc;
	size_t offset = 0;
	unsigned n = 0;

	memset(out, 0, sizeof(*out));
	while ((rc = header_next(text, len, &offset, &f)) == HEADER_FIELD) {
		n++;
		out->received += header_is(&f, "Received");
		out->date |= header_is(&f, "Date");
		out->message_id |= header_is(&f, "Message-Id");
		out->from |= header_is(&f, "From");
	}
	out->bad = rc == HEADER_BAD;
	out->too_long = n > HEADER_FIELDS || len > HEADER_MAX;
}

void
header_without_bcc(const char *text, size_t len, struct buf *out)
{
	struct header_field f;
	size_t offset = 0;

	while (header_next(text, len, &offset, &f) == HEADER_FIELD) {
		if (!header_is(&f, "Bcc") && !header_is(&f, "Resent-Bcc"))
			buf_add(out, f.start, f.len);
	}
	if (offset < len)
		buf_add(out, text + offset, len - offset);
}

/* The value without the blanks around it. */
static const char *
trimmed(const struct header_field *f, size_t *len)
{
	const char *p = f->value, *end = p + f->value_len;

	while (p < end && strchr(" \t\n", *p) != NULL)
		p++;
	while (end > p && strchr(" \t\n", end[-1]) != NULL)
		end--;
	*len = (size_t)(end - p);
	return p;
}

/*
 * The bytes before the one <address> that the value ends with; 0 when it is
 * of any other shape.
 */
static size_t
name_before(const char *p, size_t len)
{
	bool quoted = false;
	size_t n = len;

	for (size_t i = 0; i < len; i++) {
		bool again = p[i] == '<' && n != len;
		bool early = p[i] == '>' && (n == len || i + 1 != len);

		if (p[i] == '\\' && i + 1 < len) {
			i++;
			continue;
		}
		if (p[i] == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (strchr("(,;:", p[i]) != NULL || again || early)
			return 0;
		if (p[i] == '<')
			n = i;
	}
	return quoted || n == len || p[len - 1] != '>' ? 0 : n;
}

void
header_masquerade(
    const char *text, size_t len, const char *address, struct buf *out)
{
	struct header_field f;
	size_t offset = 0, n;
	bool done = false;

	while (header_next(text, len, &offset, &f) == HEADER_FIELD) {
		const char *value;

		if (!header_is(&f, "From")) {
			buf_add(out, f.start, f.len);
			continue;
		}
		if (done)
			continue;
		value = trimmed(&f, &n);
		buf_add_str(out, "From: ");
		buf_add(out, value, name_before(value, n));
		buf_printf(out, "<%s>\n", address);
		done = true;
	}
	if (offset < len)
		buf_add(out, text + offset, len - offset);
}

static bool
value_is(const struct header_field *f, const char *value)
{
	size_t len;
	const char *p = trimmed(f, &len);

	return len == strlen(value) && strncasecmp(p, value, len) == 0;
}

bool
header_delivered_to(const char *text, size_t len, const char *address)
{
	struct header_field f;
	size_t offset = 0;

	while (header_next(text, len, &offset, &f) == HEADER_FIELD) {
		if (header_is(&f, "Delivered-To") && value_is(&f, address))
			return true;
	}
	return false;
}

bool
header_is_spam(const char *text, size_t len)
{
	struct header_field f;
	size_t offset = 0;

	while (header_next(text, len, &offset, &f) == HEADER_FIELD) {
		if ((header_is(&f, "X-Spam") || header_is(&f, "X-Spam-Flag")) &&
		    value_is(&f, "yes"))
			return true;
	}
	return false;
}
