/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * delivery_format(): the %{...} specifiers of smtpd.conf.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#include "smtpd/deliver/delivery.h"

#define VALUE_MAX 1024

/* Bytes that a careless script could trip over; unless "raw". */
static const char unsafe[] = "!#$%&'*?`{|}~\"\\<>();\n\r\t ";

struct value {
	char text[VALUE_MAX + 1];
	bool exempt; /* from the replacement of unsafe bytes */
};

static bool
set_value(struct value *v, const char *text)
{
	size_t len = strlen(text);

	if (len > VALUE_MAX)
		return false;
	memcpy(v->text, text, len + 1);
	return true;
}

static bool
get_value(const struct delivery *d, const char *name, struct value *v)
{
	const struct {
		const char *name;
		const struct address *a;
	} addresses[] = {
		{ "sender", &d->sender },
		{ "rcpt", &d->rcpt },
		{ "dest", &d->dest },
	};
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(addresses[i].name);
		const struct address *a = addresses[i].a;

		if (strncmp(name, addresses[i].name, n) != 0)
			continue;
		if (name[n] == '\0')
			return set_value(v, address_text(a, text));
		if (strcmp(name + n, ".user") == 0)
			return set_value(v, a->local);
		if (strcmp(name + n, ".domain") == 0)
			return set_value(v, a->domain);
	}
	if (strcmp(name, "user.username") == 0)
		return set_value(v, d->user);
	if (strcmp(name, "mbox.from") == 0)
		return set_value(v,
		    d->sender.local[0] == '\0' ?
			"MAILER-DAEMON" :
			address_text(&d->sender, text));
	v->exempt = true;
	if (strcmp(name, "user.directory") == 0)
		return set_value(v, d->home);
	return false;
}

/* One end of a range; "" gives the default. */
static bool
range_end(const char *text, long len, long dflt, long *out)
{
	char *end;

	if (*text == '\0') {
		*out = dflt;
		return true;
	}
	*out = strtol(text, &end, 10);
	if (*end != '\0' || *out > VALUE_MAX || *out < -VALUE_MAX)
		return false;
	if (*out < 0)
		*out += len;
	return true;
}

/* "i", "i:j", ":j" or "i:", with j included and negatives from the end. */
static bool
cut_range(struct value *v, char *range)
{
	long len = (long)strlen(v->text), from, to;
	char *colon = strchr(range, ':');

	if (colon != NULL)
		*colon++ = '\0';
	if (!range_end(range, len, 0, &from))
		return false;
	if (colon == NULL)
		to = from;
	else if (!range_end(colon, len, len - 1, &to))
		return false;
	if (from < 0)
		from = 0;
	if (to >= len)
		to = len - 1;
	if (from > to) {
		v->text[0] = '\0';
		return true;
	}
	memmove(v->text, v->text + from, (size_t)(to - from + 1));
	v->text[to - from + 1] = '\0';
	return true;
}

static void
strip_tag(struct value *v, char delimiter)
{
	char *at = strrchr(v->text, '@');
	char *tag = strchr(v->text + (v->text[0] != '\0'), delimiter);

	if (tag == NULL || (at != NULL && tag > at))
		return;
	if (at == NULL)
		*tag = '\0';
	else
		memmove(tag, at, strlen(at) + 1);
}

static bool
apply_modifier(const struct delivery *d, struct value *v, const char *name)
{
	if (strcmp(name, "raw") == 0) {
		v->exempt = true;
	} else if (strcmp(name, "strip") == 0) {
		strip_tag(v, d->delimiter);
	} else if (strcmp(name, "lowercase") == 0) {
		for (char *p = v->text; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
	} else if (strcmp(name, "uppercase") == 0) {
		for (char *p = v->text; *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
	} else {
		return false;
	}
	return true;
}

/* spec is what stands between the braces. */
static bool
evaluate(const struct delivery *d, char *spec, struct value *v)
{
	char *modifiers = strchr(spec, '|'), *range, *save = NULL;

	memset(v, 0, sizeof(*v));
	if (modifiers != NULL)
		*modifiers++ = '\0';
	range = strchr(spec, '[');
	if (range != NULL) {
		char *end = strchr(range, ']');

		if (end == NULL || end[1] != '\0')
			return false;
		*range++ = '\0';
		*end = '\0';
	}
	if (!get_value(d, spec, v))
		return false;
	for (char *m = modifiers == NULL ? NULL :
					   strtok_r(modifiers, "|", &save);
	     m != NULL; m = strtok_r(NULL, "|", &save)) {
		if (!apply_modifier(d, v, m))
			return false;
	}
	if (range != NULL && !cut_range(v, range))
		return false;
	for (char *p = v->text; *p != '\0' && !v->exempt; p++) {
		if (strchr(unsafe, *p) != NULL)
			*p = ':';
	}
	return true;
}

bool
delivery_format(const struct delivery *d, const char *text, struct buf *out,
    struct buf *env)
{
	unsigned n = 0;

	while (*text != '\0') {
		const char *end;
		struct value v;
		char *spec;
		bool ok;

		if (text[0] != '%' || (text[1] != '{' && text[1] != '%')) {
			buf_add_u8(out, (uint8_t)*text++);
			continue;
		}
		if (text[1] == '%') {
			buf_add_u8(out, '%');
			text += 2;
			continue;
		}
		end = strchr(text, '}');
		if (end == NULL)
			return false;
		spec = xstrndup(text + 2, (size_t)(end - text) - 2);
		ok = evaluate(d, spec, &v);
		free(spec);
		if (!ok)
			return false;
		if (env == NULL) {
			buf_add_str(out, v.text);
		} else {
			buf_printf(out, "\"$SMTPD_%u\"", ++n);
			buf_printf(env, "SMTPD_%u=%s", n, v.text);
			buf_add_u8(env, '\0');
		}
		text = end + 1;
	}
	return true;
}
