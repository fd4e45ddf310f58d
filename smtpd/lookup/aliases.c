/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/lookup/aliases.h"

static bool
starts(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* "error:550 text": a code of 4xx or 5xx, a blank, a text. */
static bool
error_valid(const char *s)
{
	return (s[0] == '4' || s[0] == '5') && isdigit((unsigned char)s[1]) &&
	    isdigit((unsigned char)s[2]) && s[3] == ' ' && s[4] != '\0';
}

static bool
user_valid(const char *s)
{
	struct address a;

	return address_parse(s, strlen(s), true, &a) && a.domain[0] == '\0';
}

static const char *
after_blank(const char *s)
{
	return s + strspn(s, " \t");
}

/* Decide what the target text is.  Fills t, taking a copy of the text. */
static int
classify(const char *text, struct alias_target *t, struct err *e)
{
	const char *rest = text;

	if (text[0] == '|') {
		t->kind = ALIAS_COMMAND;
		rest = after_blank(text + 1);
	} else if (text[0] == '/') {
		t->kind = ALIAS_FILE;
	} else if (starts(text, ":include:") || starts(text, "include:")) {
		t->kind = ALIAS_INCLUDE;
		rest = after_blank(text + (text[0] == ':' ? 9 : 8));
	} else if (starts(text, ":error:") || starts(text, "error:")) {
		t->kind = ALIAS_ERROR;
		rest = after_blank(text + (text[0] == ':' ? 7 : 6));
		if (!error_valid(rest)) {
			err_set(e, ERR_CORRUPT,
			    "\"%s\": expected error: and a reply of 4xx or "
			    "5xx with a text",
			    text);
			return -1;
		}
	} else {
		t->final = text[0] == '\\';
		rest = text + t->final;
		t->kind = ALIAS_ADDRESS;
		if (!address_parse(rest, strlen(rest), true, &t->address)) {
			err_set(e, ERR_CORRUPT,
			    "\"%s\" is neither a user nor an address", text);
			return -1;
		}
		if (t->address.domain[0] == '\0')
			t->kind = ALIAS_USER;
	}
	if (rest[0] == '\0' || (t->kind == ALIAS_USER && !user_valid(rest))) {
		err_set(e, ERR_CORRUPT, "\"%s\" names nothing", text);
		return -1;
	}
	t->text = xstrdup(rest);
	return 0;
}

static int
add_target(struct alias_list *l, struct buf *text, struct err *e)
{
	struct alias_target t = { 0 };
	const char *s;

	while (text->len > 0 && isspace(text->data[text->len - 1]))
		text->len--;
	s = buf_str(text);
	s = after_blank(s);
	if (*s == '\0')
		return 0;
	if (l->n == ALIASES_MAX || strlen(s) > ALIASES_TEXT) {
		err_set(e, ERR_LIMIT, "more than %d targets, or a long one",
		    ALIASES_MAX);
		return -1;
	}
	if (classify(s, &t, e) == -1)
		return -1;
	l->targets = xreallocarray(l->targets, l->n + 1, sizeof(*l->targets));
	l->targets[l->n++] = t;
	return 0;
}

/*
 * Read one target from text to the comma, the comment or the end; returns
 * how far.  Quotes around a whole target are dropped; within "local"@domain
 * they belong to the address and stay.
 */
static size_t
take_target(const char *text, size_t len, struct buf *out)
{
	size_t i = 0, lead, quote_end = 0;
	bool whole = false, quoted = false;

	while (i < len && isspace((unsigned char)text[i]))
		i++;
	lead = i;
	if (i < len && text[i] == '"') {
		for (quote_end = i + 1;
		     quote_end < len && text[quote_end] != '"'; quote_end++) {
			if (text[quote_end] == '\\')
				quote_end++;
		}
		whole = quote_end + 1 >= len || text[quote_end + 1] != '@';
	}
	for (; i < len; i++) {
		char c = text[i];

		if (c == '"') {
			quoted = !quoted;
			if (whole)
				continue;
		} else if (c == '\\' && i + 1 < len && (quoted || i != lead)) {
			if (!whole && quoted)
				buf_add_u8(out, (uint8_t)c);
			c = text[++i];
		} else if (!quoted && (c == ',' || c == '#')) {
			break;
		}
		buf_add_u8(out, (uint8_t)c);
	}
	return i;
}

int
aliases_parse(
    const char *text, size_t len, struct alias_list *out, struct err *e)
{
	struct buf one = { 0 };
	size_t i = 0;
	int rc = 0;

	if (memchr(text, '\0', len) != NULL) {
		err_set(e, ERR_CORRUPT, "a NUL byte");
		return -1;
	}
	while (i < len && text[i] != '#' && rc == 0) {
		buf_reset(&one);
		i += take_target(text + i, len - i, &one);
		rc = add_target(out, &one, e);
		if (i < len && text[i] == ',')
			i++;
	}
	buf_free(&one);
	if (rc == -1)
		alias_list_free(out);
	return rc;
}

int
aliases_parse_file(
    const char *text, size_t len, struct alias_list *out, struct err *e)
{
	size_t at = 0;
	unsigned line = 0;

	while (at < len) {
		const char *lf = memchr(text + at, '\n', len - at);
		size_t n = lf == NULL ? len - at : (size_t)(lf - text) - at;

		line++;
		if (aliases_parse(text + at, n, out, e) == -1) {
			err_wrap(e, "line %u", line);
			return -1;
		}
		at += n + 1;
	}
	return 0;
}

static int
give_entry(const char *path, unsigned line, struct buf *entry, aliases_cb *cb,
    void *arg, struct err *e)
{
	char *name, *colon;
	int rc = 0;

	name = xstrdup(after_blank(buf_str(entry)));
	buf_reset(entry);
	colon = strchr(name, ':');
	if (name[0] != '\0' && name[0] != '#') {
		size_t n = colon == NULL ? 0 : (size_t)(colon - name);

		while (n > 0 && isspace((unsigned char)name[n - 1]))
			n--;
		if (n == 0) {
			err_set(e, ERR_CORRUPT,
			    "%s:%u: expected a name and a colon", path, line);
			rc = -1;
		} else {
			name[n] = '\0';
			rc = cb(name, after_blank(colon + 1), arg, e);
			if (rc == -1)
				err_wrap(e, "%s:%u", path, line);
		}
	}
	free(name);
	return rc;
}

int
aliases_each(const char *path, const char *text, size_t len, aliases_cb *cb,
    void *arg, struct err *e)
{
	struct buf entry = { 0 };
	size_t at = 0;
	unsigned line = 0;
	int rc = 0;

	while (at < len && rc == 0) {
		const char *lf = memchr(text + at, '\n', len - at);
		size_t n = lf == NULL ? len - at : (size_t)(lf - text) - at;
		bool more = n > 0 && (text[at] == ' ' || text[at] == '\t');

		if (!more && entry.len > 0)
			rc = give_entry(path, line, &entry, cb, arg, e);
		buf_add(&entry, text + at, n);
		line++;
		at += n + 1;
	}
	if (rc == 0 && entry.len > 0)
		rc = give_entry(path, line, &entry, cb, arg, e);
	buf_free(&entry);
	return rc;
}

void
alias_list_free(struct alias_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->targets[i].text);
	free(l->targets);
	*l = (struct alias_list){ 0 };
}
