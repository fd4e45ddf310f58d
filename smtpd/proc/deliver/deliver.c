/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * A delivery worker: runs as one user while there is mail for it.
 *
 * Peers: the parent alone; DELIVER comes with all there is to know, and each
 * is answered by DELIVERED: id u64, status u8, line.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/deliver/methods.h"
#include "smtpd/proc/proc.h"

#include "smtpd/proc/deliver/deliver.h"

#define BATCH_MAX 128

struct state {
	struct event *flush; /* below the messages: runs when none waits */
	struct maildir_batch *batch;
	size_t n_batch;
	struct lmtp *lmtp;
};

static void
answer(uint64_t id, enum delivery_status status, const char *line, void *arg)
{
	struct proc *p = arg;
	struct buf b = { 0 };

	wire_put_u64(&b, id);
	buf_add_u8(&b, (uint8_t)status);
	buf_add_str(&b, line);
	proc_send(p, PROC_PARENT, 0, MSG_DELIVERED, &b, -1);
	buf_free(&b);
}

static void
flush(struct proc *p)
{
	struct state *st = p->state;
	struct maildir_batch *b = st->batch;

	st->batch = NULL;
	st->n_batch = 0;
	if (b != NULL)
		maildir_batch_end(b, answer, p);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void
add_to_batch(struct proc *p, const struct delivery *d)
{
	struct state *st = p->state;
	char line[DELIVERY_STATUS_MAX] = "";
	enum delivery_status status;

	if (st->batch == NULL)
		st->batch = maildir_batch_new();
	status = maildir_add(st->batch, d, line);
	if (status != DELIVERY_OK) {
		answer(d->id, status, line, p);
		return;
	}
	if (++st->n_batch == BATCH_MAX)
		flush(p);
	else
		event_active(st->flush, 0, 0);
}

static void
deliver(struct proc *p, const struct delivery *d)
{
	struct state *st = p->state;
	char line[DELIVERY_STATUS_MAX] = "";
	enum delivery_status status = DELIVERY_FAILED;

	if (delivery_loops(d)) {
		answer(d->id, DELIVERY_FAILED,
		    DELIVERY_LOOP ": delivered before", p);
		return;
	}
	if (d->exec != NULL && d->exec[0] == '/') {
		status = file_deliver(d, line);
	} else if (d->exec != NULL || d->method == CONF_MDA) {
		status = mda_deliver(d, line);
	} else if (d->method == CONF_MAILDIR) {
		add_to_batch(p, d);
		return;
	} else if (d->method == CONF_LMTP) {
		status = lmtp_deliver(&st->lmtp, d, line);
	} else if (d->method == CONF_MBOX) {
		status = mbox_deliver(d, line);
	}
	answer(d->id, status, line, p);
}

static void
start(struct proc *p)
{
	struct state *st = xcalloc(1, sizeof(*st));

	umask(077);
	st->flush = event_new(p->base, -1, 0, on_flush, p);
	event_priority_set(st->flush, 2);
	p->state = st;
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct delivery d;

	(void)from;
	if (m->type != MSG_DELIVER || !delivery_decode(m->data, m->len, &d))
		return;
	d.body_fd = d.body == NULL ? m->fd : -1;
	deliver(p, &d);
	delivery_clear(&d);
}

static void
stop(struct proc *p)
{
	struct state *st = p->state;

	if (st == NULL)
		return;
	flush(p);
	lmtp_close(st->lmtp);
}

const struct proc_ops deliver_ops = {
	.id = PROC_DELIVER,
	.start = start,
	.message = message,
	.stop = stop,
};
