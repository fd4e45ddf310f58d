/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sodium.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "plakar/format/segment.h"
#include "plakar/index/index.h"

#define ROWS 1000u

static char dir[] = "/tmp/test_index.XXXXXX";

static struct chunk_id
id_of(unsigned segment, unsigned row)
{
	struct chunk_id id;
	unsigned seed[2] = { segment, row };

	crypto_generichash(id.bytes, sizeof(id.bytes), (const uint8_t *)seed,
	    sizeof(seed), NULL, 0);
	return id;
}

static struct object_name
name_of(unsigned segment)
{
	struct object_name name = { { 0 } };

	memcpy(name.bytes, &segment, sizeof(segment));
	return name;
}

/* Segment number i: two packs of ten blocks, ROWS rows. */
static void
make_segment(unsigned i, struct segment *seg)
{
	*seg = (struct segment){ .packs_count = 2, .rows_count = ROWS };
	seg->packs = xcalloc(2, sizeof(*seg->packs));
	seg->rows = xcalloc(ROWS, sizeof(*seg->rows));
	for (unsigned p = 0; p < 2; p++) {
		struct segment_pack *pack = &seg->packs[p];

		pack->name = name_of(1000 * i + p);
		pack->class = CLASS_DATA;
		pack->size = 20000;
		pack->blocks = 10;
		pack->offsets = xcalloc(11, sizeof(*pack->offsets));
		for (unsigned b = 0; b < 11; b++)
			pack->offsets[b] = 200 + b * 1000;
	}
	for (unsigned r = 0; r < ROWS; r++)
		seg->rows[r] = (struct segment_row){ .id = id_of(i, r),
			.pack = r % 2,
			.block = (uint16_t)(r % 10),
			.slot = (uint16_t)(r / 10) };
	segment_sort(seg->rows, ROWS);
}

static void
add_segment(struct index *ix, unsigned i)
{
	struct object_name name = name_of(i);
	struct segment seg;
	struct err e;

	make_segment(i, &seg);
	assert_int_equal(index_add(ix, &seg, &name, &e), 0);
	segment_free(&seg);
}

static void
expect_rows(struct index *ix, unsigned i, bool there)
{
	for (unsigned r = 0; r < ROWS; r++) {
		struct chunk_id id = id_of(i, r);
		struct object_name pack = name_of(1000 * i + r % 2);
		struct index_place place;

		assert_int_equal(index_find(ix, &id, &place), there);
		if (!there)
			continue;
		assert_memory_equal(&place.pack, &pack, sizeof(pack));
		assert_int_equal(place.offset, 200 + r % 10 * 1000);
		assert_int_equal(place.len, 1000);
		assert_int_equal(place.slot, r / 10);
	}
}

static size_t
files_in_dir(void)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *ent = readdir(d); ent != NULL; ent = readdir(d))
		n += ent->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
finds_rows_of_many_merged_segments(void **state)
{
	struct object_name names[40];
	struct index *ix;
	struct err e;

	(void)state;
	assert_int_equal(index_open(dir, NULL, 0, &ix, &e), 0);
	for (unsigned i = 0; i < 40; i++) {
		names[i] = name_of(i);
		add_segment(ix, i);
	}
	assert_true(files_in_dir() <= 8);
	assert_true(index_rows(ix) == 40 * ROWS);
	for (unsigned i = 0; i < 40; i++)
		expect_rows(ix, i, true);
	expect_rows(ix, 41, false);
	index_close(ix);

	assert_int_equal(index_open(dir, names, 40, &ix, &e), 0);
	for (unsigned i = 0; i < 40; i++) {
		assert_true(index_covers(ix, &names[i]));
		expect_rows(ix, i, true);
	}
	index_close(ix);
}

static void
forgets_segments_that_are_gone(void **state)
{
	struct object_name names[2] = { name_of(0), name_of(1) };
	struct index *ix;
	struct err e;

	(void)state;
	assert_int_equal(index_open(dir, NULL, 0, &ix, &e), 0);
	add_segment(ix, 0);
	add_segment(ix, 1);
	index_close(ix);
	assert_int_equal(index_open(dir, names + 1, 1, &ix, &e), 0);
	assert_false(index_covers(ix, &names[0]));
	expect_rows(ix, 0, false);
	expect_rows(ix, 1, true);
	index_close(ix);
}

static void
damaged_runs_are_dropped(void **state)
{
	struct object_name name = name_of(7);
	struct index *ix;
	struct err e;
	struct dirent *ent;
	DIR *d;

	(void)state;
	assert_int_equal(index_open(dir, NULL, 0, &ix, &e), 0);
	add_segment(ix, 7);
	index_close(ix);
	d = opendir(dir);
	assert_non_null(d);
	while ((ent = readdir(d)) != NULL)
		if (ent->d_name[0] != '.') {
			char *path = fs_join(dir, ent->d_name);

			assert_int_equal(truncate(path, 5000), 0);
			free(path);
		}
	closedir(d);
	assert_int_equal(index_open(dir, &name, 1, &ix, &e), 0);
	assert_false(index_covers(ix, &name));
	assert_int_equal(files_in_dir(), 0);
	index_close(ix);
}

static int
make_dir(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *ent;

	(void)state;
	assert_non_null(d);
	while ((ent = readdir(d)) != NULL)
		unlinkat(dirfd(d), ent->d_name, 0);
	closedir(d);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    finds_rows_of_many_merged_segments, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    forgets_segments_that_are_gone, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    damaged_runs_are_dropped, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
