/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/smtp/header.h"

#include "smtpd/deliver/delivery.h"

#define BODY_FILE_MAX (4ULL << 30)

static void
put_text(struct buf *out, const char *s)
{
	buf_add_u8(out, s != NULL);
	if (s == NULL)
		return;
	wire_put_varint(out, strlen(s));
	buf_add_str(out, s);
}

static char *
get_text(struct wire *w)
{
	const uint8_t *p;
	size_t len;

	if (wire_u8(w) == 0)
		return NULL;
	len = (size_t)wire_varint(w);
	p = wire_bytes(w, len);
	return p == NULL ? NULL : xstrndup((const char *)p, len);
}

static void
put_address(struct buf *out, const struct address *a)
{
	put_text(out, a->local);
	put_text(out, a->domain);
}

static void
get_address(struct wire *w, struct address *a)
{
	char *local = get_text(w), *domain = get_text(w);

	if (local == NULL || domain == NULL ||
	    strlen(local) > ADDRESS_LOCAL_MAX ||
	    strlen(domain) > ADDRESS_DOMAIN_MAX) {
		w->bad = true;
	} else {
		memcpy(a->local, local, strlen(local) + 1);
		memcpy(a->domain, domain, strlen(domain) + 1);
	}
	free(local);
	free(domain);
}

void
delivery_encode(const struct delivery *d, struct buf *out)
{
	wire_put_u64(out, d->id);
	wire_put_u32(out, d->uid);
	wire_put_u32(out, d->gid);
	buf_add_u8(out, (uint8_t)d->method);
	buf_add_u8(out, d->junk);
	buf_add_u8(out, d->lmtp_rcpt_to);
	buf_add_u8(out, (uint8_t)d->delimiter);
	put_text(out, d->user);
	put_text(out, d->home);
	put_text(out, d->hostname);
	put_text(out, d->target);
	put_text(out, d->wrapper);
	put_text(out, d->exec);
	put_address(out, &d->sender);
	put_address(out, &d->rcpt);
	put_address(out, &d->dest);
	wire_put_u64(out, d->body_len);
	buf_add_u8(out, d->body != NULL);
	if (d->body != NULL)
		buf_add(out, d->body, d->body_len);
}

bool
delivery_decode(const void *data, size_t len, struct delivery *d)
{
	struct wire w;
	uint8_t method;

	memset(d, 0, sizeof(*d));
	d->body_fd = -1;
	wire_init(&w, data, len);
	d->id = wire_u64(&w);
	d->uid = wire_u32(&w);
	d->gid = wire_u32(&w);
	method = wire_u8(&w);
	d->method = method;
	d->junk = wire_u8(&w) != 0;
	d->lmtp_rcpt_to = wire_u8(&w) != 0;
	d->delimiter = (char)wire_u8(&w);
	d->user = get_text(&w);
	d->home = get_text(&w);
	d->hostname = get_text(&w);
	d->target = get_text(&w);
	d->wrapper = get_text(&w);
	d->exec = get_text(&w);
	get_address(&w, &d->sender);
	get_address(&w, &d->rcpt);
	get_address(&w, &d->dest);
	d->body_len = (size_t)wire_u64(&w);
	if (wire_u8(&w) != 0)
		d->body = wire_bytes(&w, d->body_len);
	if (wire_done(&w) && method < CONF_RELAY && d->user != NULL &&
	    d->home != NULL && d->hostname != NULL)
		return true;
	delivery_clear(d);
	return false;
}

void
delivery_clear(struct delivery *d)
{
	free(d->user);
	free(d->home);
	free(d->hostname);
	free(d->target);
	free(d->wrapper);
	free(d->exec);
	memset(d, 0, sizeof(*d));
	d->body_fd = -1;
}

void
delivery_trace(const struct delivery *d, struct buf *out)
{
	char text[ADDRESS_TEXT_LEN];

	buf_printf(out, "Return-Path: <%s>\n", address_text(&d->sender, text));
	buf_printf(out, "Delivered-To: %s\n", address_text(&d->dest, text));
}

bool
delivery_body(const struct delivery *d, struct buf *keep, const uint8_t **body,
    size_t *len)
{
	struct stat st;
	struct err e;
	size_t got;

	if (d->body_fd == -1) {
		*body = d->body;
		*len = d->body_len;
		return d->body != NULL;
	}
	if (fstat(d->body_fd, &st) == -1 ||
	    (uint64_t)st.st_size > BODY_FILE_MAX)
		return false;
	*len = (size_t)st.st_size;
	*body = buf_reserve(keep, *len + 1);
	if (fs_pread_full(d->body_fd, keep->data, *len, 0, &got, &e) == -1 ||
	    got != *len)
		return false;
	keep->len = *len;
	return true;
}

size_t
delivery_header(const struct delivery *d, struct buf *keep, const char **header)
{
	size_t len = d->body_len;
	struct err e;

	*header = d->body == NULL ? "" : (const char *)d->body;
	if (d->body_fd != -1) {
		buf_reserve(keep, DELIVERY_HEAD);
		if (fs_pread_full(d->body_fd, keep->data, DELIVERY_HEAD, 0,
			&len, &e) == -1)
			len = 0;
		*header = (const char *)keep->data;
	}
	return (size_t)header_length(*header, len, true);
}

bool
delivery_loops(const struct delivery *d)
{
	char text[ADDRESS_TEXT_LEN];
	struct buf keep = { 0 };
	const char *header;
	size_t len = delivery_header(d, &keep, &header);
	bool loops =
	    header_delivered_to(header, len, address_text(&d->dest, text));

	buf_free(&keep);
	return loops;
}
