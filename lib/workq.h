/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * workq: a bounded queue of pointers between threads.
 *
 * Whoever pushes waits while the queue is full, whoever pops waits while it
 * is empty: so the memory under way is bounded by the capacity, and the
 * slowest stage sets the pace.  First in, first out.
 *
 * Threads:   any number on either side.
 * Ownership: an item belongs to the queue from a push that returned true to
 *            the pop that returns it; the queue never looks into it.
 * Ends:      workq_close() lets what is queued be popped, and nothing more
 *            be pushed; workq_cancel() stops both sides at once.
 */
#ifndef LIB_WORKQ_H
#define LIB_WORKQ_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"

struct workq;

/* An empty queue for capacity items, at least one; never NULL. */
struct workq *workq_new(size_t capacity);

/*
 * Release q, which no thread may be waiting on.  Items still in it are
 * passed to release, if that is not NULL.  NULL is allowed for q.
 */
void workq_free(struct workq *q, void (*release)(void *item));

/*
 * Append item, which is not NULL, waiting for room.  False when the queue
 * was closed or cancelled: the item is still the caller's.
 */
bool workq_push(struct workq *q, void *item) ATTR_CHECKED;

/* As workq_push(), but false at once, too, when the queue is full. */
bool workq_try_push(struct workq *q, void *item) ATTR_CHECKED;

/* The oldest item, waiting for one.  NULL when no more will come. */
void *workq_pop(struct workq *q);

/* No more pushes.  Pops go on until the queue is empty, then give NULL. */
void workq_close(struct workq *q);

/* No more pushes, and pops give NULL at once: work is being given up. */
void workq_cancel(struct workq *q);

#endif
