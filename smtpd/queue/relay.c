/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/relay.h"

#define TEXT_MAX 4096

static void
put_text(struct buf *out, const char *s)
{
	size_t len = s == NULL ? 0 : strlen(s);

	wire_put_varint(out, len);
	buf_add(out, s, len);
}

/* Never NULL; a text with a NUL in it makes w bad. */
static char *
get_text(struct wire *w)
{
	size_t len = (size_t)wire_varint(w);
	const uint8_t *p;

	if (len > TEXT_MAX)
		w->bad = true;
	p = wire_bytes(w, len);
	if (p == NULL || memchr(p, '\0', len) != NULL) {
		w->bad |= len > 0;
		return xstrdup("");
	}
	return xstrndup((const char *)p, len);
}

static void
put_address(struct buf *out, const struct address *a)
{
	put_text(out, a->local);
	put_text(out, a->domain);
}

static void
get_part(struct wire *w, char *out, size_t size)
{
	char *s = get_text(w);

	if (strlen(s) >= size)
		w->bad = true;
	else
		snprintf(out, size, "%s", s);
	free(s);
}

static void
get_address(struct wire *w, struct address *a)
{
	get_part(w, a->local, sizeof(a->local));
	get_part(w, a->domain, sizeof(a->domain));
}

void
relay_task_encode(const struct relay_task *t, struct buf *out)
{
	wire_put_varint(out, t->number);
	wire_put_varint(out, t->msgid);
	wire_put_varint(out, t->body_len);
	wire_put_varint(out, t->flags);
	wire_put_varint(out, t->ret);
	put_text(out, t->action);
	put_text(out, t->domain);
	put_text(out, t->envid);
	put_address(out, &t->from);
	wire_put_varint(out, t->n);
	for (size_t i = 0; i < t->n; i++) {
		wire_put_u64(out, t->rcpts[i].id);
		wire_put_varint(out, t->rcpts[i].notify);
		put_address(out, &t->rcpts[i].to);
		put_text(out, t->rcpts[i].orcpt);
	}
}

bool
relay_task_decode(const void *data, size_t len, struct relay_task *t)
{
	struct wire w;
	size_t n;

	memset(t, 0, sizeof(*t));
	wire_init(&w, data, len);
	t->number = (uint32_t)wire_varint(&w);
	t->msgid = (uint32_t)wire_varint(&w);
	t->body_len = wire_varint(&w);
	t->flags = (uint32_t)wire_varint(&w);
	t->ret = (unsigned)wire_varint(&w);
	t->action = get_text(&w);
	t->domain = get_text(&w);
	t->envid = get_text(&w);
	get_address(&w, &t->from);
	n = (size_t)wire_varint(&w);
	if (n == 0 || n > RELAY_RCPTS)
		w.bad = true;
	else
		t->rcpts = xcalloc(n, sizeof(*t->rcpts));
	for (size_t i = 0; i < n && wire_ok(&w); i++) {
		t->rcpts[i].id = wire_u64(&w);
		t->rcpts[i].notify = (unsigned)wire_varint(&w);
		get_address(&w, &t->rcpts[i].to);
		t->rcpts[i].orcpt = get_text(&w);
		t->n++;
	}
	if (wire_done(&w))
		return true;
	relay_task_clear(t);
	return false;
}

void
relay_task_clear(struct relay_task *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->rcpts[i].orcpt);
	free(t->rcpts);
	free(t->action);
	free(t->domain);
	free(t->envid);
	memset(t, 0, sizeof(*t));
}

void
relay_result_encode(const struct relay_result *r, struct buf *out)
{
	wire_put_u64(out, r->id);
	wire_put_u64(out, r->session);
	buf_add_u8(out, (uint8_t)r->status);
	put_text(out, r->source);
	put_text(out, r->remote);
	put_text(out, r->line);
}

bool
relay_result_decode(const void *data, size_t len, struct relay_result *r)
{
	struct wire w;

	memset(r, 0, sizeof(*r));
	wire_init(&w, data, len);
	r->id = wire_u64(&w);
	r->session = wire_u64(&w);
	r->status = wire_u8(&w);
	r->source = get_text(&w);
	r->remote = get_text(&w);
	r->line = get_text(&w);
	if (wire_done(&w) && r->status < RELAY_STATUSES)
		return true;
	relay_result_clear(r);
	return false;
}

void
relay_result_clear(struct relay_result *r)
{
	free(r->source);
	free(r->remote);
	free(r->line);
	memset(r, 0, sizeof(*r));
}

void
relay_ask_encode(const struct relay_ask *a, struct buf *out)
{
	wire_put_u32(out, a->request);
	buf_add_u8(out, (uint8_t)a->kind);
	put_text(out, a->action);
	put_text(out, a->key);
}

bool
relay_ask_decode(const void *data, size_t len, struct relay_ask *a)
{
	struct wire w;

	memset(a, 0, sizeof(*a));
	wire_init(&w, data, len);
	a->request = wire_u32(&w);
	a->kind = wire_u8(&w);
	a->action = get_text(&w);
	a->key = get_text(&w);
	if (wire_done(&w) && a->kind < RELAY_WAY_KINDS)
		return true;
	relay_ask_clear(a);
	return false;
}

void
relay_ask_clear(struct relay_ask *a)
{
	free(a->action);
	free(a->key);
	memset(a, 0, sizeof(*a));
}

void
relay_way_encode(const struct relay_way *w, struct buf *out)
{
	wire_put_u32(out, w->request);
	buf_add_u8(out, (uint8_t)w->status);
	put_text(out, w->line);
	put_text(out, w->url);
	put_text(out, w->user);
	put_text(out, w->password);
	put_text(out, w->source);
	put_text(out, w->helo);
}

bool
relay_way_decode(const void *data, size_t len, struct relay_way *way)
{
	struct wire w;

	memset(way, 0, sizeof(*way));
	wire_init(&w, data, len);
	way->request = wire_u32(&w);
	way->status = wire_u8(&w);
	way->line = get_text(&w);
	way->url = get_text(&w);
	way->user = get_text(&w);
	way->password = get_text(&w);
	way->source = get_text(&w);
	way->helo = get_text(&w);
	if (wire_done(&w) && way->status < RELAY_STATUSES)
		return true;
	relay_way_clear(way);
	return false;
}

void
relay_way_clear(struct relay_way *w)
{
	if (w->password != NULL)
		explicit_bzero(w->password, strlen(w->password));
	free(w->line);
	free(w->url);
	free(w->user);
	free(w->password);
	free(w->source);
	free(w->helo);
	memset(w, 0, sizeof(*w));
}
