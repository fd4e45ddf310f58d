/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/buf.h"

#include "smtpd/smtp/data.h"

/* No further is looked for an end, or lines that have but one of the kinds
 * would be gone through to the last again and again. */
#define RUN_MAX 256

void
smtp_data_init(struct smtp_data *d, bool dots)
{
	*d = (struct smtp_data){ .state = SMTP_DATA_LINE_START, .dots = dots };
}

static void
put(struct smtp_data *d, const uint8_t *p, size_t len, struct buf *out)
{
	d->line_len += len;
	d->total += len;
	if (d->line_len > SMTP_LINE_MAX)
		d->long_line = true;
	buf_add(out, p, len);
}

static void
end_line(struct smtp_data *d, struct buf *out)
{
	d->line_len = 0;
	d->total += 2;
	d->state = SMTP_DATA_LINE_START;
	buf_add_u8(out, '\n');
}

/* How many bytes at p, RUN_MAX at most, are neither CR, LF nor NUL. */
static size_t
plain_run(const uint8_t *p, size_t len)
{
	static const uint8_t ends[] = { '\r', '\n', '\0' };

	if (len > RUN_MAX)
		len = RUN_MAX;
	for (size_t i = 0; i < sizeof(ends); i++) {
		const uint8_t *end = memchr(p, ends[i], len);

		if (end != NULL)
			len = (size_t)(end - p);
	}
	return len;
}

static void
read_in_line(struct smtp_data *d, uint8_t c, struct buf *out)
{
	if (c == '\r') {
		d->state = SMTP_DATA_CR;
		return;
	}
	d->bare |= c == '\n';
	d->nul |= c == '\0';
	d->state = SMTP_DATA_IN_LINE;
	put(d, &c, 1, out);
}

static void
read_one(struct smtp_data *d, uint8_t c, struct buf *out)
{
	static const uint8_t cr = '\r';

	switch (d->state) {
	case SMTP_DATA_LINE_START:
		if (c == '.' && d->dots)
			d->state = SMTP_DATA_DOT;
		else
			read_in_line(d, c, out);
		break;
	case SMTP_DATA_DOT:
		if (c == '\r')
			d->state = SMTP_DATA_DOT_CR;
		else
			read_in_line(d, c, out);
		break;
	case SMTP_DATA_DOT_CR:
		if (c == '\n') {
			d->done = true;
			break;
		}
		d->bare = true;
		put(d, &cr, 1, out);
		read_in_line(d, c, out);
		break;
	case SMTP_DATA_CR:
		if (c == '\n') {
			end_line(d, out);
			break;
		}
		d->bare = true;
		put(d, &cr, 1, out);
		read_in_line(d, c, out);
		break;
	case SMTP_DATA_IN_LINE:
		read_in_line(d, c, out);
		break;
	}
}

size_t
smtp_data_read(
    struct smtp_data *d, const uint8_t *p, size_t len, struct buf *out)
{
	size_t i = 0;

	while (i < len && !d->done) {
		size_t run = d->state == SMTP_DATA_IN_LINE ?
		    plain_run(p + i, len - i) :
		    0;

		if (run > 0) {
			put(d, p + i, run, out);
			i += run;
		} else {
			read_one(d, p[i++], out);
		}
	}
	return i;
}

void
smtp_data_finish(struct smtp_data *d, struct buf *out)
{
	if (d->state == SMTP_DATA_CR)
		d->bare = true;
	if (d->state == SMTP_DATA_IN_LINE)
		end_line(d, out);
	d->done = true;
}

const char *
smtp_data_problem(const struct smtp_data *d)
{
	if (d->nul)
		return "550 5.6.0 NUL bytes are not allowed in a message";
	if (d->bare)
		return "550 5.6.11 Bare CR or LF are not allowed in a message";
	if (d->long_line)
		return "500 5.6.0 Line too long";
	return NULL;
}
