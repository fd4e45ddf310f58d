/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * proxy: the header that haproxy and its kin put before a connection, version
 * 2 (binary) and version 1 (text).
 *
 * Limits: PROXY_HEADER_MAX bytes; anything longer is refused.
 * Source: "The PROXY protocol", haproxy's doc/proxy-protocol.txt, 2.1 and 2.2.
 */
#ifndef SMTPD_SMTP_PROXY_H
#define SMTPD_SMTP_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PROXY_HEADER_MAX 2048

enum proxy_result {
	PROXY_MORE,
	PROXY_BAD,
	PROXY_OK
};

struct proxy_header {
	size_t len; /* of the header */
	bool local; /* LOCAL or UNKNOWN: the connection's own addresses hold */
	struct sockaddr_storage src, dst;
};

enum proxy_result proxy_parse(
    const uint8_t *p, size_t len, struct proxy_header *out);

#endif
