/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * micro_hash: how fast this machine hashes, in MB/s of one core.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/mem.h"

#include "plakar/hash/sha256.h"

#define DATA_LEN    ((size_t)4 << 20)
#define MEASURE_SEC 0.3

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Ids of all of data, cut into chunks of chunk_len. */
static double
measure_ids(const uint8_t *data, size_t chunk_len)
{
	size_t n = DATA_LEN / chunk_len, done = 0;
	struct id_job *jobs = xcalloc(n, sizeof(*jobs));
	const uint8_t key[ID_KEY_LEN] = { 1 };
	struct id_key k;
	double start = now(), spent;

	id_key_init(&k, key);
	for (size_t i = 0; i < n; i++) {
		jobs[i].data = data + i * chunk_len;
		jobs[i].len = chunk_len;
	}
	do {
		id_compute(&k, jobs, n);
		done += n * chunk_len;
		spent = now() - start;
	} while (spent < MEASURE_SEC);
	free(jobs);
	return (double)done / spent / 1e6;
}

static double
measure_stream(const uint8_t *data)
{
	double start = now(), spent;
	uint8_t out[SHA256_LEN];
	size_t done = 0;

	do {
		sha256(data, DATA_LEN, out);
		done += DATA_LEN;
		spent = now() - start;
	} while (spent < MEASURE_SEC);
	return (double)done / spent / 1e6;
}

int
main(void)
{
	uint8_t *data = xcalloc(1, DATA_LEN);

	for (size_t i = 0; i < DATA_LEN; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	printf("%-24s %9s %9s %9s %9s %9s   MB/s\n", "", "stream", "ids 256K",
	    "64K", "2K", "100 B");
	for (int c = 0; c < SHA256_CODES; c++) {
		if (!sha256_use((enum sha256_code)c))
			continue;
		printf("%-24s %9.0f %9.0f %9.0f %9.0f %9.0f\n",
		    sha256_code_name((enum sha256_code)c), measure_stream(data),
		    measure_ids(data, 262144), measure_ids(data, 65536),
		    measure_ids(data, 2048), measure_ids(data, 100));
	}
	free(data);
	return 0;
}
