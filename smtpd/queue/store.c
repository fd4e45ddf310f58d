/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/record.h"
#include "smtpd/queue/seal.h"
#include "smtpd/queue/store_internal.h"

#include "smtpd/queue/store.h"

static int
open_dir(const char *base, const char *name, struct err *e)
{
	char *path = fs_join(base, name);
	int fd = -1;

	if (fs_mkdir_all(path, 0700, e) == 0) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd == -1)
			err_sys(e, "%s", path);
	}
	free(path);
	return fd;
}

/* The process before us may still be on its way out. */
static bool
lock_soon(int fd)
{
	const struct timespec wait = { 0, 50000000 };

	for (int i = 0; i < 100; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&wait, NULL);
	}
	return false;
}

static int
take_lock(struct store *s, struct err *e)
{
	char *path = fs_join(s->dir, "lock");

	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd == -1)
		err_sys(e, "%s", path);
	else if (!lock_soon(s->lock_fd))
		err_set(
		    e, ERR_EXISTS, "%s: another smtpd has this spool", s->dir);
	else {
		free(path);
		return 0;
	}
	free(path);
	return -1;
}

/* Bodies that no message refers to: left by a crash before the commit. */
static void
drop_orphans(struct store *s)
{
	int fd = openat(s->bodies_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		uint32_t msgid = (uint32_t)strtoul(d->d_name, NULL, 16);
		char name[16];

		snprintf(name, sizeof(name), "%08x", msgid);
		if (strcmp(d->d_name, name) == 0 &&
		    !store_has_message(s, msgid))
			unlinkat(s->bodies_fd, d->d_name, 0);
	}
	closedir(dir);
}

struct store *
store_open(const char *dir, const struct store_options *options, struct err *e)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int fd;

	s->dir = xstrdup(dir);
	s->segment_len = options == NULL || options->segment_len == 0 ?
	    STORE_SEGMENT_LEN :
	    options->segment_len;
	s->lock_fd = s->log_fd = s->bodies_fd = -1;
	s->seal = seal_new();
	seal_set_compression(s->seal, options != NULL && options->compress);
	TAILQ_INIT(&s->segments);
	RB_INIT(&s->messages);
	fd = open_dir(dir, "corrupt", e);
	if (fd == -1)
		goto fail;
	close(fd);
	s->log_fd = open_dir(dir, "log", e);
	s->bodies_fd = s->log_fd == -1 ? -1 : open_dir(dir, "bodies", e);
	if (s->bodies_fd == -1 || take_lock(s, e) == -1 ||
	    fs_sync_dir(s->dir, e) == -1)
		goto fail;
	s->loading = true;
	if (store_segments_load(s, e) == -1 ||
	    store_take_key(
		s, options == NULL ? NULL : options->passphrase, e) == -1 ||
	    store_segment_new(s, e) == -1)
		goto fail;
	s->loading = false;
	drop_orphans(s);
	if (store_collect(s, e) == -1)
		goto fail;
	return s;
fail:
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	struct segment *seg;

	if (s == NULL)
		return;
	if (s->current != NULL)
		store_segment_close(s);
	store_index_free(s);
	while ((seg = TAILQ_FIRST(&s->segments)) != NULL) {
		TAILQ_REMOVE(&s->segments, seg, entry);
		if (seg->fd != -1)
			close(seg->fd);
		free(seg);
	}
	if (s->lock_fd != -1)
		close(s->lock_fd);
	if (s->log_fd != -1)
		close(s->log_fd);
	if (s->bodies_fd != -1)
		close(s->bodies_fd);
	buf_free(&s->pending);
	seal_free(s->seal);
	free(s->dir);
	free(s);
}

/* Append ev as it is stored: when length is said, with that before it. */
static void
put_envelope(struct store *s, const struct envelope *ev, bool length)
{
	struct buf plain = { 0 }, stored = { 0 };

	envelope_encode(ev, &plain);
	seal_envelope(s->seal, ev->id, plain.data, plain.len, &stored);
	wire_put_u64(&s->pending, ev->id);
	if (length)
		wire_put_varint(&s->pending, stored.len);
	buf_add(&s->pending, stored.data, stored.len);
	buf_free(&plain);
	buf_free(&stored);
}

void
store_add_message(struct store *s, const struct store_new *m)
{
	size_t start = record_begin(&s->pending, RECORD_MESSAGE);
	uint8_t flags = RECORD_EXTERNAL | m->file_flags;
	struct buf body = { 0 };

	if (m->body != NULL)
		seal_body(s->seal, m->msgid, m->body, (size_t)m->body_len,
		    &body, &flags);
	wire_put_u32(&s->pending, m->msgid);
	buf_add_u8(&s->pending, flags);
	wire_put_varint(&s->pending, m->n_about);
	for (size_t i = 0; i < m->n_about; i++)
		wire_put_u64(&s->pending, m->about[i]);
	wire_put_varint(&s->pending, m->n);
	for (size_t i = 0; i < m->n; i++)
		put_envelope(s, &m->evs[i], true);
	wire_put_varint(&s->pending, m->body_len);
	wire_put_varint(&s->pending, body.len);
	buf_add(&s->pending, body.data, body.len);
	record_end(&s->pending, start);
	buf_free(&body);
}

void
store_add_update(struct store *s, const struct envelope *ev)
{
	size_t start = record_begin(&s->pending, RECORD_UPDATE);

	put_envelope(s, ev, false);
	record_end(&s->pending, start);
}

void
store_add_remove(struct store *s, uint64_t id)
{
	size_t start = record_begin(&s->pending, RECORD_REMOVE);

	wire_put_u64(&s->pending, id);
	record_end(&s->pending, start);
}

bool
store_pending(const struct store *s)
{
	return s->pending.len > 0;
}

size_t
store_pending_bytes(const struct store *s)
{
	return s->pending.len;
}

static int
write_pending(struct store *s, struct err *e)
{
	struct segment *seg = s->current;
	size_t done = 0;

	record_stamp(s->pending.data, s->pending.len, seg->mark);
	while (done < s->pending.len) {
		ssize_t n = pwrite(seg->fd, s->pending.data + done,
		    s->pending.len - done, (off_t)(seg->end + done));

		if (n <= 0) {
			err_sys(e, "write segment %llu",
			    (unsigned long long)seg->number);
			return -1;
		}
		done += (size_t)n;
	}
	if (fdatasync(seg->fd) == -1) {
		err_sys(
		    e, "sync segment %llu", (unsigned long long)seg->number);
		return -1;
	}
	s->stats.syncs++;
	return 0;
}

/* The batch is on disk: let the index know it. */
static void
apply_pending(struct store *s)
{
	struct segment *seg = s->current;
	size_t at = 0;

	while (at < s->pending.len) {
		const uint8_t *p = s->pending.data + at;
		struct record r = { .type = p[4],
			.payload = p + RECORD_HEADER_LEN,
			.len = wire_load32(p + 8) };

		store_apply(s, seg, seg->end + at, &r);
		at += RECORD_HEADER_LEN + r.len;
	}
	seg->end += s->pending.len;
	buf_reset(&s->pending);
}

/*
 * A segment whose write or sync failed is never written again: what the
 * kernel still has of it is unknown.  Its tail may hold whole records that
 * nobody was promised; cut, so that they don't come back.
 */
static void
abandon_segment(struct store *s)
{
	struct segment *seg = s->current;

	s->abandoned = true;
	if (ftruncate(seg->fd, (off_t)seg->end) == -1 ||
	    fdatasync(seg->fd) == -1)
		log_warn("queue: segment %llu can't be cut where it failed",
		    (unsigned long long)seg->number);
}

/* Of what waits, keep what is no message. */
static void
drop_messages(struct store *s)
{
	uint8_t *p = s->pending.data;
	size_t to = 0, n;

	for (size_t at = 0; at < s->pending.len; at += n) {
		n = RECORD_HEADER_LEN + wire_load32(p + at + 8);
		if (p[at + 4] == RECORD_MESSAGE)
			continue;
		memmove(p + to, p + at, n);
		to += n;
	}
	s->pending.len = to;
}

static int
commit(struct store *s, struct err *e)
{
	if ((s->abandoned ||
		(s->current->end + s->pending.len > s->segment_len &&
		    s->current->end > SEGMENT_HEADER)) &&
	    store_segment_new(s, e) == -1)
		return -1;
	if (write_pending(s, e) == 0)
		return 0;
	abandon_segment(s);
	return -1;
}

int
store_commit(struct store *s, struct err *e)
{
	if (!store_pending(s))
		return 0;
	if (commit(s, e) == -1) {
		drop_messages(s);
		return -1;
	}
	apply_pending(s);
	return 0;
}

int
store_read_at(struct segment *seg, uint64_t offset, size_t len, struct buf *out,
    struct err *e)
{
	size_t got;

	buf_reserve(out, len);
	if (fs_pread_full(
		seg->fd, out->data + out->len, len, offset, &got, e) == -1)
		return -1;
	if (got != len) {
		err_set(e, ERR_CORRUPT, "segment %llu ends early",
		    (unsigned long long)seg->number);
		return -1;
	}
	out->len += len;
	return 0;
}

int
store_load_envelope(struct store *s, const struct store_envelope *se,
    struct envelope *ev, struct err *e)
{
	struct buf stored = { 0 }, bytes = { 0 };
	int rc = store_read_at(se->segment, se->offset, se->len, &stored, e);

	if (rc == 0)
		rc = unseal_envelope(
		    s->seal, se->id, stored.data, stored.len, &bytes, e);
	if (rc == 0)
		rc = envelope_decode(bytes.data, bytes.len, ev, e);
	if (rc == -1)
		err_wrap(e, "envelope %016llx", (unsigned long long)se->id);
	buf_free(&stored);
	buf_free(&bytes);
	return rc;
}

int
store_get(struct store *s, uint64_t id, struct envelope *ev, struct err *e)
{
	const struct store_envelope *se =
	    store_find_envelope(store_find(s, envelope_msgid(id)), id);

	if (se != NULL)
		return store_load_envelope(s, se, ev, e);
	err_set(
	    e, ERR_NOT_FOUND, "no envelope %016llx", (unsigned long long)id);
	return -1;
}

uint64_t
store_free(const struct store *s)
{
	struct statvfs v;

	if (fstatvfs(s->log_fd, &v) == -1)
		return UINT64_MAX;
	return (uint64_t)v.f_bavail * v.f_frsize;
}

void
store_set_compression(struct store *s, bool on)
{
	seal_set_compression(s->seal, on);
}

void
store_get_stats(const struct store *s, struct store_stats *out)
{
	*out = s->stats;
}
