/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "smtpd/smtp/sasl.h"

/* name NUL name NUL password, and what decoding writes beyond. */
#define DECODED_MAX (3 * SASL_TEXT_MAX + 2)
#define ENCODED_MAX ((DECODED_MAX + 2) / 3 * 4)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

static const char bad_base64[] = "501 5.5.2 Invalid base64";
static const char too_long[] = "500 5.5.6 Authentication exchange too long";
static const char refused[] = "535 5.7.8 Authentication failed";

void
sasl_clear(struct sasl *s)
{
	explicit_bzero(s, sizeof(*s));
}

static const char *
refuse(struct sasl *s, const char *reply)
{
	sasl_clear(s);
	return reply;
}

/* Base64, whole and without anything else; its length, or -1. */
static int
decode(const char *text, uint8_t out[ENCODED_MAX])
{
	size_t len = strlen(text), body = strspn(text, alphabet);
	size_t padding = len - body;

	if (len > ENCODED_MAX || len % 4 != 0 || padding > 2 ||
	    strspn(text + body, "=") != padding)
		return -1;
	if (len == 0)
		return 0;
	return EVP_DecodeBlock(out, (const unsigned char *)text, (int)len) -
	    (int)padding;
}

static bool
take_text(const uint8_t *from, size_t len, bool name, char *out)
{
	if (len == 0 || len > SASL_TEXT_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (from[i] == '\0' || from[i] == '\r' || from[i] == '\n' ||
		    (name && (from[i] < 0x20 || from[i] == 0x7f)))
			return false;
	}
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

/* [who to act as] NUL who NUL password: RFC 4616. */
static bool
take_plain(struct sasl *s, const uint8_t *p, size_t len)
{
	const uint8_t *user = memchr(p, '\0', len), *password = NULL;
	size_t as_len, user_len = 0;

	if (user == NULL)
		return false;
	as_len = (size_t)(user - p);
	user++;
	password = memchr(user, '\0', len - as_len - 1);
	if (password == NULL)
		return false;
	user_len = (size_t)(password - user);
	password++;
	if (as_len != 0 &&
	    (as_len != user_len || memcmp(p, user, user_len) != 0))
		return false;
	return take_text(user, user_len, true, s->user) &&
	    take_text(
		password, len - as_len - user_len - 2, false, s->password);
}

const char *
sasl_line(struct sasl *s, const char *line)
{
	uint8_t bytes[ENCODED_MAX];
	const char *reply = NULL;
	int n;

	if (strcmp(line, "*") == 0)
		return refuse(s, "501 5.7.0 Authentication cancelled");
	if (strlen(line) > ENCODED_MAX)
		return refuse(s, too_long);
	n = decode(line, bytes);
	if (n < 0)
		return refuse(s, bad_base64);
	switch (s->state) {
	case SASL_PLAIN:
		if (!take_plain(s, bytes, (size_t)n))
			reply = refuse(s, refused);
		else
			s->state = SASL_DONE;
		break;
	case SASL_LOGIN_USER:
		if (!take_text(bytes, (size_t)n, true, s->user)) {
			reply = refuse(s, refused);
			break;
		}
		s->state = SASL_LOGIN_PASSWORD;
		reply = "334 UGFzc3dvcmQ6"; /* Password: */
		break;
	case SASL_LOGIN_PASSWORD:
		if (!take_text(bytes, (size_t)n, false, s->password))
			reply = refuse(s, refused);
		else
			s->state = SASL_DONE;
		break;
	case SASL_IDLE:
	case SASL_DONE:
		reply = refuse(s, "503 5.5.1 No authentication is going on");
		break;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return reply;
}

const char *
sasl_begin(struct sasl *s, const char *arg)
{
	size_t len = strcspn(arg, " ");
	const char *initial = arg + len;

	sasl_clear(s);
	if (len == 5 && strncasecmp(arg, "PLAIN", len) == 0)
		s->state = SASL_PLAIN;
	else if (len == 5 && strncasecmp(arg, "LOGIN", len) == 0)
		s->state = SASL_LOGIN_USER;
	else if (len == 0)
		return "501 5.5.4 AUTH needs a mechanism: " SASL_NAMES;
	else
		return "504 5.5.4 Mechanism not offered: " SASL_NAMES;
	initial += strspn(initial, " ");
	if (*initial == '\0')
		return s->state == SASL_PLAIN ? "334 " : "334 VXNlcm5hbWU6";
	/* "=" stands for an answer of no bytes: RFC 4954, section 4. */
	return sasl_line(s, strcmp(initial, "=") == 0 ? "" : initial);
}
