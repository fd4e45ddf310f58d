/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/conv.h"

#include "smtpd/smtp/proxy.h"

#define V1_MAX    107
#define V2_HEADER 16

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a,
	0x51, 0x55, 0x49, 0x54, 0x0a };

static void
set_v4(struct sockaddr_storage *ss, const uint8_t *addr, const uint8_t *port)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	sin->sin_family = AF_INET;
	memcpy(&sin->sin_addr, addr, 4);
	memcpy(&sin->sin_port, port, 2);
}

static void
set_v6(struct sockaddr_storage *ss, const uint8_t *addr, const uint8_t *port)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	sin6->sin6_family = AF_INET6;
	memcpy(&sin6->sin6_addr, addr, 16);
	memcpy(&sin6->sin6_port, port, 2);
}

static enum proxy_result
parse_v2(const uint8_t *p, size_t len, struct proxy_header *out)
{
	const uint8_t *a = p + V2_HEADER;
	size_t payload;

	if (len < V2_HEADER)
		return PROXY_MORE;
	payload = (size_t)p[14] << 8 | p[15];
	if ((p[12] & 0xf0) != 0x20 || (p[12] & 0x0f) > 1 ||
	    V2_HEADER + payload > PROXY_HEADER_MAX)
		return PROXY_BAD;
	if (len < V2_HEADER + payload)
		return PROXY_MORE;
	out->len = V2_HEADER + payload;
	out->local = (p[12] & 0x0f) == 0;
	if (out->local)
		return PROXY_OK;
	switch (p[13]) {
	case 0x11:
		if (payload < 12)
			return PROXY_BAD;
		set_v4(&out->src, a, a + 8);
		set_v4(&out->dst, a + 4, a + 10);
		return PROXY_OK;
	case 0x21:
		if (payload < 36)
			return PROXY_BAD;
		set_v6(&out->src, a, a + 32);
		set_v6(&out->dst, a + 16, a + 34);
		return PROXY_OK;
	case 0x31:
		out->src.ss_family = AF_UNIX;
		out->dst.ss_family = AF_UNIX;
		return payload < 216 ? PROXY_BAD : PROXY_OK;
	default:
		return PROXY_BAD;
	}
}

/* The next word of a v1 header, up to one space. */
static bool
next_word(char **s, char **word)
{
	*word = *s;
	*s += strcspn(*s, " ");
	if (**s == ' ')
		*(*s)++ = '\0';
	return **word != '\0';
}

static bool
set_text(
    struct sockaddr_storage *ss, int family, const char *addr, const char *port)
{
	uint8_t raw[16], raw_port[2];
	uint64_t n;

	if (inet_pton(family, addr, raw) != 1 || !conv_u64(port, 0, 65535, &n))
		return false;
	raw_port[0] = (uint8_t)(n >> 8);
	raw_port[1] = (uint8_t)n;
	if (family == AF_INET)
		set_v4(ss, raw, raw_port);
	else
		set_v6(ss, raw, raw_port);
	return true;
}

static enum proxy_result
parse_v1(const uint8_t *p, size_t len, struct proxy_header *out)
{
	char line[V1_MAX + 1], *s = line, *family, *src, *dst, *sport, *dport;
	const uint8_t *lf = memchr(p, '\n', len < V1_MAX ? len : V1_MAX);
	int af;

	if (lf == NULL)
		return len < V1_MAX ? PROXY_MORE : PROXY_BAD;
	out->len = (size_t)(lf - p) + 1;
	if (out->len < 8 || lf[-1] != '\r')
		return PROXY_BAD;
	memcpy(line, p, out->len - 2);
	line[out->len - 2] = '\0';
	if (strlen(line) != out->len - 2)
		return PROXY_BAD;
	s += strlen("PROXY ");
	if (!next_word(&s, &family))
		return PROXY_BAD;
	if (strcmp(family, "UNKNOWN") == 0) {
		out->local = true;
		return PROXY_OK;
	}
	if (strcmp(family, "TCP4") != 0 && strcmp(family, "TCP6") != 0)
		return PROXY_BAD;
	af = family[3] == '4' ? AF_INET : AF_INET6;
	if (!next_word(&s, &src) || !next_word(&s, &dst) ||
	    !next_word(&s, &sport) || !next_word(&s, &dport) || *s != '\0' ||
	    !set_text(&out->src, af, src, sport) ||
	    !set_text(&out->dst, af, dst, dport))
		return PROXY_BAD;
	return PROXY_OK;
}

enum proxy_result
proxy_parse(const uint8_t *p, size_t len, struct proxy_header *out)
{
	size_t n = len < sizeof(signature) ? len : sizeof(signature);

	memset(out, 0, sizeof(*out));
	if (memcmp(p, signature, n) == 0)
		return n < sizeof(signature) ? PROXY_MORE :
					       parse_v2(p, len, out);
	n = len < 6 ? len : 6;
	if (memcmp(p, "PROXY ", n) == 0)
		return n < 6 ? PROXY_MORE : parse_v1(p, len, out);
	return PROXY_BAD;
}
