/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/wire.h"

#include "plakar/write/claims.h"

#define SHARDS    16
#define FIRST_CAP 64

/*
 * An open-addressed set with linear probing.  Ids are random, so their own
 * bytes are the hash.  used[] tells slots in use.
 */
struct shard {
	pthread_mutex_t lock;
	struct chunk_id *ids;
	bool *used;
	size_t cap, count;
};

struct claims {
	struct shard shards[SHARDS];
};

struct claims *
claims_new(void)
{
	struct claims *c = xcalloc(1, sizeof(*c));

	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &c->shards[i];

		pthread_mutex_init(&s->lock, NULL);
		s->cap = FIRST_CAP;
		s->ids = xcalloc(s->cap, sizeof(*s->ids));
		s->used = xcalloc(s->cap, sizeof(*s->used));
	}
	return c;
}

void
claims_free(struct claims *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_destroy(&c->shards[i].lock);
		free(c->shards[i].ids);
		free(c->shards[i].used);
	}
	free(c);
}

static struct shard *
shard_of(struct claims *c, const struct chunk_id *id)
{
	return &c->shards[id->bytes[CHUNK_ID_LEN - 1] % SHARDS];
}

static size_t
home(const struct shard *s, const struct chunk_id *id)
{
	return (size_t)wire_load64(id->bytes) & (s->cap - 1);
}

/* The slot that holds id, or the free one where it would go. */
static size_t
probe(const struct shard *s, const struct chunk_id *id)
{
	size_t i = home(s, id);

	while (s->used[i] && memcmp(&s->ids[i], id, sizeof(*id)) != 0)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void
put(struct shard *s, const struct chunk_id *id)
{
	size_t i = probe(s, id);

	s->ids[i] = *id;
	s->used[i] = true;
	s->count++;
}

static void
grow(struct shard *s)
{
	struct shard larger = { .cap = 2 * s->cap };

	larger.ids = xcalloc(larger.cap, sizeof(*larger.ids));
	larger.used = xcalloc(larger.cap, sizeof(*larger.used));
	for (size_t i = 0; i < s->cap; i++)
		if (s->used[i])
			put(&larger, &s->ids[i]);
	free(s->ids);
	free(s->used);
	s->ids = larger.ids;
	s->used = larger.used;
	s->cap = larger.cap;
}

bool
claims_take(struct claims *c, const struct chunk_id *id)
{
	struct shard *s = shard_of(c, id);
	bool free_to_take;

	pthread_mutex_lock(&s->lock);
	free_to_take = !s->used[probe(s, id)];
	if (free_to_take) {
		if (s->count >= s->cap / 8 * 5)
			grow(s);
		put(s, id);
	}
	pthread_mutex_unlock(&s->lock);
	return free_to_take;
}

bool
claims_has(struct claims *c, const struct chunk_id *id)
{
	struct shard *s = shard_of(c, id);
	bool has;

	pthread_mutex_lock(&s->lock);
	has = s->used[probe(s, id)];
	pthread_mutex_unlock(&s->lock);
	return has;
}

/* Empty slot i, moving back what its neighbours could not put there. */
static void
remove_at(struct shard *s, size_t i)
{
	size_t mask = s->cap - 1;

	for (size_t k = (i + 1) & mask; s->used[k]; k = (k + 1) & mask) {
		size_t wish = home(s, &s->ids[k]);

		/* Move k to i unless its home lies after i, up to k. */
		if (((k - wish) & mask) >= ((k - i) & mask)) {
			s->ids[i] = s->ids[k];
			i = k;
		}
	}
	s->used[i] = false;
	s->count--;
}

void
claims_drop(struct claims *c, const struct chunk_id *id)
{
	struct shard *s = shard_of(c, id);
	size_t i;

	pthread_mutex_lock(&s->lock);
	i = probe(s, id);
	if (s->used[i])
		remove_at(s, i);
	pthread_mutex_unlock(&s->lock);
}
