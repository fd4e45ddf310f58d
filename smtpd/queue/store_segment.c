/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store, the segments: made, read back, dropped.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/record.h"

#include "smtpd/queue/store_internal.h"

#define NAME_LEN 24
#define PLENTY   (4 * (uint64_t)STORE_SEGMENT_LEN)

static void
segment_name(uint64_t number, char name[NAME_LEN])
{
	snprintf(name, NAME_LEN, "%08llx.seg", (unsigned long long)number);
}

/* Where the next valid record starts at or after offset, or len. */
static uint64_t
resync(const uint8_t *p, uint64_t offset, uint64_t len)
{
	struct record r;

	for (; offset + RECORD_HEADER_LEN <= len; offset++) {
		if (p[offset] == 'M' &&
		    record_parse(p + offset, len - offset, &r) == RECORD_OK)
			return offset;
	}
	return len;
}

/* Apply all records of a mapped segment.  Returns where they end. */
static uint64_t
scan(struct store *s, struct segment *seg, const uint8_t *p, uint64_t len)
{
	uint64_t at = SEGMENT_HEADER, next;
	struct record r;

	if (!segment_header_valid(p, len, seg->number)) {
		seg->damaged = true;
		at = 0;
	}
	for (;;) {
		enum record_result rc = record_parse(p + at, len - at, &r);

		if (rc == RECORD_OK) {
			store_apply(s, seg, at, &r);
			at += r.total;
			continue;
		}
		if (rc == RECORD_NONE)
			return at;
		next = resync(p, at + 1, len);
		if (next == len)
			return at;
		seg->damaged = true;
		s->stats.damaged++;
		at = next;
	}
}

static bool
all_zero(const uint8_t *p, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static int
load_one(struct store *s, struct segment *seg, bool last, struct err *e)
{
	struct stat st;
	uint8_t *p;
	uint64_t len, end;

	if (fstat(seg->fd, &st) == -1) {
		err_sys(e, "segment %llu", (unsigned long long)seg->number);
		return -1;
	}
	len = (uint64_t)st.st_size;
	seg->end = len;
	if (len == 0)
		return 0;
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, seg->fd, 0);
	if (p == MAP_FAILED) {
		err_sys(e, "map segment %llu", (unsigned long long)seg->number);
		return -1;
	}
	end = scan(s, seg, p, len);
	if (!all_zero(p + end, len - end)) {
		uint64_t torn = len - end;

		while (torn > 0 && p[end + torn - 1] == 0)
			torn--;
		s->stats.torn_bytes += torn;
		seg->damaged |= !last;
	}
	munmap(p, len);
	seg->end = end;
	if (!seg->damaged && ftruncate(seg->fd, (off_t)end) == -1) {
		err_sys(e, "cut segment %llu", (unsigned long long)seg->number);
		return -1;
	}
	return 0;
}

static int
compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The numbers of the segments in the directory, ascending. */
static int
list_segments(struct store *s, uint64_t **numbers, size_t *n, struct err *e)
{
	int fd = openat(s->log_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *d;

	*numbers = NULL;
	*n = 0;
	if (dir == NULL) {
		err_sys(e, "%s/log", s->dir);
		return -1;
	}
	while ((d = readdir(dir)) != NULL) {
		uint64_t number = strtoull(d->d_name, NULL, 16);
		char name[NAME_LEN];

		segment_name(number, name);
		if (strcmp(d->d_name, name) != 0)
			continue;
		*numbers = xreallocarray(*numbers, *n + 1, sizeof(**numbers));
		(*numbers)[(*n)++] = number;
	}
	closedir(dir);
	if (*n > 0)
		qsort(*numbers, *n, sizeof(**numbers), compare_numbers);
	return 0;
}

int
store_segments_load(struct store *s, struct err *e)
{
	uint64_t *numbers;
	size_t n;
	int rc = -1;

	if (list_segments(s, &numbers, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct segment *seg = xcalloc(1, sizeof(*seg));
		char name[NAME_LEN];

		seg->number = numbers[i];
		TAILQ_INSERT_TAIL(&s->segments, seg, entry);
		s->stats.segments++;
		segment_name(seg->number, name);
		seg->fd = openat(s->log_fd, name, O_RDWR | O_CLOEXEC);
		if (seg->fd == -1) {
			err_sys(e, "%s/log/%s", s->dir, name);
			goto out;
		}
		if (load_one(s, seg, i + 1 == n, e) == -1)
			goto out;
	}
	rc = 0;
out:
	free(numbers);
	return rc;
}

int
store_segment_new(struct store *s, struct err *e)
{
	struct segment *seg = xcalloc(1, sizeof(*seg));
	const struct segment *last = TAILQ_LAST(&s->segments, segments);
	uint8_t header[SEGMENT_HEADER];
	char name[NAME_LEN];

	seg->number = last == NULL ? 1 : last->number + 1;
	segment_name(seg->number, name);
	seg->fd = openat(
	    s->log_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (seg->fd == -1) {
		err_sys(e, "%s/log/%s", s->dir, name);
		free(seg);
		return -1;
	}
	/* With its blocks there already, a sync has no size to write down.
	 * File systems that can't do that, or that are short of room, just
	 * sync a little slower. */
	if (store_free(s) > PLENTY &&
	    fallocate(seg->fd, 0, 0, STORE_SEGMENT_LEN) == -1 &&
	    ftruncate(seg->fd, 0) == -1)
		goto fail;
	segment_header(seg->number, header);
	if (pwrite(seg->fd, header, sizeof(header), 0) !=
		(ssize_t)sizeof(header) ||
	    fsync(seg->fd) == -1 || fsync(s->log_fd) == -1)
		goto fail;
	seg->end = SEGMENT_HEADER;
	TAILQ_INSERT_TAIL(&s->segments, seg, entry);
	s->stats.segments++;
	s->current = seg;
	return 0;
fail:
	err_sys(e, "%s/log/%s", s->dir, name);
	close(seg->fd);
	unlinkat(s->log_fd, name, 0);
	free(seg);
	return -1;
}

int
store_segment_drop(struct store *s, struct segment *seg, struct err *e)
{
	char name[NAME_LEN], kept[NAME_LEN + 16];
	int rc;

	segment_name(seg->number, name);
	snprintf(kept, sizeof(kept), "../corrupt/%s", name);
	rc = seg->damaged ? renameat(s->log_fd, name, s->log_fd, kept) :
			    unlinkat(s->log_fd, name, 0);
	if (rc == -1) {
		err_sys(e, "drop %s/log/%s", s->dir, name);
		return -1;
	}
	TAILQ_REMOVE(&s->segments, seg, entry);
	s->stats.segments--;
	close(seg->fd);
	free(seg);
	return 0;
}
