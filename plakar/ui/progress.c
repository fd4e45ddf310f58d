/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>

#include "lib/buf.h"
#include "lib/human.h"

#include "plakar/ui/progress.h"
#include "plakar/ui/ui.h"

#define RATE_AFTER 0.5 /* seconds, before which a rate is a guess */
#define LEFT_AFTER 2.0

/* Append a part if it fits. */
static void
add_part(struct buf *line, size_t columns, struct buf *part)
{
	if (part->len > 0 && line->len + 2 + part->len <= columns) {
		buf_add_str(line, line->len > 0 ? "  " : "");
		buf_add(line, part->data, part->len);
	}
	buf_reset(part);
}

static void
add_bytes(const struct ui_sample *s, struct buf *part)
{
	char done[HUMAN_LEN], all[HUMAN_LEN];

	human_size(s->bytes, done);
	buf_add_str(part, done);
	if (s->bytes_all == 0)
		return;
	human_size(s->bytes_all, all);
	buf_printf(part, "/%s", all);
	if (s->all_known && s->bytes <= s->bytes_all)
		buf_printf(part, " %u%%",
		    (unsigned)((double)s->bytes * 100 / (double)s->bytes_all));
}

static void
add_left(const struct ui_sample *s, double seconds, struct buf *part)
{
	char left[HUMAN_LEN];

	if (!s->all_known || seconds < LEFT_AFTER || s->bytes == 0 ||
	    s->bytes >= s->bytes_all)
		return;
	human_span((uint64_t)((double)(s->bytes_all - s->bytes) * seconds /
		       (double)s->bytes),
	    left);
	buf_printf(part, "%s left", left);
}

void
progress_line(
    const struct ui_sample *s, double seconds, size_t columns, struct buf *line)
{
	struct buf part = { 0 };
	char text[HUMAN_LEN];

	buf_reset(line);
	buf_printf(&part, "%s %" PRIu64, s->verb, s->files);
	if (s->files_all != 0)
		buf_printf(&part, "/%" PRIu64, s->files_all);
	buf_add_str(&part, " files");
	add_part(line, columns, &part);
	add_bytes(s, &part);
	add_part(line, columns, &part);
	add_left(s, seconds, &part);
	add_part(line, columns, &part);
	if (seconds >= RATE_AFTER) {
		human_size((uint64_t)((double)s->bytes / seconds), text);
		buf_printf(&part, "%s/s", text);
		add_part(line, columns, &part);
	}
	if (s->has_new_bytes && s->new_bytes > 0) {
		buf_printf(&part, "dedup %.1fx",
		    (double)s->bytes / (double)s->new_bytes);
		add_part(line, columns, &part);
	}
	buf_free(&part);
}
