/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/mem.h"

#include "lib/workq.h"

struct workq {
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t room;  /* an item left, or the queue was closed */
	pthread_cond_t work;  /* an item came, or the queue was closed */
	size_t capacity;
	size_t first; /* where the oldest item is in the ring */
	size_t n;
	bool closed;
	bool cancelled;
	void *items[]; /* a ring of capacity */
};

/* pthread calls fail on misuse only: that is a bug, not an error. */
static void
must(int rc)
{
	assert(rc == 0);
	(void)rc;
}

struct workq *
workq_new(size_t capacity)
{
	struct workq *q;

	assert(capacity > 0 && capacity < SIZE_MAX / sizeof(void *) / 2);
	q = xcalloc(1, sizeof(*q) + capacity * sizeof(q->items[0]));
	q->capacity = capacity;
	must(pthread_mutex_init(&q->lock, NULL));
	must(pthread_cond_init(&q->room, NULL));
	must(pthread_cond_init(&q->work, NULL));
	return q;
}

/* The oldest item, of at least one; the lock is held. */
static void *
take(struct workq *q)
{
	void *item = q->items[q->first];

	q->first = (q->first + 1) % q->capacity;
	q->n--;
	return item;
}

void
workq_free(struct workq *q, void (*release)(void *item))
{
	if (q == NULL)
		return;
	while (q->n > 0) {
		void *item = take(q);

		if (release != NULL)
			release(item);
	}
	must(pthread_cond_destroy(&q->work));
	must(pthread_cond_destroy(&q->room));
	must(pthread_mutex_destroy(&q->lock));
	free(q);
}

static bool
push(struct workq *q, void *item, bool wait)
{
	bool pushed = false;

	assert(item != NULL);
	must(pthread_mutex_lock(&q->lock));
	while (wait && q->n == q->capacity && !q->closed)
		must(pthread_cond_wait(&q->room, &q->lock));
	if (q->n < q->capacity && !q->closed) {
		q->items[(q->first + q->n) % q->capacity] = item;
		q->n++;
		pushed = true;
		must(pthread_cond_signal(&q->work));
	}
	must(pthread_mutex_unlock(&q->lock));
	return pushed;
}

bool
workq_push(struct workq *q, void *item)
{
	return push(q, item, true);
}

bool
workq_try_push(struct workq *q, void *item)
{
	return push(q, item, false);
}

void *
workq_pop(struct workq *q)
{
	void *item = NULL;

	must(pthread_mutex_lock(&q->lock));
	while (q->n == 0 && !q->closed)
		must(pthread_cond_wait(&q->work, &q->lock));
	if (q->n > 0 && !q->cancelled) {
		item = take(q);
		must(pthread_cond_signal(&q->room));
	}
	must(pthread_mutex_unlock(&q->lock));
	return item;
}

static void
stop(struct workq *q, bool cancel)
{
	must(pthread_mutex_lock(&q->lock));
	q->closed = true;
	q->cancelled = q->cancelled || cancel;
	must(pthread_cond_broadcast(&q->room));
	must(pthread_cond_broadcast(&q->work));
	must(pthread_mutex_unlock(&q->lock));
}

void
workq_close(struct workq *q)
{
	stop(q, false);
}

void
workq_cancel(struct workq *q)
{
	stop(q, true);
}
