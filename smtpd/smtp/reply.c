/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/conv.h"

#include "smtpd/smtp/reply.h"

void
smtp_reply_clear(struct smtp_reply *r)
{
	buf_free(&r->text);
	*r = (struct smtp_reply){ 0 };
}

static bool
digit(char c, char low, char high)
{
	return c >= low && c <= high;
}

/* A whole line is in r->line. */
static enum smtp_reply_status
take_line(struct smtp_reply *r)
{
	const char *l = r->line;
	size_t len = r->line_len;
	unsigned code;

	r->line_len = 0;
	if (len > 0 && l[len - 1] == '\r')
		len--;
	if (len < 3 || !digit(l[0], '2', '5') || !digit(l[1], '0', '9') ||
	    !digit(l[2], '0', '9') || (len > 3 && l[3] != ' ' && l[3] != '-'))
		return SMTP_REPLY_BAD;
	code = (unsigned)(l[0] - '0') * 100 + (unsigned)(l[1] - '0') * 10 +
	    (unsigned)(l[2] - '0');
	if (r->n_lines > 0 && code != r->code)
		return SMTP_REPLY_BAD;
	r->code = code;
	if (++r->n_lines > SMTP_REPLY_LINES)
		return SMTP_REPLY_BAD;
	for (size_t i = 4; i < len; i++)
		buf_add_u8(&r->text,
		    l[i] < ' ' || l[i] > '~' ? (uint8_t)'?' : (uint8_t)l[i]);
	buf_add_u8(&r->text, '\n');
	return len > 3 && l[3] == '-' ? SMTP_REPLY_MORE : SMTP_REPLY_DONE;
}

enum smtp_reply_status
smtp_reply_read(
    struct smtp_reply *r, const void *data, size_t len, size_t *used)
{
	enum smtp_reply_status status = SMTP_REPLY_MORE;
	const char *p = data;

	*used = 0;
	while (status == SMTP_REPLY_MORE && *used < len && !r->bad) {
		char c = p[(*used)++];

		if (c == '\n')
			status = take_line(r);
		else if (r->line_len == SMTP_REPLY_LINE)
			status = SMTP_REPLY_BAD;
		else
			r->line[r->line_len++] = c;
	}
	if (status == SMTP_REPLY_BAD)
		r->bad = true;
	return r->bad ? SMTP_REPLY_BAD : status;
}

/* The length of an enhanced status code at p, with its blank, or 0. */
static size_t
enhanced_len(const char *p, size_t len)
{
	size_t i = 0, dots = 0;

	while (i < len && (digit(p[i], '0', '9') || p[i] == '.'))
		dots += p[i++] == '.';
	return dots == 2 && i < len && p[i] == ' ' ? i + 1 : 0;
}

const char *
smtp_reply_text(const struct smtp_reply *r, char out[SMTP_REPLY_TEXT])
{
	const char *all = (const char *)r->text.data, *p = all;
	size_t left = r->text.len, code_len = 0;
	int n = snprintf(out, SMTP_REPLY_TEXT, "%03u", r->code);

	while (left > 0 && n < SMTP_REPLY_TEXT - 1) {
		size_t len = (size_t)((const char *)memchr(p, '\n', left) - p);
		size_t skip = 0;

		/* Each line may begin with it: once is enough. */
		if (p == all)
			code_len = enhanced_len(p, len);
		else if (len >= code_len && memcmp(p, all, code_len) == 0)
			skip = code_len;
		n += snprintf(out + n, SMTP_REPLY_TEXT - (size_t)n, " %.*s",
		    (int)(len - skip), p + skip);
		p += len + 1;
		left -= len + 1;
	}
	return out;
}

static bool
is_word(const char *p, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(p, word, len) == 0;
}

/* The mechanisms of AUTH, "PLAIN LOGIN ...". */
static void
read_auth(const char *p, size_t len, struct smtp_features *out)
{
	size_t at = 0;

	while (at < len) {
		size_t n = 0;

		while (at + n < len && p[at + n] != ' ')
			n++;
		out->auth_plain |= is_word(p + at, n, "PLAIN");
		out->auth_login |= is_word(p + at, n, "LOGIN");
		at += n + 1;
	}
}

static void
read_feature(const char *p, size_t len, struct smtp_features *out)
{
	size_t n = 0;
	char number[24];

	while (n < len && p[n] != ' ' && p[n] != '=')
		n++;
	out->pipelining |= is_word(p, n, "PIPELINING");
	out->eight_bit |= is_word(p, n, "8BITMIME");
	out->utf8 |= is_word(p, n, "SMTPUTF8");
	out->dsn |= is_word(p, n, "DSN");
	out->starttls |= is_word(p, n, "STARTTLS");
	if (is_word(p, n, "AUTH") && n < len)
		read_auth(p + n + 1, len - n - 1, out);
	if (!is_word(p, n, "SIZE"))
		return;
	out->size = true;
	if (n < len && len - n - 1 < sizeof(number)) {
		snprintf(number, sizeof(number), "%.*s", (int)(len - n - 1),
		    p + n + 1);
		if (!conv_u64(number, 0, UINT64_MAX, &out->size_max))
			out->size_max = 0;
	}
}

void
smtp_features_read(const struct smtp_reply *r, struct smtp_features *out)
{
	const char *p = (const char *)r->text.data;
	size_t left = r->text.len;
	bool first = true; /* a greeting */

	*out = (struct smtp_features){ 0 };
	while (left > 0) {
		size_t len = (size_t)((const char *)memchr(p, '\n', left) - p);

		if (!first)
			read_feature(p, len, out);
		first = false;
		p += len + 1;
		left -= len + 1;
	}
}
