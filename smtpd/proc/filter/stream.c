/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * stream: the lines of a message, through each program that wants them.
 *
 * What one program gives back goes to the next as it comes; the dispatcher
 * gets what the last gives.  Three things hold back who is too fast: the
 * dispatcher sends on as its lines have been written to the first program
 * (credit); a program is not read while the next has much to read, nor while
 * the dispatcher has much to store.  A program that is not read itself holds
 * nobody back, so that chains that meet in a circle can't stop each other.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/filter/filter_internal.h"

#define LINE_MAX_LEN 64001 /* SMTP_LINE_MAX and a stuffed dot */
#define FLAG_FIRST   1
#define FLAG_LAST    2
#define OUTPUT_EXTRA (4u << 20) /* what programs may add to a message */

/* The next member that gets the lines, from i on; l->n when none does. */
static size_t
next_stage(const struct link *l, size_t i)
{
	while (i < l->n && (l->mask & FILTER_BIT(i)) == 0)
		i++;
	return i;
}

static void
begin(struct link *l, uint32_t mask)
{
	l->streaming = true;
	l->mask = mask;
	l->moved_at = time(NULL);
	l->came_out = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct member *m = &l->members[i];

		arc4random_buf(&m->token, sizeof(m->token));
		m->ending = m->ended = false;
	}
}

/* Give one program the text's lines, and perhaps the last. */
static void
put_lines(
    struct link *l, struct member *m, const char *text, size_t len, bool last)
{
	struct filter_time now = filters_now();
	struct program *p = m->program;

	filter_put_datalines(&p->out, now, l->id, m->token, text, len);
	if (last) {
		filter_put_dataline(&p->out, now, l->id, m->token, ".", 1);
		m->ending = true;
		l->moved_at = time(NULL);
	}
}

/*
 * FILTER_LINES: link u64, members u32 (a bit each), flags u8, cost u32 (to be
 * credited), text: lines with LF, dots not stuffed.
 */
void
stream_lines(struct filters *f, struct link *l, struct ipc_msg *m)
{
	struct member *first;
	struct wire w;
	uint32_t mask, cost;
	uint8_t flags;
	size_t i, before;

	(void)f;
	wire_init(&w, m->data, m->len);
	wire_u64(&w);
	mask = wire_u32(&w);
	flags = wire_u8(&w);
	cost = wire_u32(&w);
	if (!wire_ok(&w) || l->lost)
		return;
	if ((flags & FLAG_FIRST) != 0)
		begin(l, mask);
	i = next_stage(l, 0);
	if (!l->streaming || i == l->n || l->members[i].program == NULL)
		return;
	first = &l->members[i];
	before = first->program->out.len;
	put_lines(
	    l, first, (const char *)w.p, w.left, (flags & FLAG_LAST) != 0);
	program_mark(
	    first->program, l->id, cost, first->program->out.len - before);
	program_queued(first->program);
}

/* What came out of the last program */

static void
give_dispatcher(
    struct filters *f, struct link *l, const char *text, size_t len, bool last)
{
	if (!last) {
		if (len > 0 && text[0] == '.') {
			text++;
			len--;
		}
		buf_add(&l->out, text, len);
		buf_add_u8(&l->out, '\n');
	}
	l->out_last |= last;
	if (!l->dirty)
		LIST_INSERT_HEAD(&f->dirty, l, dirty_entry);
	l->dirty = true;
}

/* FILTER_OUTPUT: number u32, last u8, text. */
void
stream_flush(struct filters *f)
{
	struct link *l;

	while ((l = LIST_FIRST(&f->dirty)) != NULL) {
		struct buf b = { 0 };

		LIST_REMOVE(l, dirty_entry);
		l->dirty = false;
		if (l->lost) {
			buf_free(&l->out);
			continue;
		}
		wire_put_u32(&b, l->number);
		buf_add_u8(&b, l->out_last);
		buf_add(&b, l->out.data, l->out.len);
		proc_send(f->proc, PROC_DISPATCHER, l->instance,
		    MSG_FILTER_OUTPUT, &b, -1);
		buf_free(&b);
		l->unacked += l->out.len;
		buf_free(&l->out);
		l->out_last = false;
	}
}

void
stream_acked(struct link *l, uint32_t n)
{
	l->unacked -= n < l->unacked ? n : l->unacked;
	l->moved_at = time(NULL);
	if (l->held != NULL && l->unacked < STREAM_LOW) {
		program_unhold(l->held);
		l->held = NULL;
	}
}

/* Between two programs */

static void
give_next(struct program *from, struct link *l, struct member *to,
    const struct filter_said *s, bool last)
{
	struct program *p = to->program;
	size_t before;

	if (p == NULL)
		return;
	before = p->out.len;
	filter_put_dataline(
	    &p->out, filters_now(), l->id, to->token, s->text, s->len);
	to->ending |= last;
	program_mark(p, 0, 0, p->out.len - before);
	program_queued(p);
	if (p->out.len - p->out_at > STREAM_HIGH && p->holds == 0 &&
	    from->waits_for == NULL) {
		from->waits_for = p;
		program_hold(from);
	}
}

void
stream_said(struct filters *f, struct link *l, size_t member,
    const struct filter_said *s)
{
	struct member *m = &l->members[member];
	struct program *p = m->program;
	bool last = s->len == 1 && s->text[0] == '.';
	uint64_t limit =
	    2 * f->proc->setup->conf->max_message_size + OUTPUT_EXTRA;
	size_t next;

	if (!l->streaming || m->token != s->token || m->ended ||
	    (l->mask & FILTER_BIT(member)) == 0) {
		program_fail(p, "a line of a message that it was not given");
		return;
	}
	if (last && !m->ending) {
		program_fail(p, "it ends a message that has not ended");
		return;
	}
	if (s->len > LINE_MAX_LEN) {
		program_fail(p, "a line of %zu bytes in a message", s->len);
		return;
	}
	m->ended = last;
	l->moved_at = time(NULL);
	next = next_stage(l, member + 1);
	if (next < l->n) {
		give_next(p, l, &l->members[next], s, last);
		return;
	}
	l->came_out += s->len + 2;
	if (l->came_out > limit) {
		program_fail(p, "a message without end");
		return;
	}
	give_dispatcher(f, l, s->text, s->len, last);
	if (last)
		l->streaming = false;
	if (l->held == NULL && l->unacked + l->out.len > STREAM_HIGH) {
		l->held = p;
		program_hold(p);
	}
}

void
stream_end(struct link *l)
{
	if (l->held != NULL)
		program_unhold(l->held);
	l->held = NULL;
	l->streaming = false;
}

/* Somebody has had the whole message for too long. */
bool
stream_stuck(const struct link *l, time_t since, struct program **who)
{
	if (!l->streaming || l->moved_at > since)
		return false;
	for (size_t i = next_stage(l, 0); i < l->n; i = next_stage(l, i + 1)) {
		const struct member *m = &l->members[i];

		if (m->ended)
			continue;
		if (!m->ending &&
		    (m->program == NULL || m->program->marked == 0))
			return false;
		*who = m->program;
		return true;
	}
	return false;
}
