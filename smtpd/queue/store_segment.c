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

#define PLENTY (4 * (uint64_t)STORE_SEGMENT_LEN)

void
store_segment_name(uint64_t number, char name[SEGMENT_NAME_LEN])
{
	snprintf(
	    name, SEGMENT_NAME_LEN, "%08llx.seg", (unsigned long long)number);
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
		char name[SEGMENT_NAME_LEN];

		store_segment_name(number, name);
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
	uint8_t *room = NULL;
	size_t room_len = 0;
	uint64_t *numbers;
	size_t n;
	int rc = -1;

	if (list_segments(s, &numbers, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct segment *seg = xcalloc(1, sizeof(*seg));
		char name[SEGMENT_NAME_LEN];

		seg->number = numbers[i];
		TAILQ_INSERT_TAIL(&s->segments, seg, entry);
		s->stats.segments++;
		store_segment_name(seg->number, name);
		seg->fd = openat(s->log_fd, name, O_RDWR | O_CLOEXEC);
		if (seg->fd == -1) {
			err_sys(e, "%s/log/%s", s->dir, name);
			goto out;
		}
		if (store_scan(s, seg, i + 1 == n, &room, &room_len, e) == -1)
			goto out;
	}
	rc = 0;
out:
	free(room);
	free(numbers);
	return rc;
}

int
store_segment_new(struct store *s, struct err *e)
{
	struct segment *seg = xcalloc(1, sizeof(*seg));
	const struct segment *last = TAILQ_LAST(&s->segments, segments);
	uint8_t header[SEGMENT_HEADER];
	char name[SEGMENT_NAME_LEN];

	seg->number = last == NULL ? 1 : last->number + 1;
	store_segment_name(seg->number, name);
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
	    fallocate(seg->fd, 0, 0, (off_t)s->segment_len) == -1 &&
	    ftruncate(seg->fd, 0) == -1)
		goto fail;
	seg->mark = (uint64_t)arc4random() << 32 | arc4random();
	segment_header(seg->number, seg->mark, header);
	if (pwrite(seg->fd, header, sizeof(header), 0) !=
		(ssize_t)sizeof(header) ||
	    fsync(seg->fd) == -1 || fsync(s->log_fd) == -1)
		goto fail;
	seg->end = SEGMENT_HEADER;
	TAILQ_INSERT_TAIL(&s->segments, seg, entry);
	s->stats.segments++;
	s->current = seg;
	s->abandoned = false;
	return 0;
fail:
	err_sys(e, "%s/log/%s", s->dir, name);
	close(seg->fd);
	unlinkat(s->log_fd, name, 0);
	free(seg);
	return -1;
}

void
store_segment_close(struct store *s)
{
	struct segment *seg = s->current;
	struct buf b = { 0 };

	if (s->abandoned)
		return;
	record_end(&b, record_begin(&b, RECORD_END));
	record_stamp(b.data, b.len, seg->mark);
	/* Without it the end of the segment is taken for a torn one. */
	if (pwrite(seg->fd, b.data, b.len, (off_t)seg->end) != (ssize_t)b.len ||
	    ftruncate(seg->fd, (off_t)(seg->end + b.len)) == -1)
		log_debug("queue: segment %llu is left open",
		    (unsigned long long)seg->number);
	buf_free(&b);
}

int
store_segment_drop(struct store *s, struct segment *seg, struct err *e)
{
	char name[SEGMENT_NAME_LEN], kept[SEGMENT_NAME_LEN + 16];
	int rc;

	store_segment_name(seg->number, name);
	snprintf(kept, sizeof(kept), "../corrupt/%s", name);
	rc = seg->damaged ? renameat(s->log_fd, name, s->log_fd, kept) :
			    unlinkat(s->log_fd, name, 0);
	/* Before the next one goes: what it holds may be the removal of what
	 * is in this one. */
	if (rc == 0)
		rc = fsync(s->log_fd);
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
