/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/envelope.h"

#define TYPE_MAX   ENVELOPE_MTA
#define FLAGS_MASK 255U

void
envelope_init(struct envelope *ev)
{
	memset(ev, 0, sizeof(*ev));
}

void
envelope_clear(struct envelope *ev)
{
	for (size_t i = 0; i < ENVELOPE_TEXTS; i++)
		free(ev->texts[i]);
	envelope_init(ev);
}

void
envelope_copy(const struct envelope *from, struct envelope *to)
{
	*to = *from;
	for (size_t i = 0; i < ENVELOPE_TEXTS; i++) {
		if (from->texts[i] != NULL)
			to->texts[i] = xstrdup(from->texts[i]);
	}
}

const char *
envelope_text(const struct envelope *ev, enum envelope_text which)
{
	return ev->texts[which] == NULL ? "" : ev->texts[which];
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

void
envelope_set_text(
    struct envelope *ev, enum envelope_text which, const char *text)
{
	char *copy = NULL;

	if (text != NULL && text[0] != '\0') {
		copy = xstrndup(text, ENVELOPE_TEXT_MAX);
		for (char *p = copy; *p != '\0'; p++) {
			if (is_control(*p))
				*p = '?';
		}
	}
	free(ev->texts[which]);
	ev->texts[which] = copy;
}

uint32_t
envelope_msgid(uint64_t id)
{
	return (uint32_t)(id >> 32);
}

static void
put_text(struct buf *out, const char *text)
{
	wire_put_varint(out, strlen(text));
	buf_add_str(out, text);
}

static void
put_address(struct buf *out, const struct address *a)
{
	put_text(out, a->local);
	put_text(out, a->domain);
}

void
envelope_encode(const struct envelope *ev, struct buf *out)
{
	buf_add_u8(out, ENVELOPE_VERSION);
	wire_put_u64(out, ev->id);
	buf_add_u8(out, (uint8_t)ev->type);
	wire_put_varint(out, ev->flags);
	put_address(out, &ev->sender);
	put_address(out, &ev->rcpt);
	put_address(out, &ev->dest);
	wire_put_varint(out, ev->created_at);
	wire_put_varint(out, ev->last_try_at);
	wire_put_varint(out, ev->last_bounce_at);
	wire_put_varint(out, ev->ttl);
	wire_put_varint(out, ev->retry);
	wire_put_varint(out, ev->notify);
	wire_put_varint(out, ev->ret);
	for (unsigned i = 0; i < ENVELOPE_TEXTS; i++)
		put_text(out, envelope_text(ev, i));
}

/* A text of up to max bytes, without control bytes; NULL when it is bad. */
static const char *
get_text(struct wire *w, size_t max, size_t *len)
{
	uint64_t n = wire_varint(w);
	const char *p;

	*len = 0;
	if (!wire_ok(w) || n > max)
		return NULL;
	p = (const char *)wire_bytes(w, (size_t)n);
	if (p == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (is_control(p[i]))
			return NULL;
	}
	*len = (size_t)n;
	return p;
}

static bool
get_address(struct wire *w, struct address *a)
{
	size_t len;
	const char *p = get_text(w, ADDRESS_LOCAL_MAX, &len);

	if (p == NULL)
		return false;
	memcpy(a->local, p, len);
	p = get_text(w, ADDRESS_DOMAIN_MAX, &len);
	if (p == NULL)
		return false;
	memcpy(a->domain, p, len);
	return true;
}

static bool
get_fields(struct wire *w, struct envelope *ev)
{
	uint8_t type;

	if (wire_u8(w) != ENVELOPE_VERSION)
		return false;
	ev->id = wire_u64(w);
	type = wire_u8(w);
	ev->type = type;
	ev->flags = (uint32_t)wire_varint(w);
	if (type > TYPE_MAX || (ev->flags & ~FLAGS_MASK) != 0 ||
	    !get_address(w, &ev->sender) || !get_address(w, &ev->rcpt) ||
	    !get_address(w, &ev->dest))
		return false;
	ev->created_at = wire_varint(w);
	ev->last_try_at = wire_varint(w);
	ev->last_bounce_at = wire_varint(w);
	ev->ttl = wire_varint(w);
	ev->retry = (uint32_t)wire_varint(w);
	ev->notify = (unsigned)wire_varint(w);
	ev->ret = (unsigned)wire_varint(w);
	for (unsigned i = 0; i < ENVELOPE_TEXTS; i++) {
		size_t len;
		const char *p = get_text(w, ENVELOPE_TEXT_MAX, &len);

		if (p == NULL)
			return false;
		if (len > 0)
			ev->texts[i] = xstrndup(p, len);
	}
	return wire_done(w);
}

int
envelope_decode(
    const void *data, size_t len, struct envelope *ev, struct err *e)
{
	struct wire w;

	envelope_init(ev);
	wire_init(&w, data, len);
	if (get_fields(&w, ev))
		return 0;
	envelope_clear(ev);
	err_set(e, ERR_CORRUPT, "an envelope that does not decode");
	return -1;
}
