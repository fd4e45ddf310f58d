/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "plakar/index/run.h"

#define FILTER_BITS_PER_ROW 10
#define FILTER_LINE_WORDS   8 /* a cache line */
#define FILTER_LINE_BITS    512
#define FILTER_PROBES       6
#define WINDOW_ROWS         65536 /* merged before memory is given back */
#define INTERPOLATIONS      8     /* before the search falls back to halving */

static const char magic[8] = "plkrrun1";

struct run_head {
	char magic[8];
	uint64_t covers, packs, offsets, filter_lines, rows;
	uint64_t total_len;
	uint64_t zero;
};

static_assert(sizeof(struct segment_row) == 24, "a row has no padding");
static_assert(sizeof(struct run_pack) == 48, "a pack has no padding");
static_assert(sizeof(struct run_head) == 64, "the filter is aligned");

/* Where each part of a run's file begins. */
struct layout {
	size_t covers, packs, offsets, filter, rows, end;
};

static size_t
align_line(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

static struct layout
layout_of(const struct run_head *head)
{
	struct layout at;

	at.covers = sizeof(*head);
	at.packs = at.covers + head->covers * sizeof(struct object_name);
	at.offsets = at.packs + head->packs * sizeof(struct run_pack);
	at.filter = align_line(at.offsets + head->offsets * sizeof(uint32_t));
	at.rows = at.filter + head->filter_lines * FILTER_LINE_BITS / 8;
	at.end = at.rows + head->rows * sizeof(struct segment_row);
	return at;
}

static uint64_t
id_word(const struct chunk_id *id, unsigned i)
{
	uint64_t v;

	memcpy(&v, id->bytes + 8 * i, sizeof(v));
	return be64toh(v);
}

/*
 * The filter's line for id; bit numbers come from the id's second half.
 * Ids are random, and rows sorted by them: so a run being written fills its
 * filter from end to end, as it does its rows.
 */
static size_t
filter_line(const struct chunk_id *id, size_t lines)
{
	return (size_t)(((id_word(id, 0) >> 32) * lines) >> 32);
}

static void
filter_add(uint64_t *filter, size_t lines, const struct chunk_id *id)
{
	uint64_t *line = filter + filter_line(id, lines) * FILTER_LINE_WORDS;
	uint64_t bits = id_word(id, 1);

	for (int i = 0; i < FILTER_PROBES; i++, bits >>= 9)
		line[(bits >> 6) & 7] |= (uint64_t)1 << (bits & 63);
}

static bool
filter_has(const struct run *run, const struct chunk_id *id)
{
	const uint64_t *line = run->filter +
	    filter_line(id, run->filter_lines) * FILTER_LINE_WORDS;
	uint64_t bits = id_word(id, 1);

	for (int i = 0; i < FILTER_PROBES; i++, bits >>= 9)
		if ((line[(bits >> 6) & 7] >> (bits & 63) & 1) == 0)
			return false;
	return true;
}

static bool
head_plausible(const struct run_head *head, size_t len)
{
	/* Each count alone fits the file, so that no sum below overflows. */
	return memcmp(head->magic, magic, sizeof(magic)) == 0 &&
	    head->covers <= len && head->packs <= len && head->offsets <= len &&
	    head->filter_lines <= len && head->filter_lines > 0 &&
	    head->rows <= len && head->total_len == len &&
	    layout_of(head).end == len;
}

/* Packs must name offsets that are there; rows are checked when found. */
static bool
packs_valid(const struct run *run)
{
	for (size_t i = 0; i < run->packs_count; i++) {
		const struct run_pack *pack = &run->packs[i];

		if ((uint64_t)pack->first + pack->blocks + 1 >
		    run->offsets_count)
			return false;
	}
	return true;
}

static void
set_parts(struct run *run, const struct run_head *head)
{
	struct layout at = layout_of(head);
	const uint8_t *base = run->map;

	run->covers_count = head->covers;
	run->packs_count = head->packs;
	run->offsets_count = head->offsets;
	run->filter_lines = head->filter_lines;
	run->rows_count = head->rows;
	run->covers = (const void *)(base + at.covers);
	run->packs = (const void *)(base + at.packs);
	run->offsets = (const void *)(base + at.offsets);
	run->filter = (const void *)(base + at.filter);
	run->rows = (const void *)(base + at.rows);
}

int
run_open(const char *path, struct run **out, struct err *e)
{
	struct run *run = xcalloc(1, sizeof(*run));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int rc = -1;

	run->path = xstrdup(path);
	run->map = MAP_FAILED;
	if (fd == -1 || fstat(fd, &st) == -1) {
		err_sys(e, "%s", path);
		goto out;
	}
	run->map_len = (size_t)st.st_size;
	if (run->map_len >= sizeof(struct run_head))
		run->map =
		    mmap(NULL, run->map_len, PROT_READ, MAP_SHARED, fd, 0);
	if (run->map == MAP_FAILED || !head_plausible(run->map, run->map_len)) {
		err_set(e, ERR_CORRUPT, "%s: not a whole run", path);
		goto out;
	}
	set_parts(run, run->map);
	if (!packs_valid(run)) {
		err_set(e, ERR_CORRUPT, "%s: bad table of packs", path);
		goto out;
	}
	madvise(run->map, run->map_len, MADV_RANDOM);
	*out = run;
	run = NULL;
	rc = 0;
out:
	if (fd != -1)
		close(fd);
	run_close(run);
	return rc;
}

void
run_close(struct run *run)
{
	if (run == NULL)
		return;
	if (run->map != MAP_FAILED)
		munmap(run->map, run->map_len);
	free(run->path);
	free(run);
}

/* Where among n rows a key stands that is at/span of the way through. */
static size_t
guess(uint64_t at, uint64_t span, size_t n)
{
	return (size_t)((double)at / (double)span * (double)n);
}

/* The first row whose id is not below id. */
static size_t
lower_bound(const struct run *run, const struct chunk_id *id)
{
	uint64_t key = id_word(id, 0), key_lo = 0, key_hi = UINT64_MAX;
	size_t lo = 0, hi = run->rows_count;

	/* Ids are random, so where one stands can be guessed well. */
	for (int step = 0; lo < hi; step++) {
		size_t mid = lo + (hi - lo) / 2;
		uint64_t mid_key;

		if (step < INTERPOLATIONS && key_lo < key && key < key_hi)
			mid =
			    lo + guess(key - key_lo, key_hi - key_lo, hi - lo);
		if (mid >= hi)
			mid = hi - 1;
		mid_key = id_word(&run->rows[mid].id, 0);
		if (memcmp(run->rows[mid].id.bytes, id->bytes, CHUNK_ID_LEN) <
		    0) {
			lo = mid + 1;
			key_lo = mid_key;
		} else {
			hi = mid;
			key_hi = mid_key;
		}
	}
	return lo;
}

void
run_release(const struct run *run)
{
	madvise(run->map, run->map_len, MADV_DONTNEED);
}

const struct segment_row *
run_find(const struct run *run, const struct chunk_id *id)
{
	const struct segment_row *row;
	size_t i;

	if (!filter_has(run, id))
		return NULL;
	i = lower_bound(run, id);
	if (i == run->rows_count)
		return NULL;
	row = &run->rows[i];
	if (memcmp(row->id.bytes, id->bytes, CHUNK_ID_LEN) != 0 ||
	    row->pack >= run->packs_count ||
	    row->block >= run->packs[row->pack].blocks)
		return NULL;
	return row;
}

/* A run being written: mapped for writing until it is finished. */
struct writer {
	char *tmp;
	int fd;
	uint8_t *map;
	struct run_head head;
	struct layout at;
};

static int
writer_open(struct writer *w, const char *dir, struct err *e)
{
	int rc;

	memcpy(w->head.magic, magic, sizeof(magic));
	w->head.filter_lines =
	    w->head.rows * FILTER_BITS_PER_ROW / FILTER_LINE_BITS + 1;
	w->at = layout_of(&w->head);
	w->head.total_len = w->at.end;
	w->tmp = xasprintf("%s/tmp-XXXXXX", dir);
	w->map = MAP_FAILED;
	w->fd = mkostemp(w->tmp, O_CLOEXEC);
	if (w->fd == -1) {
		err_sys(e, "cache folder %s", dir);
		return -1;
	}
	/* Reserved now: a full disk is an error here, not a SIGBUS later. */
	rc = posix_fallocate(w->fd, 0, (off_t)w->at.end);
	if (rc != 0) {
		errno = rc;
		err_sys(e, "cache folder %s", dir);
		return -1;
	}
	w->map =
	    mmap(NULL, w->at.end, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
	if (w->map == MAP_FAILED) {
		err_sys(e, "cache folder %s", dir);
		return -1;
	}
	memcpy(w->map, &w->head, sizeof(w->head));
	return 0;
}

/* Fill the filter, then give the file its name and open it. */
static int
writer_finish(
    struct writer *w, const char *dir, struct run **out, struct err *e)
{
	const struct segment_row *rows = (const void *)(w->map + w->at.rows);
	uint64_t *filter = (void *)(w->map + w->at.filter);
	char *path = xasprintf(
	    "%s/run-%s", dir, w->tmp + strlen(w->tmp) - strlen("XXXXXX"));
	int rc = -1;

	for (size_t i = 0; i < w->head.rows; i++)
		filter_add(filter, w->head.filter_lines, &rows[i].id);
	if (msync(w->map, w->at.end, MS_SYNC) == -1 || fsync(w->fd) == -1 ||
	    rename(w->tmp, path) == -1)
		err_sys(e, "cache folder %s", dir);
	else
		rc = run_open(path, out, e);
	free(path);
	return rc;
}

static void
writer_close(struct writer *w, int rc)
{
	if (w->map != MAP_FAILED)
		munmap(w->map, w->at.end);
	if (w->fd != -1)
		close(w->fd);
	if (rc == -1 && w->fd != -1)
		unlink(w->tmp);
	free(w->tmp);
}

static size_t
segment_offsets(const struct segment *seg)
{
	size_t n = 0;

	for (size_t i = 0; i < seg->packs_count; i++)
		n += seg->packs[i].blocks + 1;
	return n;
}

int
run_write(const char *dir, const struct segment *seg,
    const struct object_name *name, struct run **out, struct err *e)
{
	struct writer w = { .head = { .covers = 1,
				.packs = seg->packs_count,
				.offsets = segment_offsets(seg),
				.rows = seg->rows_count } };
	struct run_pack *packs;
	uint32_t *offsets, first = 0;
	int rc = writer_open(&w, dir, e);

	if (rc == -1)
		goto out;
	memcpy(w.map + w.at.covers, name, sizeof(*name));
	packs = (void *)(w.map + w.at.packs);
	offsets = (void *)(w.map + w.at.offsets);
	for (size_t i = 0; i < seg->packs_count; i++) {
		const struct segment_pack *pack = &seg->packs[i];

		packs[i] = (struct run_pack){ .name = pack->name,
			.class = pack->class,
			.size = pack->size,
			.first = first,
			.blocks = pack->blocks };
		memcpy(offsets + first, pack->offsets,
		    (pack->blocks + 1) * sizeof(*offsets));
		first += pack->blocks + 1;
	}
	if (seg->rows_count > 0)
		memcpy(w.map + w.at.rows, seg->rows,
		    seg->rows_count * sizeof(*seg->rows));
	rc = writer_finish(&w, dir, out, e);
out:
	writer_close(&w, rc);
	return rc;
}

/* Copy the tables of runs one after the other; rows keep their order. */
static void
merge_tables(
    struct writer *w, struct run *const *runs, size_t n, uint32_t *pack_base)
{
	struct object_name *covers = (void *)(w->map + w->at.covers);
	struct run_pack *packs = (void *)(w->map + w->at.packs);
	uint32_t *offsets = (void *)(w->map + w->at.offsets);
	uint32_t packs_done = 0, offsets_done = 0;

	for (size_t i = 0; i < n; i++) {
		const struct run *run = runs[i];

		memcpy(
		    covers, run->covers, run->covers_count * sizeof(*covers));
		covers += run->covers_count;
		pack_base[i] = packs_done;
		for (size_t k = 0; k < run->packs_count; k++) {
			packs[packs_done] = run->packs[k];
			packs[packs_done].first += offsets_done;
			packs_done++;
		}
		memcpy(offsets + offsets_done, run->offsets,
		    run->offsets_count * sizeof(*offsets));
		offsets_done += (uint32_t)run->offsets_count;
	}
}

/* The pages of rows [0, n) won't be needed again. */
static void
release_rows(const struct segment_row *rows, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)rows + page - 1) & ~(page - 1);
	uintptr_t to = (uintptr_t)(rows + n) & ~(page - 1);

	if (to > from)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

static void
merge_rows(struct segment_row *to, struct run *const *runs, size_t n,
    const uint32_t *pack_base)
{
	size_t *at = xcalloc(n, sizeof(*at)), done = 0;
	struct segment_row *start = to;

	/* Few runs are merged at a time: a linear choice is good enough. */
	for (;;) {
		size_t best = n;

		for (size_t i = 0; i < n; i++) {
			if (at[i] == runs[i]->rows_count)
				continue;
			if (best == n ||
			    memcmp(&runs[i]->rows[at[i]],
				&runs[best]->rows[at[best]], CHUNK_ID_LEN) < 0)
				best = i;
		}
		if (best == n)
			break;
		*to = runs[best]->rows[at[best]++];
		to->pack += pack_base[best];
		to++;
		if (++done % WINDOW_ROWS == 0) {
			release_rows(start, done);
			for (size_t i = 0; i < n; i++)
				release_rows(runs[i]->rows, at[i]);
		}
	}
	free(at);
}

int
run_merge(const char *dir, struct run *const *runs, size_t n, struct run **out,
    struct err *e)
{
	struct writer w = { .fd = -1 };
	uint32_t *pack_base = xcalloc(n, sizeof(*pack_base));
	int rc;

	for (size_t i = 0; i < n; i++) {
		w.head.covers += runs[i]->covers_count;
		w.head.packs += runs[i]->packs_count;
		w.head.offsets += runs[i]->offsets_count;
		w.head.rows += runs[i]->rows_count;
		madvise(runs[i]->map, runs[i]->map_len, MADV_NORMAL);
	}
	rc = writer_open(&w, dir, e);
	if (rc == 0) {
		merge_tables(&w, runs, n, pack_base);
		merge_rows((void *)(w.map + w.at.rows), runs, n, pack_base);
		rc = writer_finish(&w, dir, out, e);
	}
	writer_close(&w, rc);
	free(pack_base);
	return rc;
}
