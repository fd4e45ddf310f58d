/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conv.h"
#include "lib/err.h"
#include "lib/hex.h"
#include "lib/mem.h"

#include "plakar/chunk/chunker.h"

#define DATA_LEN ((size_t)3 << 20)

static const char *vectors_dir;

static const struct chunker_params defaults = { CHUNKER_DEFAULT_MIN,
	CHUNKER_DEFAULT_AVG, CHUNKER_DEFAULT_MAX };
static const struct chunker_params sizes[] = {
	{ CHUNKER_DEFAULT_MIN, CHUNKER_DEFAULT_AVG, CHUNKER_DEFAULT_MAX },
	{ 65536, 262144, 1048576 },
	{ 64, 128, 129 },
	{ 101, 1024, 3001 },
	{ 128, 256, 1000 },
};

#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void
make_chunker(struct chunker *c, const struct chunker_params *params)
{
	uint8_t key[CHUNKER_KEY_LEN];
	struct err e;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	assert_int_equal(chunker_init(c, params, key, &e), 0);
}

enum pattern {
	PATTERN_RANDOM,
	PATTERN_ZERO,
	PATTERN_TEXT,
	PATTERNS
};

static uint8_t *
make_data(enum pattern pattern, size_t len)
{
	static const char words[8][8] = { "the ", "quick ", "brown ", "fox ",
		"jumps ", "over ", "lazy ", "dog.\n" };
	uint8_t seed[randombytes_SEEDBYTES] = { 7 };
	uint8_t *data = xcalloc(1, len + 8);

	if (pattern == PATTERN_ZERO)
		return data;
	randombytes_buf_deterministic(data, len, seed);
	if (pattern == PATTERN_TEXT) {
		uint8_t *text = xcalloc(1, len + 8);

		for (size_t at = 0, i = 0; at < len; i++) {
			memcpy(text + at, words[data[i] % 8], 8);
			at += strlen(words[data[i] % 8]);
		}
		free(data);
		data = text;
	}
	return data;
}

/* The rule as doc/formats/plakar-chunker.md has it, one byte at a time. */
static size_t
reference_cut(const struct chunker *c, const uint8_t *data, size_t len)
{
	const struct chunker_params *p = &c->params;
	uint64_t hard = UINT64_MAX / (4 * (uint64_t)p->avg) + 1;
	uint64_t easy = UINT64_MAX / (p->avg / 4) + 1;
	size_t end = len < p->max ? len : p->max;
	uint64_t hash = 0;

	for (size_t i = p->min - 64; i < end; i++) {
		uint64_t limit = i < p->avg - p->min / 2 ? hard : easy;

		if (i >= p->min && hash < limit)
			return i;
		hash = (hash << 1) + c->gear[data[i]];
	}
	return end;
}

static void
cuts_equal_the_reference(void **state)
{
	(void)state;
	for (enum pattern pattern = 0; pattern < PATTERNS; pattern++) {
		uint8_t *data = make_data(pattern, DATA_LEN);

		for (size_t s = 0; s < N_SIZES; s++) {
			struct chunker c;
			size_t at = 0, n;

			make_chunker(&c, &sizes[s]);
			for (; at < DATA_LEN; at += n) {
				size_t left = DATA_LEN - at;

				n = chunker_cut(&c, data + at, left, true);
				assert_int_equal(
				    n, reference_cut(&c, data + at, left));
			}
			assert_int_equal(at, DATA_LEN);
			chunker_clear(&c);
		}
		free(data);
	}
}

static void
lengths_lie_between_the_bounds(void **state)
{
	(void)state;
	for (enum pattern pattern = 0; pattern < PATTERNS; pattern++) {
		uint8_t *data = make_data(pattern, DATA_LEN);

		for (size_t s = 0; s < N_SIZES; s++) {
			struct chunker c;
			size_t at = 0, n;

			make_chunker(&c, &sizes[s]);
			for (; at < DATA_LEN; at += n) {
				size_t left = DATA_LEN - at;

				n = chunker_cut(&c, data + at, left, true);
				assert_in_range(n, 1, sizes[s].max);
				assert_true(n >= sizes[s].min || n == left);
			}
		}
		free(data);
	}
}

/* What is given beyond a chunk, or in how many calls, changes nothing. */
static void
cut_does_not_depend_on_what_is_handed_in(void **state)
{
	static const struct chunker_params small = { 101, 1024, 3001 };
	uint8_t *data = make_data(PATTERN_RANDOM, 100000);
	struct chunker c;
	size_t at = 0;

	(void)state;
	make_chunker(&c, &small);
	while (at < 90000) {
		size_t n = chunker_cut(&c, data + at, 100000 - at, false);

		assert_in_range(n, 1, small.max);
		for (size_t len = 0; len < small.max + 10; len++) {
			size_t open = chunker_cut(&c, data + at, len, false);
			size_t last = chunker_cut(&c, data + at, len, true);

			assert_int_equal(open, len < n ? 0 : n);
			assert_int_equal(last, len < n ? len : n);
		}
		at += n;
	}
	free(data);
}

static size_t
collect_cuts(
    const struct chunker *c, const uint8_t *data, size_t len, size_t *places)
{
	size_t n = 0;

	for (size_t at = 0; at < len; n++) {
		at += chunker_cut(c, data + at, len - at, true);
		places[n] = at;
	}
	return n;
}

static void
cuts_come_back_after_an_insertion(void **state)
{
	enum {
		PLACE = 1000000,
		INSERTED = 7
	};
	uint8_t *data = make_data(PATTERN_RANDOM, DATA_LEN);
	uint8_t *changed = xmalloc(DATA_LEN + INSERTED);
	size_t before[DATA_LEN / CHUNKER_DEFAULT_MIN + 1];
	size_t after[DATA_LEN / CHUNKER_DEFAULT_MIN + 1];
	size_t n_before, n_after, same = 0, first = 0;
	struct chunker c;

	(void)state;
	make_chunker(&c, &defaults);
	memcpy(changed, data, PLACE);
	memset(changed + PLACE, 'x', INSERTED);
	memcpy(changed + PLACE + INSERTED, data + PLACE, DATA_LEN - PLACE);
	n_before = collect_cuts(&c, data, DATA_LEN, before);
	n_after = collect_cuts(&c, changed, DATA_LEN + INSERTED, after);

	while (first < n_before && first < n_after && before[first] <= PLACE) {
		assert_int_equal(before[first], after[first]);
		first++;
	}
	while (same < n_before && same < n_after &&
	    before[n_before - 1 - same] + INSERTED == after[n_after - 1 - same])
		same++;
	/* All but a few chunks around the insertion are the same. */
	assert_true(first + same + 4 >= n_before);
	free(data);
	free(changed);
}

static void
keys_give_different_cuts(void **state)
{
	uint8_t *data = make_data(PATTERN_RANDOM, DATA_LEN);
	const uint8_t key[CHUNKER_KEY_LEN] = { 99 };
	struct chunker a, b;
	size_t at = 0, same = 0, n = 0;
	struct err e;

	(void)state;
	make_chunker(&a, &defaults);
	assert_int_equal(chunker_init(&b, &defaults, key, &e), 0);
	for (; at < DATA_LEN - CHUNKER_DEFAULT_MAX; n++) {
		size_t len = chunker_cut(&a, data + at, DATA_LEN - at, true);

		if (chunker_cut(&b, data + at, DATA_LEN - at, true) == len)
			same++;
		at += len;
	}
	assert_true(n > 20);
	assert_true(same < 3);
	free(data);
}

static void
larger_average_cuts_at_places_of_the_smaller(void **state)
{
	static const struct chunker_params large = { 65536, 262144, 1048576 };
	struct chunker a, b;

	(void)state;
	make_chunker(&a, &defaults);
	make_chunker(&b, &large);
	assert_true(b.hard < b.easy);
	assert_true(b.easy < a.easy);
	assert_true(b.hard < a.hard);
	assert_true(b.easy <= UINT64_MAX / 65536 + 1);
}

static void
bad_sizes_are_refused(void **state)
{
	static const struct chunker_params bad[] = {
		{ 0, 65536, 262144 },
		{ 63, 65536, 262144 },
		{ 32769, 65536, 262144 },
		{ 16384, 65537, 262144 },
		{ 16384, 65536, 65536 },
		{ 16384, 65536, CHUNKER_MAX + 1 },
		{ 16384, 65536, UINT32_MAX },
	};
	const uint8_t key[CHUNKER_KEY_LEN] = { 0 };
	struct chunker c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(chunker_init(&c, &bad[i], key, &e), -1);
		assert_int_equal(e.kind, ERR_LIMIT);
	}
}

/* The next blank-separated number of a line. */
static size_t
take_number(char **line)
{
	const char *word = strsep(line, " \n");
	uint64_t v;

	assert_non_null(word);
	assert_true(conv_u64(word, 0, UINT32_MAX, &v));
	return (size_t)v;
}

static uint8_t *
take_input(const char *source, size_t len)
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	uint8_t *data = xcalloc(1, len + 1);
	uint8_t key[32];

	if (strcmp(source, "zero") != 0) {
		assert_true(strncmp(source, "stream:", 7) == 0);
		assert_true(hex_decode(
		    source + 7, strlen(source + 7), key, sizeof(key)));
		crypto_stream_chacha20(data, len, nonce, key);
	}
	return data;
}

static void
check_vector(char *line)
{
	const char *key_text = strsep(&line, " ");
	struct chunker_params params;
	uint8_t key[CHUNKER_KEY_LEN], *data;
	const char *source;
	struct chunker c;
	size_t len, at = 0;
	struct err e;

	assert_true(hex_decode(key_text, strlen(key_text), key, sizeof(key)));
	params.min = (uint32_t)take_number(&line);
	params.avg = (uint32_t)take_number(&line);
	params.max = (uint32_t)take_number(&line);
	source = strsep(&line, " ");
	assert_non_null(source);
	len = take_number(&line);
	data = take_input(source, len);
	assert_int_equal(chunker_init(&c, &params, key, &e), 0);
	while (at < len) {
		size_t n = chunker_cut(&c, data + at, len - at, true);

		assert_int_equal(n, take_number(&line));
		at += n;
	}
	assert_true(line == NULL || *line == '\0');
	free(data);
}

static void
published_vectors_hold(void **state)
{
	char *path = xasprintf("%s/chunker.txt", vectors_dir);
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	int n = 0;

	(void)state;
	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		if (line[0] == '#')
			continue;
		check_vector(line);
		n++;
	}
	assert_true(n >= 8);
	free(line);
	fclose(f);
	free(path);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_equal_the_reference),
		cmocka_unit_test(lengths_lie_between_the_bounds),
		cmocka_unit_test(cut_does_not_depend_on_what_is_handed_in),
		cmocka_unit_test(cuts_come_back_after_an_insertion),
		cmocka_unit_test(keys_give_different_cuts),
		cmocka_unit_test(larger_average_cuts_at_places_of_the_smaller),
		cmocka_unit_test(bad_sizes_are_refused),
		cmocka_unit_test(published_vectors_hold),
	};

	if (argc != 2 || sodium_init() == -1)
		return 2;
	vectors_dir = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
