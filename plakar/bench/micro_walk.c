/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * micro_walk: how long it takes to walk the paths given as arguments.
 * Compare with find PATH -printf '%s\n' >/dev/null, which does no more.
 */
#include <stdio.h>
#include <time.h>

#include "lib/err.h"

#include "plakar/walk/walk.h"

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct walk_options options = { 0 };
	unsigned long long entries = 0, problems = 0, bytes = 0;
	struct walk_item item;
	struct walk *w;
	struct err e;
	double start = now();

	if (argc < 2 ||
	    walk_open((const char *const *)argv + 1, (size_t)argc - 1, &options,
		&w, &e) == -1) {
		fprintf(stderr, "micro_walk: %s\n",
		    argc < 2 ? "give paths" : e.msg);
		return 1;
	}
	while (walk_next(w, &item)) {
		if (item.problem != NULL) {
			printf("%s: %s\n", item.path, item.problem);
			problems++;
		}
		if (item.kind == WALK_ENTRY) {
			bytes += item.st.stx_size;
			entries++;
		}
	}
	walk_close(w);
	printf("%llu entries, %llu problems, %llu bytes, %.3f s\n", entries,
	    problems, bytes, now() - start);
	return 0;
}
