/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, carried in: whole messages that smtpctl brings, with their envelopes
 * as they stood elsewhere; and envelopes as texts, to carry them out.
 *
 * IMPORT: request u32, msgid u32, how many varint, each envelope with its
 * length varint; +fd, the message.  What is told as done is on disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/queue/record.h"

#include "smtpd/proc/queue/queue_internal.h"

#define PIECE (1u << 20)

struct import {
	uint32_t msgid;
	struct envelope *evs;
	size_t n;
	int fd;
	uint64_t len;
};

static void
clear(struct import *im)
{
	for (size_t i = 0; i < im->n; i++)
		envelope_clear(&im->evs[i]);
	free(im->evs);
	if (im->fd != -1)
		close(im->fd);
}

static int
decode(struct wire *w, struct import *im, struct err *e)
{
	uint64_t n;

	im->msgid = wire_u32(w);
	n = wire_varint(w);
	if (!wire_ok(w) || im->msgid == 0 || n == 0 || n > RECORD_ENVELOPES) {
		err_set(e, ERR_CORRUPT, "not a message to take in");
		return -1;
	}
	im->evs = xcalloc(n, sizeof(*im->evs));
	while (im->n < n) {
		size_t len = (size_t)wire_varint(w);
		const uint8_t *p = wire_bytes(w, len);

		if (p == NULL ||
		    envelope_decode(p, len, &im->evs[im->n], e) == -1) {
			err_set(e, ERR_CORRUPT, "an envelope does not decode");
			return -1;
		}
		if (envelope_msgid(im->evs[im->n++].id) != im->msgid) {
			err_set(e, ERR_CORRUPT,
			    "an envelope is of another message");
			return -1;
		}
	}
	if (wire_done(w))
		return 0;
	err_set(e, ERR_CORRUPT, "more than a message");
	return -1;
}

static int
check_file(struct queue *q, struct import *im, struct err *e)
{
	struct stat st;

	if (im->fd == -1 || fstat(im->fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		err_set(e, ERR_USAGE, "the message is no file");
		return -1;
	}
	im->len = (uint64_t)st.st_size;
	if (room_for(q, im->len))
		return 0;
	err_set(e, ERR_LIMIT,
	    "the disk of the queue has no room for it: nothing was taken in");
	return -1;
}

/* Whether this very message is here: what is left of it is the newer. */
static bool
is_here(struct queue *q, const struct import *im)
{
	struct envelope ev;
	struct err e;
	bool same = false;

	for (size_t i = 0; i < im->n && !same; i++) {
		if (store_get(q->store, im->evs[i].id, &ev, &e) == -1)
			continue;
		same = ev.created_at == im->evs[i].created_at &&
		    address_equal(&ev.dest, &im->evs[i].dest);
		envelope_clear(&ev);
	}
	return same;
}

/* Another message has its id: it gets one of its own. */
static void
renumber(struct queue *q, struct import *im)
{
	im->msgid = reception_new_msgid(q);
	for (size_t i = 0; i < im->n; i++)
		im->evs[i].id =
		    (uint64_t)im->msgid << 32 | (im->evs[i].id & UINT32_MAX);
}

/* A file of our own, synced and named. */
static int
copy_large(
    struct queue *q, const struct import *im, uint8_t *flags, struct err *e)
{
	int to = store_body_file(q->store, e), rc = to == -1 ? -1 : 0;
	struct buf b = { 0 };
	uint64_t at = 0;

	while (rc == 0 && at < im->len) {
		size_t got;

		buf_reset(&b);
		rc = fs_pread_full(
		    im->fd, buf_reserve(&b, PIECE), PIECE, at, &got, e);
		if (rc == 0 && got == 0) {
			err_set(e, ERR_CORRUPT, "the message became shorter");
			rc = -1;
		}
		if (rc == 0)
			rc = fs_write_all(to, b.data, got, e);
		at += got;
	}
	if (rc == 0)
		rc = store_body_link(q->store, im->msgid, to, flags, e);
	if (to != -1)
		close(to);
	buf_free(&b);
	return rc;
}

static void
add(struct queue *q, const struct import *im, const void *body, size_t len,
    uint8_t file_flags)
{
	store_add_message(q->store,
	    &(struct store_new){ .msgid = im->msgid,
		.evs = im->evs,
		.n = im->n,
		.body = body,
		.body_len = len,
		.file_flags = file_flags });
}

static int
copy_small(struct queue *q, const struct import *im, struct err *e)
{
	struct buf b = { 0 };
	size_t got;
	int rc = fs_pread_full(im->fd, buf_reserve(&b, (size_t)im->len + 1),
	    (size_t)im->len, 0, &got, e);

	if (rc == 0)
		add(q, im, b.data, got, 0);
	buf_free(&b);
	return rc;
}

/* OpenSMTPD leaves it to its configuration how long a message is tried. */
static void
set_ttl(const struct conf *c, struct envelope *ev)
{
	const struct conf_action *a =
	    conf_find_action(c, envelope_text(ev, ENVELOPE_ACTION));

	if (ev->ttl == 0)
		ev->ttl = a != NULL && a->ttl != 0 ? a->ttl : c->ttl;
}

static int
take_in(struct queue *q, const struct import *im, struct err *e)
{
	bool large = im->len > STORE_INLINE_MAX;
	uint8_t flags = 0;

	for (size_t i = 0; i < im->n; i++)
		set_ttl(q->proc->setup->conf, &im->evs[i]);
	if ((large ? copy_large(q, im, &flags, e) : copy_small(q, im, e)) == -1)
		return -1;
	if (large)
		add(q, im, NULL, (size_t)im->len, flags);
	if (!queue_commit(q)) {
		if (large)
			store_body_unlink(q->store, im->msgid);
		err_set(e, ERR_SYSTEM,
		    "the queue can't be written: see the "
		    "log");
		return -1;
	}
	for (size_t i = 0; i < im->n; i++) {
		const struct envelope *ev = &im->evs[i];

		if ((ev->flags & ENVELOPE_HOLD) == 0)
			queue_schedule(q, ev->id, 0);
		if (conf_find_action(q->proc->setup->conf,
			envelope_text(ev, ENVELOPE_ACTION)) == NULL)
			log_warn("queue: %016llx: there is no action \"%s\": "
				 "it waits for one",
			    (unsigned long long)ev->id,
			    envelope_text(ev, ENVELOPE_ACTION));
	}
	return 0;
}

void
import_message(struct queue *q, struct proc_peer from, struct ipc_msg *m)
{
	struct import im = { .fd = ipc_take_fd(m) };
	struct buf line = { 0 }, end = { 0 };
	struct wire w;
	struct err e;
	uint32_t request;
	bool ok;

	wire_init(&w, m->data, m->len);
	request = wire_u32(&w);
	wire_put_u32(&line, request);
	wire_put_u32(&end, request);
	/* What is seen is on disk. */
	ok = queue_commit(q);
	if (!ok)
		err_set(&e, ERR_SYSTEM, "the queue can't be written");
	if (!ok || decode(&w, &im, &e) == -1 || check_file(q, &im, &e) == -1) {
		buf_add_str(&end, e.msg);
	} else if (is_here(q, &im)) {
		buf_add_str(&line, "here");
	} else {
		if (store_has_message(q->store, im.msgid))
			renumber(q, &im);
		if (take_in(q, &im, &e) == -1)
			buf_add_str(&end, e.msg);
		else
			buf_printf(&line, "%08x", im.msgid);
	}
	if (line.len > 4)
		proc_send(
		    q->proc, from.id, from.instance, MSG_CTL_LINE, &line, -1);
	proc_send(q->proc, from.id, from.instance, MSG_CTL_END, &end, -1);
	buf_free(&line);
	buf_free(&end);
	clear(&im);
}
