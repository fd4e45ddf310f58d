/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdbool.h>
#include <string.h>

#include "lib/buf.h"

#include "smtpd/smtp/header.h"

#include "smtpd/smtp/qualify.h"

#define FOLD_AT 800 /* bytes of a line; the next address is shorter than 198 */

enum token {
	TOKEN_WORD, /* an atom or a quoted string */
	TOKEN_SPECIAL,
	TOKEN_END,
	TOKEN_BAD
};

/* How much of an address without a domain there is. */
enum local {
	LOCAL_NONE,
	LOCAL_WHOLE,
	LOCAL_DOT,  /* a word must follow */
	LOCAL_OTHER /* a phrase, or it has a domain, or nonsense */
};

/* The list of addresses that a field is, while it is read and copied. */
struct list {
	const char *p; /* the value */
	size_t len, at;
	size_t copied; /* of the value, to out */
	const char *domain;
	struct buf *out;
	size_t line;    /* where the line starts in out */
	bool longer;    /* that line, by what was added */
	bool angle;     /* within <> */
	bool group;     /* within name: ; */
	enum local now; /* of the address, or of what is within <> */
	size_t end;     /* of its last word */
};

static bool
is_address_field(const struct header_field *f)
{
	static const char *const names[] = { "From", "Sender", "Reply-To", "To",
		"Cc", "Bcc", "Resent-From", "Resent-Sender", "Resent-Reply-To",
		"Resent-To", "Resent-Cc", "Resent-Bcc" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (header_is(f, names[i]))
			return true;
	}
	return false;
}

/* Past what begins at *at, up to its closing byte; false: it has none. */
static bool
skip_quoted(const struct list *l, size_t *at, char close)
{
	unsigned depth = 1;

	for (++*at; *at < l->len; ++*at) {
		char c = l->p[*at];

		if (c == '\\')
			++*at;
		else if (c == close && --depth == 0)
			break;
		else if (c == '(' && close == ')')
			depth++;
	}
	if (*at >= l->len)
		return false;
	++*at;
	return true;
}

static bool
skip_blanks(struct list *l)
{
	while (l->at < l->len && strchr(" \t\n(", l->p[l->at]) != NULL) {
		if (l->p[l->at] != '(')
			l->at++;
		else if (!skip_quoted(l, &l->at, ')'))
			return false;
	}
	return true;
}

/* The next token; a special byte, or a domain in brackets as '[', in *c. */
static enum token
next_token(struct list *l, char *c)
{
	static const char specials[] = ",:;<>@.";

	if (!skip_blanks(l))
		return TOKEN_BAD;
	if (l->at == l->len)
		return TOKEN_END;
	*c = l->p[l->at];
	if (*c == '"')
		return skip_quoted(l, &l->at, '"') ? TOKEN_WORD : TOKEN_BAD;
	if (*c == '[')
		return skip_quoted(l, &l->at, ']') ? TOKEN_SPECIAL : TOKEN_BAD;
	if (strchr(specials, *c) != NULL) {
		l->at++;
		return TOKEN_SPECIAL;
	}
	if (memchr("\\)]", *c, 3) != NULL)
		return TOKEN_BAD;
	while (l->at < l->len &&
	    strchr(" \t\n()<>[]:;@\\,.\"", l->p[l->at]) == NULL)
		l->at++;
	return TOKEN_WORD;
}

/* Copy the value up to end. */
static void
copy_to(struct list *l, size_t end)
{
	for (; l->copied < end; l->copied++) {
		buf_add_u8(l->out, (uint8_t)l->p[l->copied]);
		if (l->p[l->copied] == '\n') {
			l->line = l->out->len;
			l->longer = false;
		}
	}
}

/* The address is read: it gets its domain, if it needs one. */
static void
end_local(struct list *l)
{
	if (l->now == LOCAL_WHOLE) {
		copy_to(l, l->end);
		buf_add_u8(l->out, '@');
		buf_add_str(l->out, l->domain);
		l->longer = true;
	}
	l->now = LOCAL_NONE;
}

/* After a comma. */
static void
fold(struct list *l)
{
	copy_to(l, l->at);
	if (!l->longer || l->out->len - l->line < FOLD_AT || l->at == l->len ||
	    l->p[l->at] == '\n')
		return;
	buf_add_u8(l->out, '\n');
	l->line = l->out->len;
	l->longer = false;
	if (l->p[l->at] != ' ' && l->p[l->at] != '\t')
		buf_add_u8(l->out, '\t');
}

static void
take_word(struct list *l)
{
	l->now = l->now == LOCAL_NONE || l->now == LOCAL_DOT ? LOCAL_WHOLE :
							       LOCAL_OTHER;
	l->end = l->at;
}

/* Within <>: false when that is no address at all. */
static bool
take_angle(struct list *l, char c)
{
	switch (c) {
	case '>':
		end_local(l);
		l->angle = false;
		l->now = LOCAL_OTHER;
		return true;
	case '.':
		l->now = l->now == LOCAL_WHOLE ? LOCAL_DOT : LOCAL_OTHER;
		return true;
	case '<':
	case ';':
		return false;
	default: /* a domain, or a route */
		l->now = LOCAL_OTHER;
		return true;
	}
}

static bool
take_special(struct list *l, char c)
{
	switch (c) {
	case '<':
		l->angle = true;
		l->now = LOCAL_NONE;
		return true;
	case '.':
		l->now = l->now == LOCAL_WHOLE ? LOCAL_DOT : LOCAL_OTHER;
		return true;
	case ':':
		if (l->group || l->now == LOCAL_NONE)
			return false;
		l->group = true;
		l->now = LOCAL_NONE;
		return true;
	case ',':
	case ';':
		end_local(l);
		l->group = l->group && c == ',';
		fold(l);
		return true;
	case '>':
		return false;
	default:
		l->now = LOCAL_OTHER;
		return true;
	}
}

/* Copy one field; false, and some of it is copied, when it is nonsense. */
static bool
qualify(struct list *l)
{
	enum token t;
	char c = 0;

	while ((t = next_token(l, &c)) != TOKEN_END) {
		if (t == TOKEN_BAD)
			return false;
		if (t == TOKEN_WORD)
			take_word(l);
		else if (!(l->angle ? take_angle : take_special)(l, c))
			return false;
	}
	if (l->angle)
		return false;
	end_local(l);
	copy_to(l, l->len);
	return true;
}

static void
qualify_field(const struct header_field *f, const char *domain, struct buf *out)
{
	size_t before = out->len;
	struct list l = { .p = f->value,
		.len = f->value_len,
		.domain = domain,
		.out = out,
		.line = before };

	buf_add(out, f->start, f->len - f->value_len);
	if (qualify(&l))
		return;
	out->len = before;
	buf_add(out, f->start, f->len);
}

void
qualify_header(
    const char *text, size_t len, const char *domain, struct buf *out)
{
	struct header_field f;
	size_t offset = 0;

	while (header_next(text, len, &offset, &f) == HEADER_FIELD) {
		if (is_address_field(&f))
			qualify_field(&f, domain, out);
		else
			buf_add(out, f.start, f.len);
	}
	if (offset < len)
		buf_add(out, text + offset, len - offset);
}
