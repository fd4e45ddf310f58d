/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/conv.h"

#include "smtpd/lookup/table.h"

/* Glob with '*' only, in time linear but for one level of backing up. */
static bool
glob(const char *p, const char *s)
{
	const char *star = NULL, *mark = NULL;

	while (*s != '\0') {
		if (*p == '*') {
			star = p++;
			mark = s;
		} else if (tolower((unsigned char)*p) ==
		    tolower((unsigned char)*s)) {
			p++;
			s++;
		} else if (star != NULL) {
			p = star + 1;
			s = ++mark;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

bool
table_match_domain(const char *pattern, const char *domain)
{
	return domain[0] != '\0' && glob(pattern, domain);
}

/* Address and prefix length of a text; the family, or 0 for no address. */
static int
parse_network(const char *text, unsigned char addr[16], unsigned *bits)
{
	char copy[INET6_ADDRSTRLEN + 16], *slash, *p = copy, *end;
	uint64_t n;
	int family;

	if (strlen(text) >= sizeof(copy))
		return 0;
	memcpy(copy, text, strlen(text) + 1);
	slash = strchr(p, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (strncasecmp(p, "IPv6:", 5) == 0)
		p += 5;
	if (*p == '[') {
		p++;
		end = strchr(p, ']');
		if (end == NULL || end[1] != '\0')
			return 0;
		*end = '\0';
		if (strncasecmp(p, "IPv6:", 5) == 0)
			p += 5;
	}
	if (inet_pton(AF_INET, p, addr) == 1)
		family = AF_INET;
	else if (inet_pton(AF_INET6, p, addr) == 1)
		family = AF_INET6;
	else
		return 0;
	n = family == AF_INET ? 32 : 128;
	if (slash != NULL && !conv_u64(slash, 0, n, &n))
		return 0;
	*bits = (unsigned)n;
	return family;
}

bool
table_match_netaddr(const char *pattern, const char *address)
{
	unsigned char net[16], addr[16];
	unsigned bits, ignored;
	int family;

	if (strcasecmp(pattern, "local") == 0 ||
	    strcasecmp(address, "local") == 0)
		return strcasecmp(pattern, address) == 0;
	family = parse_network(pattern, net, &bits);
	if (family == 0 || parse_network(address, addr, &ignored) != family)
		return false;
	if (memcmp(net, addr, bits / 8) != 0)
		return false;
	return bits % 8 == 0 ||
	    (net[bits / 8] ^ addr[bits / 8]) >> (8 - bits % 8) == 0;
}

/* The local part of address, without its tag when the pattern has none. */
static bool
match_local(const char *pattern, size_t pattern_len, const char *local,
    size_t local_len)
{
	const char *plus;

	if (memchr(pattern, '+', pattern_len) == NULL && local_len > 0) {
		plus = memchr(local + 1, '+', local_len - 1);
		if (plus != NULL)
			local_len = (size_t)(plus - local);
	}
	return pattern_len == local_len &&
	    strncasecmp(pattern, local, local_len) == 0;
}

bool
table_match_mailaddr(const char *pattern, const char *address)
{
	const char *pat = strrchr(pattern, '@'), *at = strrchr(address, '@');
	size_t local_len =
	    at == NULL ? strlen(address) : (size_t)(at - address);

	if (pat == NULL)
		return match_local(
		    pattern, strlen(pattern), address, local_len);
	if (pat[1] != '\0' &&
	    (at == NULL || !table_match_domain(pat + 1, at + 1)))
		return false;
	return pat == pattern ||
	    match_local(pattern, (size_t)(pat - pattern), address, local_len);
}
