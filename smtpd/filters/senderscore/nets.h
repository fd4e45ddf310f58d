/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * nets: addresses as a report has them, and lists of networks.
 *
 * Shape:   a list is text, a network a line: an address of either family,
 *          or one with a prefix length; "#" begins a comment.
 * Errors:  a line that is neither is ERR_CORRUPT and named.
 */
#ifndef SMTPD_FILTERS_SENDERSCORE_NETS_H
#define SMTPD_FILTERS_SENDERSCORE_NETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

struct err;
struct nets;

struct net_addr {
	uint8_t bytes[16];
	size_t len; /* 4 or 16 */
};

/*
 * The address of "1.2.3.4:25", "[2001:db8::1]:25"; false for a UNIX socket
 * and for all else.  An IPv4 address in an IPv6 one is the IPv4 address.
 */
bool net_addr_parse_source(const char *text, struct net_addr *out);

/* Of a network that no stranger reaches us from: 127, 10, fe80 ... */
bool net_addr_is_local(const struct net_addr *a);

/* The list of len bytes at text, owned by the caller; or NULL. */
struct nets *nets_parse(
    const char *text, size_t len, struct err *e) ATTR_CHECKED;
void nets_free(struct nets *nets);

/* NULL holds nothing. */
bool nets_hold(const struct nets *nets, const struct net_addr *a);

#endif
