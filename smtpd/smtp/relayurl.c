/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/conv.h"
#include "lib/err.h"

#include "smtpd/smtp/relayurl.h"

static const struct scheme {
	const char *name;
	bool lmtp;
	enum relay_tls tls;
	uint16_t port; /* 0: must be said */
} schemes[] = {
	{ "smtp", false, RELAY_TLS_MAYBE, 25 },
	{ "smtp+tls", false, RELAY_TLS_REQUIRED, 25 },
	{ "smtp+notls", false, RELAY_TLS_NEVER, 25 },
	{ "smtps", false, RELAY_TLS_IMPLICIT, 465 },
	{ "lmtp", true, RELAY_TLS_MAYBE, 0 },
	{ "lmtp+tls", true, RELAY_TLS_REQUIRED, 0 },
	{ "lmtp+notls", true, RELAY_TLS_NEVER, 0 },
};

#define N_SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

static const struct scheme *
find_scheme(const char *text, size_t len)
{
	for (size_t i = 0; i < N_SCHEMES; i++) {
		if (strlen(schemes[i].name) == len &&
		    memcmp(schemes[i].name, text, len) == 0)
			return &schemes[i];
	}
	return NULL;
}

static int
parse_host(const char *p, struct relay_url *out, struct err *e)
{
	const char *end = p[0] == '[' ? strchr(p, ']') : NULL, *colon;
	uint64_t port = 0;
	size_t len;

	colon = strchr(end == NULL ? p : end, ':');
	len = colon == NULL ? strlen(p) : (size_t)(colon - p);
	if (len > ADDRESS_DOMAIN_MAX || !address_domain_valid(p, len, false)) {
		err_set(e, ERR_USAGE, "not a host name or [address]");
		return -1;
	}
	memcpy(out->host, p, len);
	if (colon == NULL)
		return 0;
	if (!conv_u64(colon + 1, 1, UINT16_MAX, &port)) {
		err_set(e, ERR_USAGE, "not a port");
		return -1;
	}
	out->port = (uint16_t)port;
	return 0;
}

/* Of a socket on this machine: nobody listens on the way. */
static int
parse_path(const char *p, struct relay_url *out, struct err *e)
{
	size_t len = strlen(p);

	if (!out->lmtp || out->tls == RELAY_TLS_REQUIRED) {
		err_set(e, ERR_USAGE, "a socket's path goes with lmtp");
		return -1;
	}
	if (len > RELAY_PATH_MAX) {
		err_set(e, ERR_USAGE, "too long for a socket's path");
		return -1;
	}
	for (const char *q = p; *q != '\0'; q++) {
		if ((unsigned char)*q < ' ' || *q == 0x7f) {
			err_set(e, ERR_USAGE, "a path of printable bytes");
			return -1;
		}
	}
	memcpy(out->path, p, len + 1);
	out->tls = RELAY_TLS_NEVER;
	return 0;
}

static int
parse_rest(const char *p, struct relay_url *out, struct err *e)
{
	if (p[0] == '/')
		return parse_path(p, out, e);
	if (parse_host(p, out, e) == -1)
		return -1;
	if (out->port == 0) {
		err_set(e, ERR_USAGE, "lmtp needs a port");
		return -1;
	}
	return 0;
}

static int
settle_tls(bool tls, struct relay_url *out, struct err *e)
{
	if (tls && out->tls == RELAY_TLS_NEVER) {
		err_set(e, ERR_USAGE, "the action asks for tls");
		return -1;
	}
	if (tls && out->tls == RELAY_TLS_MAYBE)
		out->tls = RELAY_TLS_REQUIRED;
	if (out->label[0] != '\0' && out->tls != RELAY_TLS_REQUIRED &&
	    out->tls != RELAY_TLS_IMPLICIT) {
		err_set(e, ERR_USAGE, "a label needs tls, smtp+tls or smtps");
		return -1;
	}
	return 0;
}

int
relay_url_parse(
    const char *text, bool tls, struct relay_url *out, struct err *e)
{
	const char *sep = strstr(text, "://"), *p = text, *at;
	const struct scheme *s = &schemes[0];

	memset(out, 0, sizeof(*out));
	if (sep != NULL) {
		s = find_scheme(text, (size_t)(sep - text));
		p = sep + 3;
	}
	if (s == NULL) {
		err_set(e, ERR_USAGE, "no such scheme");
		return -1;
	}
	out->lmtp = s->lmtp;
	out->tls = s->tls;
	out->port = s->port;
	at = p[0] == '/' ? NULL : strchr(p, '@');
	if (at != NULL && (at == p || at - p > RELAY_LABEL_MAX)) {
		err_set(e, ERR_USAGE, "the label is empty or too long");
		return -1;
	}
	if (at != NULL) {
		memcpy(out->label, p, (size_t)(at - p));
		p = at + 1;
	}
	if (parse_rest(p, out, e) == -1)
		return -1;
	return settle_tls(tls, out, e);
}

const char *
relay_url_scheme(const struct relay_url *u)
{
	for (size_t i = 0; i < N_SCHEMES; i++) {
		if (schemes[i].lmtp == u->lmtp && schemes[i].tls == u->tls)
			return schemes[i].name;
	}
	return schemes[0].name;
}
