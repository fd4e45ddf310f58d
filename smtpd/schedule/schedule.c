/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/sys/tree.h>
#include <stdlib.h>

#include "lib/mem.h"

#include "smtpd/schedule/schedule.h"

struct item {
	RB_ENTRY(item) by_time, by_id;
	uint64_t id, at;
};

RB_HEAD(schedule_times, item);
RB_HEAD(schedule_ids, item);

struct schedule {
	struct schedule_times times;
	struct schedule_ids ids;
	size_t n;
};

static int
compare_ids(const struct item *a, const struct item *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static int
compare_times(const struct item *a, const struct item *b)
{
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return compare_ids(a, b);
}

RB_PROTOTYPE(schedule_times, item, by_time, compare_times)
RB_PROTOTYPE(schedule_ids, item, by_id, compare_ids)
RB_GENERATE(schedule_times, item, by_time, compare_times)
RB_GENERATE(schedule_ids, item, by_id, compare_ids)

struct schedule *
schedule_new(void)
{
	struct schedule *s = xcalloc(1, sizeof(*s));

	RB_INIT(&s->times);
	RB_INIT(&s->ids);
	return s;
}

static void
drop(struct schedule *s, struct item *it)
{
	RB_REMOVE(schedule_times, &s->times, it);
	RB_REMOVE(schedule_ids, &s->ids, it);
	s->n--;
	free(it);
}

void
schedule_free(struct schedule *s)
{
	struct item *it;

	if (s == NULL)
		return;
	while ((it = RB_MIN(schedule_ids, &s->ids)) != NULL)
		drop(s, it);
	free(s);
}

static struct item *
find(const struct schedule *s, uint64_t id)
{
	struct item key = { .id = id };
	struct schedule_ids head = s->ids;

	return RB_FIND(schedule_ids, &head, &key);
}

void
schedule_put(struct schedule *s, uint64_t id, uint64_t at)
{
	struct item *it = xcalloc(1, sizeof(*it)), *old;

	it->id = id;
	old = RB_INSERT(schedule_ids, &s->ids, it);
	if (old != NULL) {
		free(it);
		it = old;
		RB_REMOVE(schedule_times, &s->times, it);
	} else {
		s->n++;
	}
	it->at = at;
	RB_INSERT(schedule_times, &s->times, it);
}

void
schedule_remove(struct schedule *s, uint64_t id)
{
	struct item *it = find(s, id);

	if (it != NULL)
		drop(s, it);
}

size_t
schedule_count(const struct schedule *s)
{
	return s->n;
}

size_t
schedule_take(struct schedule *s, uint64_t now, uint64_t *ids, size_t max)
{
	struct item *it;
	size_t n = 0;

	while (n < max && (it = RB_MIN(schedule_times, &s->times)) != NULL &&
	    it->at <= now) {
		ids[n++] = it->id;
		drop(s, it);
	}
	return n;
}

uint64_t
schedule_next(const struct schedule *s)
{
	struct schedule_times head = s->times;
	const struct item *it = RB_MIN(schedule_times, &head);

	return it == NULL ? UINT64_MAX : it->at;
}

uint64_t
schedule_when(const struct schedule *s, uint64_t id)
{
	const struct item *it = find(s, id);

	return it == NULL ? UINT64_MAX : it->at;
}

uint64_t
schedule_backoff(uint64_t created, unsigned base, unsigned retry, uint64_t now,
    uint32_t random)
{
	uint64_t at = created, wait, tenth;

	for (uint64_t step = retry; at <= now; step++)
		at = created + base * step * step;
	wait = at - now;
	tenth = wait / 10;
	if (tenth > 0)
		at = at - tenth + random % (2 * tenth + 1);
	return at;
}
