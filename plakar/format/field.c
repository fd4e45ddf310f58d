/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "plakar/format/field.h"

void
field_reader_init(struct field_reader *fr, const void *data, size_t len)
{
	wire_init(&fr->w, data, len);
	fr->last = 0;
	fr->any = false;
}

int
field_next(struct field_reader *fr, struct field *f, struct err *e)
{
	uint64_t len;

	if (wire_done(&fr->w))
		return 0;
	f->tag = wire_varint(&fr->w);
	len = wire_varint(&fr->w);
	if (!wire_ok(&fr->w) || len > fr->w.left) {
		err_set(e, ERR_CORRUPT, "the fields are cut short");
		return -1;
	}
	f->len = (size_t)len;
	f->data = wire_bytes(&fr->w, f->len);
	f->again = fr->any && f->tag == fr->last;
	if (fr->any && f->tag < fr->last) {
		err_set(e, ERR_CORRUPT, "field %" PRIu64 " after %" PRIu64,
		    f->tag, fr->last);
		return -1;
	}
	fr->last = f->tag;
	fr->any = true;
	return 1;
}

static int
check_len(const struct field *f, size_t len, struct err *e)
{
	if (f->len == len)
		return 0;
	err_set(
	    e, ERR_CORRUPT, "field %" PRIu64 " of %zu bytes", f->tag, f->len);
	return -1;
}

int
field_u8(const struct field *f, uint8_t *v, struct err *e)
{
	if (check_len(f, 1, e) == -1)
		return -1;
	*v = f->data[0];
	return 0;
}

int
field_u64(const struct field *f, uint64_t *v, struct err *e)
{
	if (check_len(f, 8, e) == -1)
		return -1;
	*v = wire_load64(f->data);
	return 0;
}

int
field_bytes(const struct field *f, void *out, size_t len, struct err *e)
{
	if (check_len(f, len, e) == -1)
		return -1;
	memcpy(out, f->data, len);
	return 0;
}

void
field_put(struct buf *out, uint64_t tag, const void *data, size_t len)
{
	wire_put_varint(out, tag);
	wire_put_varint(out, len);
	buf_add(out, data, len);
}

void
field_put_u8(struct buf *out, uint64_t tag, uint8_t v)
{
	field_put(out, tag, &v, 1);
}

void
field_put_u64(struct buf *out, uint64_t tag, uint64_t v)
{
	uint8_t bytes[8];

	wire_store64(bytes, v);
	field_put(out, tag, bytes, sizeof(bytes));
}

void
field_put_str(struct buf *out, uint64_t tag, const char *s)
{
	field_put(out, tag, s, strlen(s));
}
