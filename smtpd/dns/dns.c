/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/dns/dns.h"

#define LABEL_MAX 63

static bool
name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool
name_valid(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!name_byte((uint8_t)name[i]) && name[i] != '.' &&
		    name[i] != ':')
			return false;
	}
	return true;
}

bool
dns_read_name(const void *data, size_t len, char name[DNS_NAME_MAX + 1])
{
	const uint8_t *p = data;
	size_t at = 0, n = 0;

	while (at < len && p[at] != 0) {
		size_t label = p[at++];

		if (label > LABEL_MAX || label > len - at ||
		    n + label + 1 > DNS_NAME_MAX)
			return false;
		if (n > 0)
			name[n++] = '.';
		for (size_t i = 0; i < label; i++) {
			if (!name_byte(p[at]))
				return false;
			name[n++] = (char)p[at++];
		}
	}
	if (at + 1 != len)
		return false;
	if (n == 0)
		name[n++] = '.';
	name[n] = '\0';
	return true;
}

bool
dns_read_mx(const void *data, size_t len, struct dns_host *out)
{
	const uint8_t *p = data;

	memset(out, 0, sizeof(*out));
	if (len < 3 || !dns_read_name(p + 2, len - 2, out->name))
		return false;
	out->preference = (uint16_t)(p[0] << 8 | p[1]);
	return true;
}

void
dns_add_address(struct dns_host *h, const void *data, size_t len)
{
	struct dns_address *a = &h->addresses[h->n];

	if ((len != 4 && len != 16) || h->n == DNS_ADDRESSES_MAX)
		return;
	a->len = (uint8_t)len;
	memcpy(a->bytes, data, len);
	h->n++;
}

/* Insertion: lists are short, and equals keep the order of the shuffle. */
void
dns_sort(struct dns_host *hosts, size_t n, uint32_t (*random)(void))
{
	struct dns_host *moved = xcalloc(1, sizeof(*moved));

	for (size_t i = n; i > 1; i--) {
		size_t k = random() % i;

		*moved = hosts[i - 1];
		hosts[i - 1] = hosts[k];
		hosts[k] = *moved;
	}
	for (size_t i = 1; i < n; i++) {
		size_t k = i;

		*moved = hosts[i];
		while (k > 0 && hosts[k - 1].preference > moved->preference) {
			hosts[k] = hosts[k - 1];
			k--;
		}
		hosts[k] = *moved;
	}
	free(moved);
}

size_t
dns_drop_own(struct dns_host *hosts, size_t n, const char *own)
{
	size_t kept = 0;
	unsigned limit = UINT16_MAX + 1;

	for (size_t i = 0; i < n && own[0] != '\0'; i++) {
		if (strcasecmp(hosts[i].name, own) == 0 &&
		    hosts[i].preference < limit)
			limit = hosts[i].preference;
	}
	for (size_t i = 0; i < n; i++) {
		if (hosts[i].preference < limit) {
			if (kept != i)
				hosts[kept] = hosts[i];
			kept++;
		}
	}
	return kept;
}

bool
dns_parse_address(const char *text, struct dns_address *out)
{
	char copy[DNS_ADDRESS_TEXT];
	size_t len = strlen(text);

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len > 5 && strncasecmp(text, "IPv6:", 5) == 0) {
		text += 5;
		len -= 5;
	}
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	memset(out, 0, sizeof(*out));
	out->len = strchr(copy, ':') != NULL ? 16 : 4;
	return inet_pton(
		   out->len == 16 ? AF_INET6 : AF_INET, copy, out->bytes) == 1;
}

void
dns_format_address(const struct dns_address *a, char text[DNS_ADDRESS_TEXT])
{
	if (inet_ntop(a->len == 16 ? AF_INET6 : AF_INET, a->bytes, text,
		DNS_ADDRESS_TEXT) == NULL)
		snprintf(text, DNS_ADDRESS_TEXT, "?");
}

socklen_t
dns_sockaddr(
    const struct dns_address *a, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (void *)out;
	struct sockaddr_in6 *in6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (a->len == 16) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, a->bytes, 16);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, a->bytes, 4);
	return sizeof(*in);
}

void
dns_reverse(const struct dns_address *a, char name[DNS_REVERSE_MAX])
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	if (a->len == 4) {
		snprintf(name, DNS_REVERSE_MAX, "%u.%u.%u.%u.in-addr.arpa",
		    a->bytes[3], a->bytes[2], a->bytes[1], a->bytes[0]);
		return;
	}
	for (size_t i = 16; i > 0; i--) {
		name[n++] = hex[a->bytes[i - 1] & 15];
		name[n++] = '.';
		name[n++] = hex[a->bytes[i - 1] >> 4];
		name[n++] = '.';
	}
	snprintf(name + n, DNS_REVERSE_MAX - n, "ip6.arpa");
}

void
dns_question_encode(const struct dns_question *q, struct buf *out)
{
	wire_put_u32(out, q->request);
	buf_add_u8(out, (uint8_t)q->kind);
	buf_add(out, q->name, strlen(q->name) + 1);
	buf_add_str(out, q->own);
}

bool
dns_question_decode(const void *data, size_t len, struct dns_question *q)
{
	const char *end;
	struct wire w;
	size_t n;

	memset(q, 0, sizeof(*q));
	wire_init(&w, data, len);
	q->request = wire_u32(&w);
	q->kind = wire_u8(&w);
	if (!wire_ok(&w) || q->kind >= DNS_KINDS)
		return false;
	end = memchr(w.p, '\0', w.left);
	if (end == NULL)
		return false;
	n = (size_t)(end - (const char *)w.p);
	if (n > DNS_NAME_MAX || w.left - n - 1 > DNS_NAME_MAX)
		return false;
	memcpy(q->name, w.p, n);
	memcpy(q->own, end + 1, w.left - n - 1);
	return strlen(q->own) == w.left - n - 1;
}

void
dns_answer_encode(const struct dns_answer *a, struct buf *out)
{
	wire_put_u32(out, a->request);
	buf_add_u8(out, (uint8_t)a->kind);
	buf_add_u8(out, (uint8_t)a->status);
	for (size_t i = 0; i < a->n; i++) {
		const struct dns_host *h = &a->hosts[i];
		size_t len = strlen(h->name);

		wire_put_u16(out, h->preference);
		buf_add_u8(out, (uint8_t)len);
		buf_add(out, h->name, len);
		buf_add_u8(out, (uint8_t)h->n);
		for (size_t k = 0; k < h->n; k++) {
			buf_add_u8(out, h->addresses[k].len);
			buf_add(
			    out, h->addresses[k].bytes, h->addresses[k].len);
		}
	}
}

static bool
decode_host(struct wire *w, struct dns_host *h)
{
	size_t len, n;
	const uint8_t *p;

	memset(h, 0, sizeof(*h));
	h->preference = wire_u16(w);
	len = wire_u8(w);
	p = wire_bytes(w, len);
	n = wire_u8(w);
	if (!wire_ok(w) || n > DNS_ADDRESSES_MAX ||
	    (len > 0 && !name_valid((const char *)p, len)))
		return false;
	if (len > 0)
		memcpy(h->name, p, len);
	for (size_t i = 0; i < n; i++) {
		size_t bytes = wire_u8(w);

		p = bytes == 4 || bytes == 16 ? wire_bytes(w, bytes) : NULL;
		if (p == NULL)
			return false;
		dns_add_address(h, p, bytes);
	}
	return true;
}

bool
dns_answer_decode(const void *data, size_t len, struct dns_answer *a)
{
	struct wire w;

	memset(a, 0, sizeof(*a));
	wire_init(&w, data, len);
	a->request = wire_u32(&w);
	a->kind = wire_u8(&w);
	a->status = wire_u8(&w);
	if (!wire_ok(&w) || a->kind >= DNS_KINDS || a->status >= DNS_STATUSES)
		return false;
	while (w.left > 0) {
		if (a->n == DNS_HOSTS_MAX) {
			dns_answer_clear(a);
			return false;
		}
		a->hosts = xreallocarray(a->hosts, a->n + 1, sizeof(*a->hosts));
		if (!decode_host(&w, &a->hosts[a->n])) {
			dns_answer_clear(a);
			return false;
		}
		a->n++;
	}
	return true;
}

void
dns_answer_clear(struct dns_answer *a)
{
	free(a->hosts);
	a->hosts = NULL;
	a->n = 0;
}
