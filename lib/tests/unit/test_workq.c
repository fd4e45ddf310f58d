/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/workq.h"

#define ITEMS   20000
#define THREADS 3

static int numbers[ITEMS];

static void
items_leave_in_the_order_they_came(void **state)
{
	struct workq *q = workq_new(4);

	(void)state;
	/* More than once around the ring. */
	for (int i = 0; i < 12; i += 3) {
		for (int j = i; j < i + 3; j++)
			assert_true(workq_push(q, &numbers[j]));
		for (int j = i; j < i + 3; j++)
			assert_ptr_equal(workq_pop(q), &numbers[j]);
	}
	workq_free(q, NULL);
}

static void
full_queue_takes_no_more_until_one_leaves(void **state)
{
	struct workq *q = workq_new(2);

	(void)state;
	assert_true(workq_try_push(q, &numbers[0]));
	assert_true(workq_try_push(q, &numbers[1]));
	assert_false(workq_try_push(q, &numbers[2]));
	assert_ptr_equal(workq_pop(q), &numbers[0]);
	assert_true(workq_try_push(q, &numbers[2]));
	workq_free(q, NULL);
}

static void
closed_queue_is_emptied_and_takes_nothing(void **state)
{
	struct workq *q = workq_new(2);

	(void)state;
	assert_true(workq_push(q, &numbers[0]));
	workq_close(q);
	assert_false(workq_push(q, &numbers[1]));
	assert_false(workq_try_push(q, &numbers[1]));
	assert_ptr_equal(workq_pop(q), &numbers[0]);
	assert_null(workq_pop(q));
	assert_null(workq_pop(q));
	workq_free(q, NULL);
}

static void
cancelled_queue_gives_nothing(void **state)
{
	struct workq *q = workq_new(2);

	(void)state;
	assert_true(workq_push(q, &numbers[0]));
	workq_cancel(q);
	assert_null(workq_pop(q));
	assert_false(workq_push(q, &numbers[1]));
	/* Closing afterwards doesn't revive it. */
	workq_close(q);
	assert_null(workq_pop(q));
	workq_free(q, NULL);
}

static void
free_releases_what_is_left(void **state)
{
	struct workq *q = workq_new(2);

	(void)state;
	/* The leak check of the sanitizer pass sees it, if not. */
	assert_true(workq_push(q, malloc(10)));
	assert_true(workq_push(q, malloc(10)));
	workq_free(q, free);
	workq_free(NULL, free);
}

/* Counts what it pops, by item. */
static void *
count_all(void *arg)
{
	struct workq *q = arg;
	uintptr_t n = 0;
	int *number;

	while ((number = workq_pop(q)) != NULL) {
		*number += 1;
		n++;
	}
	return (void *)n;
}

/* Pushes every THREADS-th number. */
struct share {
	struct workq *q;
	size_t first;
};

static void *
push_share(void *arg)
{
	struct share *share = arg;

	for (size_t i = share->first; i < ITEMS; i += THREADS)
		if (!workq_push(share->q, &numbers[i]))
			return share;
	return NULL;
}

static void
every_item_is_popped_once_among_threads(void **state)
{
	struct workq *q = workq_new(7);
	pthread_t pushers[THREADS], poppers[THREADS];
	struct share shares[THREADS];
	uintptr_t total = 0;

	(void)state;
	for (size_t i = 0; i < ITEMS; i++)
		numbers[i] = 0;
	for (size_t i = 0; i < THREADS; i++) {
		shares[i] = (struct share){ .q = q, .first = i };
		assert_int_equal(
		    pthread_create(&poppers[i], NULL, count_all, q), 0);
		assert_int_equal(
		    pthread_create(&pushers[i], NULL, push_share, &shares[i]),
		    0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		void *failed;

		pthread_join(pushers[i], &failed);
		assert_null(failed);
	}
	workq_close(q);
	for (size_t i = 0; i < THREADS; i++) {
		void *n;

		pthread_join(poppers[i], &n);
		total += (uintptr_t)n;
	}
	assert_true(total == ITEMS);
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(numbers[i], 1);
	workq_free(q, NULL);
}

static void
cancel_wakes_a_thread_that_waits_to_push(void **state)
{
	struct workq *q = workq_new(1);
	struct share share = { .q = q, .first = 0 };
	pthread_t pusher;
	void *refused;

	(void)state;
	/* Nobody pops: it can only end by being cancelled. */
	assert_int_equal(pthread_create(&pusher, NULL, push_share, &share), 0);
	workq_cancel(q);
	pthread_join(pusher, &refused);
	assert_ptr_equal(refused, &share);
	workq_free(q, NULL);
}

static void
close_wakes_a_thread_that_waits_to_pop(void **state)
{
	struct workq *q = workq_new(1);
	pthread_t popper;
	void *n;

	(void)state;
	assert_int_equal(pthread_create(&popper, NULL, count_all, q), 0);
	workq_close(q);
	pthread_join(popper, &n);
	assert_null(n);
	workq_free(q, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_leave_in_the_order_they_came),
		cmocka_unit_test(full_queue_takes_no_more_until_one_leaves),
		cmocka_unit_test(closed_queue_is_emptied_and_takes_nothing),
		cmocka_unit_test(cancelled_queue_gives_nothing),
		cmocka_unit_test(free_releases_what_is_left),
		cmocka_unit_test(every_item_is_popped_once_among_threads),
		cmocka_unit_test(cancel_wakes_a_thread_that_waits_to_push),
		cmocka_unit_test(close_wakes_a_thread_that_waits_to_pop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
