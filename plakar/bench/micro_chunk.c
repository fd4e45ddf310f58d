/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * micro_chunk: how fast this machine cuts random data into chunks, in MB/s of
 * one core, and what chunks come out.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/chunk/chunker.h"

#define DATA_LEN    ((size_t)16 << 20)
#define MEASURE_SEC 0.5

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(void)
{
	const struct chunker_params params = { CHUNKER_DEFAULT_MIN,
		CHUNKER_DEFAULT_AVG, CHUNKER_DEFAULT_MAX };
	const uint8_t key[CHUNKER_KEY_LEN] = { 1 };
	uint8_t seed[randombytes_SEEDBYTES] = { 1 };
	uint8_t *data = xmalloc(DATA_LEN);
	size_t done = 0, chunks = 0;
	double start, spent;
	struct chunker c;
	struct err e;

	if (chunker_init(&c, &params, key, &e) == -1) {
		fprintf(stderr, "micro_chunk: %s\n", e.msg);
		return 1;
	}
	randombytes_buf_deterministic(data, DATA_LEN, seed);
	start = now();
	do {
		for (size_t at = 0; at < DATA_LEN; chunks++)
			at += chunker_cut(&c, data + at, DATA_LEN - at, true);
		done += DATA_LEN;
		spent = now() - start;
	} while (spent < MEASURE_SEC);
	printf("%.0f MB/s, %zu bytes a chunk\n", (double)done / spent / 1e6,
	    done / chunks);
	free(data);
	return 0;
}
