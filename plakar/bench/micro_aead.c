/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * micro_aead: how fast this machine seals and opens, in MB/s of one core.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/crypto/aead.h"

#define MEASURE_SEC 0.3

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
measure(enum aead_alg alg, const char *name, size_t len, struct err *e)
{
	const uint8_t key[AEAD_KEY_LEN] = { 1 };
	uint8_t *in = xcalloc(1, len), *out = xcalloc(1, len + AEAD_TAG_LEN);
	struct aead *a = aead_new(alg, key, e);
	double spent[2] = { 0 };
	size_t done[2] = { 0 };
	int rc = a == NULL ? -1 : 0;

	for (int open = 0; rc == 0 && open < 2; open++) {
		double start = now();

		while (rc == 0 && spent[open] < MEASURE_SEC) {
			if (open == 1)
				rc = aead_open(a, 0, "ad", 2, out,
				    len + AEAD_TAG_LEN, in, e);
			else
				rc = aead_seal(a, 0, "ad", 2, in, len, out, e);
			done[open] += len;
			spent[open] = now() - start;
		}
	}
	if (rc == 0)
		printf("%-18s %8zu bytes: seal %6.0f open %6.0f MB/s\n", name,
		    len, (double)done[0] / spent[0] / 1e6,
		    (double)done[1] / spent[1] / 1e6);
	aead_free(a);
	free(in);
	free(out);
	return rc;
}

int
main(void)
{
	static const size_t lens[] = { 4096, 65536, 1 << 20 };
	struct err e;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		if (measure(AEAD_AES256_GCM, "AES-256-GCM", lens[i], &e) ==
			-1 ||
		    measure(AEAD_CHACHA20_POLY1305, "ChaCha20-Poly1305",
			lens[i], &e) == -1) {
			fprintf(stderr, "micro_aead: %s\n", e.msg);
			return 1;
		}
	return 0;
}
