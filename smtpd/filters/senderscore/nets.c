/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conv.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/filters/senderscore/nets.h"

#define TEXT_MAX 64 /* of an address and its prefix length */

struct net {
	struct net_addr base;
	unsigned bits;
};

struct nets {
	struct net *net;
	size_t n;
};

static bool
parse_addr(const char *text, struct net_addr *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	out->len = 4;
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return true;
	out->len = 16;
	if (inet_pton(AF_INET6, text, out->bytes) != 1)
		return false;
	if (memcmp(out->bytes, mapped, sizeof(mapped)) == 0) {
		memmove(out->bytes, out->bytes + sizeof(mapped), 4);
		out->len = 4;
	}
	return true;
}

bool
net_addr_parse_source(const char *text, struct net_addr *out)
{
	char copy[TEXT_MAX];
	const char *end = strrchr(text, ':');
	size_t len;

	if (text[0] == '[')
		end = strchr(++text, ']');
	if (end == NULL)
		return false;
	len = (size_t)(end - text);
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return parse_addr(copy, out);
}

/* Whether the first bits of a are those of base. */
static bool
within(const struct net_addr *a, const struct net_addr *base, unsigned bits)
{
	size_t whole = bits / 8;
	unsigned mask = 0xff00U >> bits % 8 & 0xffU;

	if (a->len != base->len || memcmp(a->bytes, base->bytes, whole) != 0)
		return false;
	return mask == 0 ||
	    ((a->bytes[whole] ^ base->bytes[whole]) & mask) == 0;
}

bool
net_addr_is_local(const struct net_addr *a)
{
	static const struct net local[] = {
		{ { { 127 }, 4 }, 8 },
		{ { { 10 }, 4 }, 8 },
		{ { { 172, 16 }, 4 }, 12 },
		{ { { 192, 168 }, 4 }, 16 },
		{ { { 169, 254 }, 4 }, 16 },
		{ { { 100, 64 }, 4 }, 10 },
		{ { { [15] = 1 }, 16 }, 128 },
		{ { { 0xfe, 0x80 }, 16 }, 10 },
		{ { { 0xfc }, 16 }, 7 },
	};

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (within(a, &local[i].base, local[i].bits))
			return true;
	return false;
}

/* One network from its text, which is cut up. */
static bool
parse_net(char *text, struct net *out)
{
	char *slash = strchr(text, '/');
	uint64_t bits;

	if (slash != NULL)
		*slash++ = '\0';
	if (!parse_addr(text, &out->base))
		return false;
	bits = out->base.len * 8;
	if (slash != NULL && !conv_u64(slash, 0, bits, &bits))
		return false;
	out->bits = (unsigned)bits;
	return true;
}

/* The line's text without blanks and comment; false when it is too long. */
static bool
trim(const char *line, size_t len, char out[TEXT_MAX])
{
	const char *comment = memchr(line, '#', len);

	if (comment != NULL)
		len = (size_t)(comment - line);
	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
		len--;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (len >= TEXT_MAX)
		return false;
	if (len > 0)
		memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

struct nets *
nets_parse(const char *text, size_t len, struct err *e)
{
	struct nets *nets = xcalloc(1, sizeof(*nets));
	char word[TEXT_MAX];
	unsigned number = 0;

	while (len > 0) {
		const char *lf = memchr(text, '\n', len);
		size_t line_len = lf == NULL ? len : (size_t)(lf - text);
		struct net net;
		bool good = trim(text, line_len, word);

		number++;
		if (good && word[0] != '\0') {
			good = parse_net(word, &net);
			nets->net =
			    xreallocarray(nets->net, nets->n + 1, sizeof(net));
			nets->net[nets->n++] = net;
		}
		if (!good) {
			err_set(e, ERR_CORRUPT,
			    "line %u: not an address or a network", number);
			nets_free(nets);
			return NULL;
		}
		text += line_len;
		len -= line_len;
		if (len > 0) {
			text++;
			len--;
		}
	}
	return nets;
}

void
nets_free(struct nets *nets)
{
	if (nets == NULL)
		return;
	free(nets->net);
	free(nets);
}

bool
nets_hold(const struct nets *nets, const struct net_addr *a)
{
	for (size_t i = 0; nets != NULL && i < nets->n; i++)
		if (within(a, &nets->net[i].base, nets->net[i].bits))
			return true;
	return false;
}
