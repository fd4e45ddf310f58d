/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * relay_url: the name of a host that mail is handed to,
 * [scheme://][label@]host[:port], or lmtp:// and the path of a socket.
 *
 * Source: smtpd.conf(5), "relay".
 */
#ifndef SMTPD_SMTP_RELAYURL_H
#define SMTPD_SMTP_RELAYURL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/smtp/address.h"

#define RELAY_LABEL_MAX 64
#define RELAY_PATH_MAX  107 /* bytes: what a socket's address holds */

enum relay_tls {
	RELAY_TLS_MAYBE,    /* when offered, unverified */
	RELAY_TLS_REQUIRED, /* by STARTTLS, verified */
	RELAY_TLS_NEVER,
	RELAY_TLS_IMPLICIT /* from the first byte, verified */
};

struct relay_url {
	bool lmtp;
	enum relay_tls tls;
	char label[RELAY_LABEL_MAX + 1];   /* "": none */
	char host[ADDRESS_DOMAIN_MAX + 1]; /* a name, or a literal; or "" */
	char path[RELAY_PATH_MAX + 1];     /* of a socket; then no host */
	uint16_t port;
};

struct err;

/*
 * tls: who relays asks for it, whatever the scheme offers.  ERR_USAGE says
 * what is wrong with text.
 */
int relay_url_parse(const char *text, bool tls, struct relay_url *out,
    struct err *e) ATTR_CHECKED;

const char *relay_url_scheme(const struct relay_url *u);

#endif
