/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smtpd/smtp/address.h"

#define LABEL_MAX 63

static bool
is_alnum(unsigned char c)
{
	return c < 0x80 && isalnum(c);
}

static bool
is_atext(unsigned char c, bool utf8)
{
	if (c >= 0x80)
		return utf8;
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* The bytes of one UTF-8 sequence at p, or 0 for a malformed one. */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80           ? 1 :
	    p[0] >= 0xc2 && p[0] <= 0xdf ? 2 :
	    (p[0] & 0xf0) == 0xe0        ? 3 :
	    p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 :
					   0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static bool
utf8_valid(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	while (len > 0) {
		size_t n = utf8_len(p, len);

		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* The length of the quoted string at text, or 0. */
static size_t
quoted_len(const char *text, size_t len, bool utf8)
{
	for (size_t i = 1; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"')
			return i + 1;
		if (c == '\\' && ++i < len)
			c = (unsigned char)text[i];
		if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8))
			return 0;
	}
	return 0;
}

/* The length of the dot-string at text, up to '@' or the end, or 0. */
static size_t
dot_string_len(const char *text, size_t len, bool utf8)
{
	size_t i;

	for (i = 0; i < len && text[i] != '@'; i++) {
		if (text[i] == '.') {
			if (i == 0 || text[i - 1] == '.' || i + 1 == len ||
			    text[i + 1] == '@')
				return 0;
		} else if (!is_atext((unsigned char)text[i], utf8)) {
			return 0;
		}
	}
	return i;
}

static bool
literal_valid(const char *text, size_t len)
{
	char inside[INET6_ADDRSTRLEN];
	struct in6_addr a6;
	struct in_addr a4;

	if (len < 3 || text[len - 1] != ']' || len - 2 >= sizeof(inside) + 5)
		return false;
	text++;
	len -= 2;
	if (len > 5 && strncasecmp(text, "IPv6:", 5) == 0) {
		if (len - 5 >= sizeof(inside))
			return false;
		memcpy(inside, text + 5, len - 5);
		inside[len - 5] = '\0';
		return inet_pton(AF_INET6, inside, &a6) == 1;
	}
	if (len >= sizeof(inside))
		return false;
	memcpy(inside, text, len);
	inside[len] = '\0';
	return inet_pton(AF_INET, inside, &a4) == 1;
}

bool
address_domain_valid(const char *text, size_t len, bool utf8)
{
	size_t label = 0;

	if (len == 0 || len > ADDRESS_DOMAIN_MAX)
		return false;
	if (text[0] == '[')
		return literal_valid(text, len);
	if (utf8 && !utf8_valid(text, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!is_alnum(c) && c != '_' && !(c == '-' && label > 0) &&
		    !(c >= 0x80 && utf8))
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0 && text[len - 1] != '-';
}

bool
address_parse(const char *text, size_t len, bool utf8, struct address *out)
{
	size_t n;

	if (len == 0)
		return false;
	n = text[0] == '"' ? quoted_len(text, len, utf8) :
			     dot_string_len(text, len, utf8);
	if (n == 0 || n > ADDRESS_LOCAL_MAX || (utf8 && !utf8_valid(text, n)))
		return false;
	if (n < len) {
		if (text[n] != '@' ||
		    !address_domain_valid(text + n + 1, len - n - 1, utf8))
			return false;
	}
	memset(out, 0, sizeof(*out));
	memcpy(out->local, text, n);
	if (n < len)
		memcpy(out->domain, text + n + 1, len - n - 1);
	return true;
}

bool
address_is_null(const struct address *a)
{
	return a->local[0] == '\0' && a->domain[0] == '\0';
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return strcmp(a->local, b->local) == 0 &&
	    strcasecmp(a->domain, b->domain) == 0;
}

const char *
address_text(const struct address *a, char text[ADDRESS_TEXT_LEN])
{
	snprintf(text, ADDRESS_TEXT_LEN, "%s%s%s", a->local,
	    a->domain[0] == '\0' ? "" : "@", a->domain);
	return text;
}

static bool
has_high(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return true;
	}
	return false;
}

bool
address_is_utf8(const struct address *a)
{
	return has_high(a->local) || has_high(a->domain);
}

const char *
address_split(const struct address *a, char delimiter, char *base)
{
	const char *p = a->local[0] == '"' || a->local[0] == delimiter ?
	    NULL :
	    strchr(a->local, delimiter);
	size_t n = p == NULL ? strlen(a->local) : (size_t)(p - a->local);

	memcpy(base, a->local, n);
	base[n] = '\0';
	return p == NULL ? "" : p + 1;
}
