/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store, collecting: what is dead makes room, oldest first.
 */
#include <stdlib.h>
#include <unistd.h>

#include "lib/mem.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/record.h"

#include "smtpd/queue/store_internal.h"

/* A segment whose living bytes are below one in CARRY_RATIO is emptied; and
 * so is the oldest when that much behind it is dead. */
#define CARRY_RATIO 4

/* Append m anew, as it stands now, to what waits. */
static int
carry(struct store *s, struct store_message *m, struct err *e)
{
	struct envelope *evs = xcalloc(m->n_live, sizeof(*evs));
	bool external = (m->flags & RECORD_EXTERNAL) != 0;
	struct buf body = { 0 };
	uint64_t len;
	size_t n = 0;
	int fd, rc = 0;

	for (uint32_t i = 0; i < m->n && rc == 0; i++) {
		if (m->envelopes[i].segment != NULL)
			rc = store_load_envelope(
			    s, &m->envelopes[i], &evs[n++], e);
	}
	if (rc == 0 && !external)
		rc = store_get_body(s, m->msgid, &body, &fd, &len, e);
	if (rc == 0) {
		const struct store_new again = {
			.msgid = m->msgid,
			.evs = evs,
			.n = n,
			.body = external      ? NULL :
			    body.data == NULL ? (const uint8_t *)"" :
						body.data,
			.body_len = m->body_len,
			.file_flags =
			    m->flags & (RECORD_PACKED | RECORD_SEALED),
		};

		store_add_message(s, &again);
	}
	for (size_t i = 0; i < n; i++)
		envelope_clear(&evs[i]);
	free(evs);
	buf_free(&body);
	return rc;
}

static bool
lives_in(const struct store_message *m, const struct segment *seg)
{
	if (m->segment == seg)
		return true;
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->envelopes[i].segment == seg)
			return true;
	}
	return false;
}

/* Write what lives in seg again, elsewhere.  What can't be read stays. */
static int
empty_segment(struct store *s, struct segment *seg, struct err *e)
{
	struct store_message *m;
	size_t n = 0, n_all = (size_t)s->stats.messages;
	uint32_t *msgids = xcalloc(n_all + 1, sizeof(*msgids));
	int rc = 0;

	RB_FOREACH(m, store_messages, &s->messages) {
		if (lives_in(m, seg))
			msgids[n++] = m->msgid;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = carry(s, store_find(s, msgids[i]), e);
		if (rc == 0 && (s->pending.len > RECORD_MAX || i + 1 == n))
			rc = store_commit(s, e);
	}
	free(msgids);
	return rc;
}

/* Whether the dead bytes behind seg, which waits to go first, are too many. */
static bool
worth_carrying(const struct store *s, const struct segment *seg)
{
	const struct segment *each;
	uint64_t all = 0, live = 0;

	if (seg->live_bytes <= seg->end / CARRY_RATIO)
		return true;
	TAILQ_FOREACH(each, &s->segments, entry) {
		all += each->end;
		live += each->live_bytes;
	}
	return all > CARRY_RATIO * (live + s->segment_len);
}

int
store_collect(struct store *s, struct err *e)
{
	struct segment *oldest;

	if (store_pending(s))
		return 0;
	while ((oldest = TAILQ_FIRST(&s->segments)) != s->current) {
		if (oldest->live > 0) {
			if (!worth_carrying(s, oldest))
				return 0;
			if (empty_segment(s, oldest, e) == -1)
				return -1;
			if (oldest->live > 0)
				return 0;
		}
		if (store_segment_drop(s, oldest, e) == -1)
			return -1;
	}
	return 0;
}
