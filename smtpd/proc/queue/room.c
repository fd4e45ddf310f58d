/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, room: mail from outside stops before the disk is full, so that what
 * is queued can still be delivered and that be written down.  It is taken
 * again when there is room.
 */
#include "lib/log.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"

#include "smtpd/proc/queue/queue_internal.h"

#define STEP (1u << 20) /* a change that is worth telling */

static uint64_t
find_room(const struct queue *q)
{
	uint64_t left = store_free(q->store);
	uint64_t reserve = q->proc->setup->conf->reserve;

	return left > reserve ? left - reserve : 0;
}

bool
room_for(const struct queue *q, uint64_t len)
{
	return find_room(q) > len;
}

void
room_tell(struct queue *q, unsigned dispatcher)
{
	struct buf b = { 0 };

	wire_put_u64(&b, q->room);
	proc_send(q->proc, PROC_DISPATCHER, dispatcher, MSG_ROOM, &b, -1);
	buf_free(&b);
}

void
room_tick(struct queue *q)
{
	uint64_t now = find_room(q);

	if (now / STEP == q->room / STEP && (now == 0) == (q->room == 0))
		return;
	if (now == 0)
		log_warn("queue: the disk is down to its reserve: mail is "
			 "refused");
	else if (q->room == 0)
		log_info("queue: the disk has room again: mail is taken");
	q->room = now;
	for (unsigned i = 0; i < PROC_INSTANCES; i++) {
		if (q->proc->peers[PROC_DISPATCHER][i] != NULL)
			room_tell(q, i);
	}
}
