/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/buf.h"

#include "smtpd/smtp/dot.h"

/* Bytes of one line, none of them LF, CR or NUL. */
static void
add_text(struct smtp_dot *d, const char *p, size_t len, struct buf *out)
{
	while (len > 0) {
		size_t n = SMTP_DOT_LINE - d->column;

		if (n == 0) {
			buf_add_str(out, "\r\n ");
			d->column = 1;
			continue;
		}
		if (n > len)
			n = len;
		if (d->column == 0 && p[0] == '.')
			buf_add_u8(out, '.');
		buf_add(out, p, n);
		d->column += n;
		p += n;
		len -= n;
	}
}

/* The same, with the bytes left out that must not be there. */
static void
add_clean(struct smtp_dot *d, const char *p, size_t len, struct buf *out)
{
	size_t from = 0;

	if (memchr(p, '\r', len) == NULL && memchr(p, '\0', len) == NULL) {
		add_text(d, p, len, out);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (p[i] != '\r' && p[i] != '\0')
			continue;
		add_text(d, p + from, i - from, out);
		from = i + 1;
	}
	add_text(d, p + from, len - from, out);
}

void
smtp_dot_add(struct smtp_dot *d, const void *data, size_t len, struct buf *out)
{
	const char *p = data, *end = p + len;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf == NULL ? end : lf;

		if (stop > p)
			add_clean(d, p, (size_t)(stop - p), out);
		if (lf == NULL)
			return;
		buf_add_str(out, "\r\n");
		d->column = 0;
		p = lf + 1;
	}
}

void
smtp_dot_end(struct smtp_dot *d, struct buf *out)
{
	buf_add_str(out, d->column == 0 ? ".\r\n" : "\r\n.\r\n");
	d->column = 0;
}
