/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store, the index: what lives, and where.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/record.h"

#include "smtpd/queue/store_internal.h"

#define UPDATE_HEADER 8 /* id u64; then the envelope */

static int
store_compare(const struct store_message *a, const struct store_message *b)
{
	return a->msgid < b->msgid ? -1 : a->msgid > b->msgid;
}

RB_GENERATE(store_messages, store_message, entry, store_compare)

struct store_message *
store_find(const struct store *s, uint32_t msgid)
{
	struct store_message key = { .msgid = msgid };
	struct store_messages head = s->messages;

	return RB_FIND(store_messages, &head, &key);
}

static void
pin(struct segment *seg, uint64_t bytes)
{
	seg->live++;
	seg->live_bytes += bytes;
}

static void
unpin(struct segment *seg, uint64_t bytes)
{
	seg->live--;
	seg->live_bytes -= bytes;
}

struct store_envelope *
store_find_envelope(const struct store_message *m, uint64_t id)
{
	/* Most are numbered in a row. */
	if (m != NULL && id - m->envelopes[0].id < m->n) {
		struct store_envelope *ev =
		    &m->envelopes[id - m->envelopes[0].id];

		if (ev->id == id)
			return ev->segment == NULL ? NULL : ev;
	}
	for (uint32_t i = 0; m != NULL && i < m->n; i++) {
		if (m->envelopes[i].id == id && m->envelopes[i].segment != NULL)
			return &m->envelopes[i];
	}
	return NULL;
}

static uint64_t
body_bytes(const struct store_message *m)
{
	return m->stored_len;
}

static void
forget_message(struct store *s, struct store_message *m, bool unlink_body)
{
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->envelopes[i].segment == NULL)
			continue;
		unpin(m->envelopes[i].segment, m->envelopes[i].len);
		s->stats.envelopes--;
	}
	unpin(m->segment, body_bytes(m));
	if ((m->flags & RECORD_EXTERNAL) != 0 && unlink_body)
		store_body_unlink(s, m->msgid);
	RB_REMOVE(store_messages, &s->messages, m);
	s->stats.messages--;
	free(m->envelopes);
	free(m);
}

/* While the log is read, a later message may have the same id: what is in
 * bodies/ is judged when all has been read. */
static void
remove_one(struct store *s, uint64_t id)
{
	struct store_message *m = store_find(s, envelope_msgid(id));
	struct store_envelope *ev = store_find_envelope(m, id);

	if (ev == NULL)
		return;
	unpin(ev->segment, ev->len);
	ev->segment = NULL;
	s->stats.envelopes--;
	if (--m->n_live == 0)
		forget_message(s, m, !s->loading);
}

static void
apply_message(struct store *s, struct segment *seg, uint64_t offset,
    const struct record *r)
{
	struct record_message rm;
	struct store_message *m, *old;
	uint32_t base = (uint32_t)(offset + RECORD_HEADER_LEN);

	if (!record_message_parse(r, &rm))
		return;
	m = xcalloc(1, sizeof(*m));
	m->msgid = rm.msgid;
	m->flags = rm.flags;
	m->segment = seg;
	m->body_offset = base + (uint32_t)rm.body_offset;
	m->stored_len = (uint32_t)rm.stored_len;
	m->body_len = rm.body_len;
	m->n = m->n_live = (uint32_t)rm.n_envelopes;
	m->envelopes = xcalloc(m->n, sizeof(*m->envelopes));
	pin(seg, body_bytes(m));
	for (uint32_t i = 0; i < m->n; i++) {
		struct store_envelope *ev = &m->envelopes[i];
		const struct record_span *span = &rm.envelopes[i];

		ev->id = span->id;
		ev->segment = seg;
		ev->offset = base + (uint32_t)span->offset;
		ev->len = (uint32_t)span->len;
		pin(seg, ev->len);
	}
	old = RB_INSERT(store_messages, &s->messages, m);
	if (old != NULL) {
		forget_message(s, old, false);
		RB_INSERT(store_messages, &s->messages, m);
	}
	s->stats.messages++;
	s->stats.envelopes += m->n;
	for (size_t i = 0; i < rm.n_about; i++)
		remove_one(
		    s, wire_load64(r->payload + rm.about_offset + i * 8));
	record_message_clear(&rm);
}

static void
apply_update(struct segment *seg, const struct store *s, uint64_t offset,
    const struct record *r)
{
	struct store_envelope *ev;
	uint64_t id;

	if (r->len < UPDATE_HEADER)
		return;
	id = wire_load64(r->payload);
	ev = store_find_envelope(store_find(s, envelope_msgid(id)), id);
	if (ev == NULL)
		return;
	unpin(ev->segment, ev->len);
	ev->segment = seg;
	ev->offset = (uint32_t)(offset + RECORD_HEADER_LEN + UPDATE_HEADER);
	ev->len = (uint32_t)r->len - UPDATE_HEADER;
	pin(seg, ev->len);
}

static void
apply_remove(struct store *s, const struct record *r)
{
	for (size_t i = 0; i + 8 <= r->len; i += 8)
		remove_one(s, wire_load64(r->payload + i));
}

void
store_apply(struct store *s, struct segment *seg, uint64_t offset,
    const struct record *r)
{
	switch (r->type) {
	case RECORD_MESSAGE:
		apply_message(s, seg, offset, r);
		break;
	case RECORD_UPDATE:
		apply_update(seg, s, offset, r);
		break;
	case RECORD_REMOVE:
		apply_remove(s, r);
		break;
	case RECORD_END:
		break;
	}
}

void
store_index_free(struct store *s)
{
	struct store_message *m, *next;

	for (m = RB_MIN(store_messages, &s->messages); m != NULL; m = next) {
		next = RB_NEXT(store_messages, &s->messages, m);
		RB_REMOVE(store_messages, &s->messages, m);
		free(m->envelopes);
		free(m);
	}
}

bool
store_has_message(const struct store *s, uint32_t msgid)
{
	return store_find(s, msgid) != NULL;
}

void
store_each(const struct store *s, store_each_cb *cb, void *arg)
{
	struct store_messages head = s->messages;
	struct store_message *m;

	RB_FOREACH(m, store_messages, &head) {
		for (uint32_t i = 0; i < m->n; i++) {
			if (m->envelopes[i].segment != NULL)
				cb(m->envelopes[i].id, arg);
		}
	}
}

size_t
store_envelopes(
    const struct store *s, uint32_t msgid, uint64_t *ids, size_t max)
{
	const struct store_message *m = store_find(s, msgid);
	size_t n = 0;

	for (uint32_t i = 0; m != NULL && i < m->n && n < max; i++) {
		if (m->envelopes[i].segment != NULL)
			ids[n++] = m->envelopes[i].id;
	}
	return n;
}
