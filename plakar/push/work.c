/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/sys/queue.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/mem.h"

#include "plakar/push/work.h"

#define WAITING_MAX 16

struct item {
	TAILQ_ENTRY(item) link;
	struct batch *batch; /* or */
	struct bigfile *big;
	bool reading; /* a worker reads a piece of big */
};

struct work {
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	TAILQ_HEAD(, item) items;
	size_t count;
	bool closed, cancelled;
	unsigned workers;
	unsigned flushes; /* asked for */
	unsigned flushed; /* workers that did the last one */
};

struct work *
work_new(unsigned workers)
{
	struct work *w = xcalloc(1, sizeof(*w));

	w->workers = workers;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	TAILQ_INIT(&w->items);
	return w;
}

static void
remove_item(struct work *w, struct item *item)
{
	TAILQ_REMOVE(&w->items, item, link);
	w->count--;
	free(item);
}

void
work_free(struct work *w)
{
	struct item *item;

	if (w == NULL)
		return;
	while ((item = TAILQ_FIRST(&w->items)) != NULL) {
		free(item->batch);
		remove_item(w, item);
	}
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->changed);
	free(w);
}

static void
put(struct work *w, struct batch *batch, struct bigfile *big)
{
	struct item *item = xcalloc(1, sizeof(*item));

	item->batch = batch;
	item->big = big;
	pthread_mutex_lock(&w->lock);
	while (w->count >= WAITING_MAX && !w->cancelled)
		pthread_cond_wait(&w->changed, &w->lock);
	TAILQ_INSERT_TAIL(&w->items, item, link);
	w->count++;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void
work_put_batch(struct work *w, struct batch *batch)
{
	put(w, batch, NULL);
}

void
work_put_big(struct work *w, struct bigfile *big)
{
	put(w, NULL, big);
}

void
work_return_big(struct work *w, struct bigfile *big)
{
	struct item *item = xcalloc(1, sizeof(*item));

	item->big = big;
	pthread_mutex_lock(&w->lock);
	TAILQ_INSERT_HEAD(&w->items, item, link);
	w->count++;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void
work_close(struct work *w)
{
	pthread_mutex_lock(&w->lock);
	w->closed = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void
work_flush(struct work *w)
{
	pthread_mutex_lock(&w->lock);
	w->flushes++;
	w->flushed = 0;
	pthread_cond_broadcast(&w->changed);
	while (w->flushed < w->workers && !w->cancelled)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void
work_flushed(struct work *w)
{
	pthread_mutex_lock(&w->lock);
	w->flushed++;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void
work_cancel(struct work *w)
{
	pthread_mutex_lock(&w->lock);
	w->cancelled = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* The first item that a worker can start on, or NULL. */
static struct item *
available(struct work *w)
{
	struct item *item;

	TAILQ_FOREACH(item, &w->items, link)
		if (!item->reading)
			return item;
	return NULL;
}

enum work_kind
work_take(struct work *w, unsigned *flushes, struct batch **batch,
    struct bigfile **big)
{
	enum work_kind kind = WORK_NONE;
	struct item *item = NULL;

	pthread_mutex_lock(&w->lock);
	while (!w->cancelled && *flushes == w->flushes &&
	    (item = available(w)) == NULL && !(w->closed && w->count == 0))
		pthread_cond_wait(&w->changed, &w->lock);
	if (w->cancelled) {
		kind = WORK_NONE;
	} else if (*flushes != w->flushes) {
		kind = WORK_FLUSH;
		*flushes = w->flushes;
	} else if (item != NULL && item->big != NULL) {
		kind = WORK_BIG;
		*big = item->big;
		item->reading = true;
	} else if (item != NULL) {
		kind = WORK_BATCH;
		*batch = item->batch;
		remove_item(w, item);
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return kind;
}

void
work_big_read(struct work *w, struct bigfile *big, bool exhausted)
{
	struct item *item;

	pthread_mutex_lock(&w->lock);
	TAILQ_FOREACH(item, &w->items, link)
		if (item->big == big)
			break;
	item->reading = false;
	if (exhausted)
		remove_item(w, item);
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}
