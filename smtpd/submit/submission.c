/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/submit/submission.h"

static const char magic[] = "maison-mail\1";

#define MAGIC_LEN (sizeof(magic) - 1)

static bool
printable(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return false;
	}
	return true;
}

/* What goes into an SMTP command as one of its parameters. */
static bool
is_parameter(const char *p, size_t len)
{
	return printable(p, len) && memchr(p, ' ', len) == NULL;
}

static bool
set(struct submission *s, enum submission_word word, const char *p, size_t len)
{
	struct address from;

	if (len >= SUBMISSION_WORD_MAX || !is_parameter(p, len) ||
	    (word == SUBMISSION_FROM && len > 0 &&
		!address_parse(p, len, true, &from)) ||
	    (word == SUBMISSION_USER && !address_parse(p, len, true, &from)))
		return false;
	memcpy(s->words[word], p, len);
	s->words[word][len] = '\0';
	return true;
}

bool
submission_set(
    struct submission *s, enum submission_word word, const char *text)
{
	return set(s, word, text, strlen(text));
}

bool
submission_add_rcpt(struct submission *s, const char *text, size_t len)
{
	struct address a;

	if (s->n_rcpts == SUBMISSION_RCPTS ||
	    !address_parse(text, len, true, &a))
		return false;
	for (size_t i = 0; i < s->n_rcpts; i++) {
		if (address_equal(&s->rcpts[i], &a))
			return true;
	}
	if ((s->n_rcpts & (s->n_rcpts - 1)) == 0)
		s->rcpts = xreallocarray(s->rcpts,
		    s->n_rcpts == 0 ? 1 : s->n_rcpts * 2, sizeof(*s->rcpts));
	s->rcpts[s->n_rcpts++] = a;
	return true;
}

static void
put_text(struct buf *out, const char *s)
{
	wire_put_varint(out, strlen(s));
	buf_add_str(out, s);
}

void
submission_encode(const struct submission *s, struct buf *out)
{
	char rcpt[ADDRESS_TEXT_LEN];

	buf_add(out, magic, MAGIC_LEN);
	for (unsigned i = 0; i < SUBMISSION_WORDS; i++)
		put_text(out, s->words[i]);
	wire_put_varint(out, s->n_rcpts);
	for (size_t i = 0; i < s->n_rcpts; i++)
		put_text(out, address_text(&s->rcpts[i], rcpt));
	buf_add(out, s->text.data, s->text.len);
}

/* The next text, borrowed; NULL when there is none. */
static const char *
get_text(struct wire *w, size_t *len)
{
	uint64_t n = wire_varint(w);

	*len = n > SUBMISSION_WORD_MAX ? SIZE_MAX : (size_t)n;
	if (*len == 0)
		return wire_ok(w) ? "" : NULL;
	return (const char *)wire_bytes(w, *len);
}

static bool
decode_envelope(struct wire *w, struct submission *s)
{
	const char *p;
	uint64_t n;
	size_t len;

	for (unsigned i = 0; i < SUBMISSION_WORDS; i++) {
		p = get_text(w, &len);
		if (p == NULL || !set(s, i, p, len))
			return false;
	}
	n = wire_varint(w);
	if (!wire_ok(w) || n == 0 || n > SUBMISSION_RCPTS)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		p = get_text(w, &len);
		if (p == NULL || !submission_add_rcpt(s, p, len))
			return false;
	}
	return true;
}

int
submission_decode(
    const void *data, size_t len, struct submission *out, struct err *e)
{
	const uint8_t *start;
	struct wire w;

	memset(out, 0, sizeof(*out));
	wire_init(&w, data, len);
	start = wire_bytes(&w, MAGIC_LEN);
	if (start == NULL || memcmp(start, magic, MAGIC_LEN) != 0 ||
	    !decode_envelope(&w, out)) {
		err_set(e, ERR_CORRUPT, "not a message of sendmail");
		submission_free(out);
		return -1;
	}
	buf_add(&out->text, w.p, w.left);
	return 0;
}

void
submission_free(struct submission *s)
{
	free(s->rcpts);
	s->rcpts = NULL;
	s->n_rcpts = 0;
	buf_free(&s->text);
}

bool
submission_name_valid(const char *name)
{
	return strlen(name) == SUBMISSION_NAME_LEN &&
	    strspn(name, "0123456789abcdef") == SUBMISSION_NAME_LEN;
}
