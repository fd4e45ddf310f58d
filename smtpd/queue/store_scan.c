/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store, reading back: the records of a segment, whatever has become of it.
 *
 * Bytes that are no record end the last segment when no record follows them:
 * they were being written, and nobody was promised them.  Anywhere else they
 * are damage: logged, kept in corrupt/, and what follows is read on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/wire.h"

#include "smtpd/queue/record.h"

#include "smtpd/queue/store_internal.h"

#define PAGE 4096

struct scan {
	struct store *store;
	struct segment *segment;
	const uint8_t *p;
	uint64_t len;
	uint64_t data_end; /* behind it, zeros only */
	bool last;
};

/* Where the next record starts at or after offset, or len. */
static uint64_t
resync(const struct scan *sc, uint64_t offset)
{
	struct record r;

	while (offset + RECORD_HEADER_LEN <= sc->len) {
		const uint8_t *m =
		    memchr(sc->p + offset, 'M', sc->len - offset);

		if (m == NULL)
			break;
		offset = (uint64_t)(m - sc->p);
		if (record_parse(m, sc->len - offset, &sc->segment->mark, &r) ==
		    RECORD_OK)
			return offset;
		offset++;
	}
	return sc->len;
}

/* The message that a damaged record was, when that can still be read. */
static void
name_message(const uint8_t *p, uint64_t len, char *out, size_t size)
{
	out[0] = '\0';
	if (len >= RECORD_HEADER_LEN + 4 && p[0] == 'M' &&
	    p[4] == RECORD_MESSAGE)
		snprintf(out, size, " (message %08x, it seems)",
		    wire_load32(p + RECORD_HEADER_LEN));
}

/* Keep a copy of what is damaged, and say so. */
static void
set_aside(const struct scan *sc, uint64_t from, uint64_t to)
{
	char name[SEGMENT_NAME_LEN], kept[SEGMENT_NAME_LEN + 48], message[64];
	struct err e;
	int fd;

	store_segment_name(sc->segment->number, name);
	snprintf(kept, sizeof(kept), "../corrupt/%s-%llx", name,
	    (unsigned long long)from);
	name_message(sc->p + from, to - from, message, sizeof(message));
	log_warn("queue: %s/log/%s: %llu bytes at %llu are damaged%s: kept in "
		 "%s/corrupt/%s-%llx",
	    sc->store->dir, name, (unsigned long long)(to - from),
	    (unsigned long long)from, message, sc->store->dir, name,
	    (unsigned long long)from);
	sc->store->stats.damaged++;
	fd = openat(sc->store->log_fd, kept,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 ||
	    fs_write_all(fd, sc->p + from, (size_t)(to - from), &e) == -1 ||
	    fsync(fd) == -1) {
		log_warn("queue: %s: %s", kept, strerror(errno));
		sc->segment->damaged = true;
	}
	if (fd != -1)
		close(fd);
}

/* Apply all records from at on.  Returns where they end. */
static uint64_t
scan(const struct scan *sc, uint64_t at)
{
	struct record r;
	uint64_t next;

	for (;;) {
		if (at < sc->len &&
		    record_parse(sc->p + at, sc->len - at, &sc->segment->mark,
			&r) == RECORD_OK) {
			store_apply(sc->store, sc->segment, at, &r);
			at += r.total;
			continue;
		}
		if (at >= sc->data_end)
			return at;
		next = resync(sc, at + 1);
		if (next == sc->len && sc->last) {
			sc->store->stats.torn_bytes += sc->data_end - at;
			return at;
		}
		set_aside(sc, at, next < sc->data_end ? next : sc->data_end);
		at = next;
	}
}

/* What the disk doesn't give is zeros. */
static void
read_segment(
    const struct store *s, struct segment *seg, uint8_t *p, uint64_t len)
{
	struct err e;
	size_t got;

	if (fs_pread_full(seg->fd, p, (size_t)len, 0, &got, &e) == 0 &&
	    got == len)
		return;
	log_warn("queue: %s/log: segment %llu can't be read whole: %s", s->dir,
	    (unsigned long long)seg->number, e.msg);
	seg->damaged = true;
	for (uint64_t at = 0; at < len; at += PAGE) {
		size_t n = len - at < PAGE ? (size_t)(len - at) : PAGE;

		if (fs_pread_full(seg->fd, p + at, n, at, &got, &e) == -1)
			got = 0;
		memset(p + at + got, 0, n - got);
	}
}

/*
 * Find the mark.  False when there is none: then no record can be told from
 * the bytes of a message, and the segment is kept as it is.
 */
static bool
find_mark(const struct scan *sc, uint32_t *version)
{
	struct segment *seg = sc->segment;
	struct record r;

	if (segment_header_parse(
		sc->p, sc->len, seg->number, &seg->mark, version))
		return true;
	/* The first record has it, too. */
	if (sc->len >= SEGMENT_HEADER &&
	    record_parse(sc->p + SEGMENT_HEADER, sc->len - SEGMENT_HEADER, NULL,
		&r) == RECORD_OK) {
		seg->mark = r.mark;
		set_aside(sc, 0, SEGMENT_HEADER);
		return true;
	}
	if (sc->data_end > 0 && !sc->last) {
		log_warn("queue: segment %llu has no header: it goes to %s/"
			 "corrupt",
		    (unsigned long long)seg->number, sc->store->dir);
		sc->store->stats.damaged++;
		seg->damaged = true;
	}
	return false;
}

static int
scan_bytes(struct scan *sc, struct err *e)
{
	struct segment *seg = sc->segment;
	uint32_t version;

	sc->data_end = sc->len;
	while (sc->data_end > 0 && sc->p[sc->data_end - 1] == 0)
		sc->data_end--;
	if (find_mark(sc, &version))
		seg->end = scan(sc, SEGMENT_HEADER);
	if (version == SEGMENT_VERSION)
		return 0;
	err_set(e, ERR_UNSUPPORTED,
	    "%s: segment %llu is of version %u: it needs another smtpd",
	    sc->store->dir, (unsigned long long)seg->number, version);
	return -1;
}

/* What was torn must not come back, whatever is written later. */
static int
cut(struct segment *seg, uint64_t len, struct err *e)
{
	if (seg->damaged || seg->end == len ||
	    (ftruncate(seg->fd, (off_t)seg->end) == 0 &&
		fdatasync(seg->fd) == 0))
		return 0;
	err_sys(e, "cut segment %llu", (unsigned long long)seg->number);
	return -1;
}

int
store_scan(struct store *s, struct segment *seg, bool last, uint8_t **room,
    size_t *room_len, struct err *e)
{
	struct scan sc = { .store = s, .segment = seg, .last = last };
	struct stat st;
	uint8_t *p;
	int rc = -1;

	if (fstat(seg->fd, &st) == -1) {
		err_sys(e, "segment %llu", (unsigned long long)seg->number);
		return -1;
	}
	sc.len = (uint64_t)st.st_size;
	if (sc.len >= *room_len) {
		p = realloc(*room, sc.len + 1);
		if (p == NULL) {
			err_sys(e, "segment %llu of %llu bytes",
			    (unsigned long long)seg->number,
			    (unsigned long long)sc.len);
			return -1;
		}
		*room = p;
		*room_len = sc.len + 1;
	}
	read_segment(s, seg, *room, sc.len);
	sc.p = *room;
	rc = scan_bytes(&sc, e);
	if (rc == 0 && last)
		rc = cut(seg, sc.len, e);
	return rc;
}
