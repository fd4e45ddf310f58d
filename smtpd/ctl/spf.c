/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/conv.h"

#include "smtpd/ctl/spf.h"

#define VERSION "v=spf1"

static const struct {
	const char *name;
	enum spf_kind kind;
	bool needs, may; /* a name, after a colon */
	bool lengths;
} mechanisms[] = {
	{ "all", SPF_ALL, false, false, false },
	{ "include", SPF_INCLUDE, true, true, false },
	{ "a", SPF_A, false, true, true },
	{ "mx", SPF_MX, false, true, true },
	{ "ptr", SPF_PTR, false, true, false },
	{ "ip4", SPF_IP4, true, true, true },
	{ "ip6", SPF_IP6, true, true, true },
	{ "exists", SPF_EXISTS, true, true, false },
};

bool
spf_is_record(const char *text, const char **rest)
{
	size_t n = strlen(VERSION);

	if (strncasecmp(text, VERSION, n) != 0 ||
	    (text[n] != ' ' && text[n] != '\0'))
		return false;
	*rest = text + n;
	return true;
}

static bool
take_bits(const char *text, size_t len, uint64_t max, unsigned *out)
{
	char digits[4];
	uint64_t n;

	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!conv_u64(digits, 0, max, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

/* "/24", "//64" or "/24//64" at the end of text, taken away. */
static bool
take_lengths(struct spf_term *t, const char *text, size_t *len)
{
	const char *slash = memchr(text, '/', *len), *end = text + *len, *six;

	if (slash == NULL)
		return true;
	*len = (size_t)(slash - text);
	if (t->kind == SPF_IP6)
		return take_bits(
		    slash + 1, (size_t)(end - slash - 1), 128, &t->bits6);
	six = memmem(slash, (size_t)(end - slash), "//", 2);
	if (t->kind == SPF_IP4 && six != NULL)
		return false;
	if (six != NULL &&
	    !take_bits(six + 2, (size_t)(end - six - 2), 128, &t->bits6))
		return false;
	if (six == slash)
		return true;
	return take_bits(slash + 1,
	    (size_t)((six == NULL ? end : six) - slash - 1), 32, &t->bits4);
}

static bool
take_name(struct spf_term *t, const char *text, size_t len)
{
	unsigned char raw[16];

	if (len == 0 || len > SPF_NAME_MAX)
		return false;
	memcpy(t->name, text, len);
	t->name[len] = '\0';
	if (t->kind == SPF_IP4)
		return inet_pton(AF_INET, t->name, raw) == 1;
	if (t->kind == SPF_IP6)
		return inet_pton(AF_INET6, t->name, raw) == 1;
	t->macro = strchr(t->name, '%') != NULL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return true;
}

/* name=value: redirect, or one that says nothing of networks. */
static bool
parse_modifier(struct spf_term *t, const char *text, size_t n, size_t len)
{
	t->kind = SPF_OTHER;
	if (n == 8 && strncasecmp(text, "redirect", n) == 0) {
		t->kind = SPF_REDIRECT;
		return take_name(t, text + n + 1, len - n - 1);
	}
	return isalpha((unsigned char)text[0]) != 0;
}

static bool
parse_mechanism(struct spf_term *t, const char *text, size_t n, size_t len)
{
	size_t count = sizeof(mechanisms) / sizeof(mechanisms[0]), i;
	bool named = n < len && text[n] == ':';

	for (i = 0; i < count; i++) {
		if (strlen(mechanisms[i].name) == n &&
		    strncasecmp(text, mechanisms[i].name, n) == 0)
			break;
	}
	if (i == count || (mechanisms[i].needs && !named) ||
	    (named && !mechanisms[i].may))
		return false;
	t->kind = mechanisms[i].kind;
	text += n + named;
	len -= n + named;
	/* What a macro makes of its slashes is not known. */
	if (mechanisms[i].lengths && memchr(text, '%', len) == NULL &&
	    !take_lengths(t, text, &len))
		return false;
	return named ? take_name(t, text, len) : len == 0;
}

int
spf_next(const char **text, struct spf_term *out)
{
	const char *term = *text + strspn(*text, " ");
	size_t len = strcspn(term, " "), n;
	bool ok;

	*out = (struct spf_term){ .qualifier = '+', .bits4 = 32, .bits6 = 128 };
	*text = term + len;
	if (len == 0)
		return 0;
	n = strcspn(term, " :/=");
	if (n < len && term[n] == '=') {
		ok = parse_modifier(out, term, n, len);
		return ok ? 1 : -1;
	}
	if (strchr("+-~?", term[0]) != NULL) {
		out->qualifier = *term++;
		len--;
		n = strcspn(term, " :/=");
	}
	return parse_mechanism(out, term, n, len) ? 1 : -1;
}
