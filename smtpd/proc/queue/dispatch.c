/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, out: envelopes that are due, to who delivers them, and what became
 * of each.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/deliver/delivery.h"
#include "smtpd/queue/relay.h"
#include "smtpd/schedule/schedule.h"
#include "smtpd/smtp/command.h"

#include "smtpd/proc/queue/queue_internal.h"

#define SCHEDULE_FRAME (1u << 20) /* bytes; below IPC_PAYLOAD_MAX */
#define UNREADABLE     300        /* seconds until it is tried again */
#define ASKED_FOR      0          /* a time: now, as an operator wants */
#define USER_TTL       5          /* seconds */
#define USER_LATER     2          /* a status: can't be looked up just now */

/* A frame has its limit, and a queue may be longer. */
static void
flush_when_long(struct queue *q)
{
	if (q->schedule.len >= SCHEDULE_FRAME ||
	    q->unschedule.len >= SCHEDULE_FRAME)
		queue_flush_schedule(q);
}

void
queue_schedule(struct queue *q, uint64_t id, uint64_t at)
{
	wire_put_u64(&q->schedule, id);
	wire_put_u64(&q->schedule, at);
	if (at > (uint64_t)time(NULL))
		schedule_put(q->pending, id, at);
	else
		schedule_remove(q->pending, id);
	flush_when_long(q);
	queue_want_commit(q);
}

void
queue_schedule_now(struct queue *q, uint64_t id)
{
	queue_schedule(q, id, 0);
	schedule_put(q->pending, id, ASKED_FOR);
}

void
queue_unschedule(struct queue *q, uint64_t id)
{
	wire_put_u64(&q->unschedule, id);
	schedule_remove(q->pending, id);
	flush_when_long(q);
	queue_want_commit(q);
}

/*
 * What became of it is not on disk before the commit: until then it must not
 * be delivered again, whoever asks.
 */
static void
land(struct queue *q, uint64_t id)
{
	wire_put_u64(&q->landed, id);
}

uint64_t
dispatch_flies(const struct queue *q, uint64_t id)
{
	return schedule_when(q->flying, id);
}

void
dispatch_committed(struct queue *q)
{
	struct wire w;

	wire_init(&w, q->landed.data, q->landed.len);
	while (w.left > 0)
		schedule_remove(q->flying, wire_u64(&w));
	buf_reset(&q->landed);
}

void
queue_flush_schedule(struct queue *q)
{
	if (q->schedule.len > 0)
		proc_send(
		    q->proc, PROC_SCHEDULER, 0, MSG_SCHEDULE, &q->schedule, -1);
	if (q->unschedule.len > 0)
		proc_send(q->proc, PROC_SCHEDULER, 0, MSG_UNSCHEDULE,
		    &q->unschedule, -1);
	buf_reset(&q->schedule);
	buf_reset(&q->unschedule);
}

/* by: the result of a relaying, or NULL. */
static void
log_delivery(const struct envelope *ev, const struct relay_result *by,
    const char *result, const char *line)
{
	char from[ADDRESS_TEXT_LEN], to[ADDRESS_TEXT_LEN];
	char rcpt[ADDRESS_TEXT_LEN];

	if (ev->type == ENVELOPE_MTA) {
		log_info("%016llx mta delivery evpid=%016llx from=<%s> "
			 "to=<%s> rcpt=<%s> source=\"%s\" relay=\"%s\" "
			 "delay=%llds result=\"%s\" stat=\"%s\"",
		    (unsigned long long)(by == NULL ? ev->id : by->session),
		    (unsigned long long)ev->id, address_text(&ev->sender, from),
		    address_text(&ev->dest, to), address_text(&ev->rcpt, rcpt),
		    by == NULL ? "" : by->source, by == NULL ? "" : by->remote,
		    (long long)time(NULL) - (long long)ev->created_at, result,
		    line);
		return;
	}
	log_info("%016llx mda delivery evpid=%016llx from=<%s> to=<%s> "
		 "rcpt=<%s> user=%s delay=%llds result=%s stat=%s",
	    (unsigned long long)ev->id, (unsigned long long)ev->id,
	    address_text(&ev->sender, from), address_text(&ev->dest, to),
	    address_text(&ev->rcpt, rcpt), envelope_text(ev, ENVELOPE_MDA_USER),
	    (long long)time(NULL) - (long long)ev->created_at, result, line);
}

static enum dsn_kind
done_kind(const struct envelope *ev)
{
	return ev->type == ENVELOPE_MTA ? DSN_KIND_RELAYED : DSN_KIND_DELIVERED;
}

static void
succeed(struct queue *q, struct envelope *ev, const struct relay_result *by,
    const char *line)
{
	bool told = address_is_null(&ev->sender) ||
	    (ev->notify & DSN_SUCCESS) == 0 ||
	    (by != NULL && by->status == RELAY_OK);

	land(q, ev->id);
	log_delivery(ev, by, "Ok", line);
	proc_count(q->proc, "scheduler.delivery.ok", 1);
	queue_unschedule(q, ev->id);
	if (told) {
		store_add_remove(q->store, ev->id);
		return;
	}
	ev->flags |= ENVELOPE_DELIVERED;
	store_add_update(q->store, ev);
	bounce_add(q, ev, done_kind(ev));
}

/* For good: the sender is told, or there is nobody to tell. */
static void
fail(struct queue *q, struct envelope *ev, const struct relay_result *by,
    const char *line)
{
	bool told = address_is_null(&ev->sender) ||
	    (ev->notify != 0 && (ev->notify & DSN_FAILURE) == 0);

	land(q, ev->id);
	envelope_set_text(ev, ENVELOPE_ERROR, line);
	log_delivery(ev, by, "PermFail", line);
	proc_count(q->proc,
	    strncmp(line, DELIVERY_LOOP, strlen(DELIVERY_LOOP)) == 0 ?
		"scheduler.delivery.loop" :
		"scheduler.delivery.permfail",
	    1);
	queue_unschedule(q, ev->id);
	if (told) {
		store_add_remove(q->store, ev->id);
		return;
	}
	ev->flags |= ENVELOPE_FAILED;
	store_add_update(q->store, ev);
	bounce_add(q, ev, DSN_KIND_FAILED);
}

/* Whether a notice of the delay is owed, at this time. */
static bool
owes_delay_notice(
    const struct queue *q, const struct envelope *ev, uint64_t next)
{
	const struct conf *c = q->proc->setup->conf;

	if (address_is_null(&ev->sender) ||
	    (ev->notify != 0 && (ev->notify & DSN_DELAY) == 0))
		return false;
	for (size_t i = 0; i < CONF_WARN_MAX && c->warn_at[i] != 0; i++) {
		uint64_t at = ev->created_at + c->warn_at[i];

		if (next >= at && ev->last_bounce_at < at)
			return true;
	}
	return false;
}

/* Another host's answer has the longer steps. */
static void
retry(struct queue *q, struct envelope *ev, const struct relay_result *by,
    const char *line)
{
	uint64_t now = (uint64_t)time(NULL), next;

	land(q, ev->id);
	ev->retry++;
	ev->last_try_at = now;
	envelope_set_text(ev, ENVELOPE_ERROR, line);
	log_delivery(ev, by, "TempFail", line);
	proc_count(q->proc, "scheduler.delivery.tempfail", 1);
	next = schedule_backoff(ev->created_at,
	    by != NULL ? SCHEDULE_BASE_RELAY : SCHEDULE_BASE_LOCAL, ev->retry,
	    now, arc4random());
	/* The last attempt is when it expires. */
	if (next > ev->created_at + ev->ttl)
		next = ev->created_at + ev->ttl;
	if (owes_delay_notice(q, ev, next)) {
		ev->last_bounce_at = next;
		bounce_add(q, ev, DSN_KIND_DELAYED);
	}
	store_add_update(q->store, ev);
	queue_schedule(q, ev->id, next);
}

static void
fill_delivery(struct queue *q, struct envelope *ev, const struct conf_action *a,
    const struct user_entry *u, struct delivery *d)
{
	*d = (struct delivery){
		.id = ev->id,
		.method = a->method,
		.junk = a->junk,
		.lmtp_rcpt_to = a->lmtp_rcpt_to,
		.target = a->target,
		.wrapper = a->wrapper == NULL ? NULL : a->wrapper->command,
		.exec = ev->texts[ENVELOPE_MDA_EXEC],
		.user = ev->texts[ENVELOPE_MDA_USER],
		.home = u->home,
		.hostname = q->proc->setup->hostname,
		.uid = u->uid,
		.gid = u->gid,
		.delimiter = q->proc->setup->conf->sub_addr_delim,
		.sender = ev->sender,
		.rcpt = ev->rcpt,
		.dest = ev->dest,
		.body_fd = -1,
	};
}

static void
send_delivery(struct queue *q, struct envelope *ev, const struct conf_action *a,
    const struct user_entry *u)
{
	struct buf body = { 0 }, b = { 0 };
	struct delivery d;
	uint64_t len;
	struct err e;
	int fd;

	fill_delivery(q, ev, a, u, &d);
	if (store_get_body(
		q->store, envelope_msgid(ev->id), &body, &fd, &len, &e) == -1) {
		log_error("queue: %s", e.msg);
		retry(q, ev, NULL, "451 4.3.0 The message can't be read");
		buf_free(&body);
		return;
	}
	d.body_len = (size_t)len;
	if (fd == -1)
		d.body = body.data == NULL ? (const uint8_t *)"" : body.data;
	delivery_encode(&d, &b);
	proc_send(q->proc, PROC_PARENT, 0, MSG_DELIVER, &b, fd);
	buf_free(&b);
	buf_free(&body);
}

static void
free_user(struct queue *q, struct user_entry *u)
{
	TAILQ_REMOVE(&q->users, u, entry);
	free(u->action);
	free(u->user);
	free(u->home);
	free(u->waiting);
	free(u);
}

void
dispatch_forget_users(struct queue *q)
{
	struct user_entry *u, *next;

	for (u = TAILQ_FIRST(&q->users); u != NULL; u = next) {
		next = TAILQ_NEXT(u, entry);
		if (u->known)
			free_user(q, u);
	}
}

/* Who delivers: asked of the lookup, and kept for a few seconds. */
static struct user_entry *
get_user(struct queue *q, const char *action, const char *user)
{
	uint64_t now = (uint64_t)time(NULL);
	struct user_entry *u, *next;
	struct buf b = { 0 };

	for (u = TAILQ_FIRST(&q->users); u != NULL; u = next) {
		next = TAILQ_NEXT(u, entry);
		if (u->known && u->at + USER_TTL < now)
			free_user(q, u);
		else if (strcmp(u->action, action) == 0 &&
		    strcmp(u->user, user) == 0)
			return u;
	}
	u = xcalloc(1, sizeof(*u));
	u->request = ++q->last_request;
	u->action = xstrdup(action);
	u->user = xstrdup(user);
	TAILQ_INSERT_TAIL(&q->users, u, entry);
	wire_put_u64(&b, u->request);
	buf_add(&b, action, strlen(action) + 1);
	buf_add_str(&b, user);
	if (!proc_send(q->proc, PROC_LOOKUP, 0, MSG_USER, &b, -1)) {
		u->known = true;
		u->status = USER_LATER;
		u->home = xstrdup("/");
	}
	buf_free(&b);
	return u;
}

static void
deliver_as(struct queue *q, struct envelope *ev, const struct conf_action *a,
    const struct user_entry *u)
{
	if (u->status == 1)
		send_delivery(q, ev, a, u);
	else if (u->status == 0)
		fail(q, ev, NULL, "550 5.1.1 No such user any more");
	else
		retry(q, ev, NULL, "451 4.3.0 The user can't be looked up");
}

static void
dispatch_local(
    struct queue *q, struct envelope *ev, const struct conf_action *a)
{
	const struct setup *s = q->proc->setup;
	const char *user = envelope_text(ev, ENVELOPE_MDA_USER);
	struct user_entry *u;

	if (strcmp(user, SETUP_USER) == 0) {
		struct user_entry daemon = { .home = (char[]){ "/" },
			.status = 1,
			.uid = s->uid,
			.gid = s->gid };

		deliver_as(q, ev, a, &daemon);
		return;
	}
	u = get_user(q, a->name, a->user != NULL ? a->user : user);
	if (u->known) {
		deliver_as(q, ev, a, u);
		return;
	}
	u->waiting =
	    xreallocarray(u->waiting, u->n_waiting + 1, sizeof(*u->waiting));
	u->waiting[u->n_waiting++] = ev->id;
}

/* asked: by an operator. */
static void
dispatch_action(struct queue *q, struct envelope *ev, bool asked)
{
	const struct conf_action *a = conf_find_action(
	    q->proc->setup->conf, envelope_text(ev, ENVELOPE_ACTION));

	if (a == NULL ||
	    (a->method == CONF_RELAY) != (ev->type == ENVELOPE_MTA))
		retry(q, ev, NULL,
		    "451 4.3.5 The action of this envelope is no longer in "
		    "the configuration");
	else if (ev->type == ENVELOPE_MTA)
		onward_add(q, ev, a, asked);
	else
		dispatch_local(q, ev, a);
}

void
dispatch_due(struct queue *q, uint64_t id)
{
	uint64_t now = (uint64_t)time(NULL);
	bool asked = schedule_when(q->pending, id) == ASKED_FOR;
	struct envelope ev;
	struct err e;

	schedule_remove(q->pending, id);
	/* Its result says what is next. */
	if (dispatch_flies(q, id) != UINT64_MAX)
		return;
	if (store_get(q->store, id, &ev, &e) == -1) {
		/* Removed meanwhile; or unreadable, perhaps not for long. */
		if (e.kind == ERR_NOT_FOUND) {
			queue_unschedule(q, id);
			return;
		}
		log_error("queue: %016llx: %s", (unsigned long long)id, e.msg);
		queue_schedule(q, id, now + UNREADABLE);
		return;
	}
	if ((ev.flags & ENVELOPE_HOLD) != 0) {
		queue_unschedule(q, id);
	} else if ((ev.flags & ENVELOPE_FAILED) != 0) {
		queue_unschedule(q, id);
		bounce_add(q, &ev, DSN_KIND_FAILED);
	} else if ((ev.flags & ENVELOPE_DELIVERED) != 0) {
		queue_unschedule(q, id);
		bounce_add(q, &ev, done_kind(&ev));
	} else if (ev.created_at + ev.ttl <= now) {
		proc_count(q->proc, "scheduler.envelope.expired", 1);
		fail(q, &ev, NULL, "Envelope expired");
	} else if ((q->paused &
		       (ev.type == ENVELOPE_MTA ? SETUP_PAUSE_MTA :
						  SETUP_PAUSE_MDA)) != 0) {
		q->later =
		    xreallocarray(q->later, q->n_later + 1, sizeof(*q->later));
		q->later[q->n_later++] = id;
		queue_unschedule(q, id); /* it takes no other's place */
	} else {
		schedule_put(q->flying, id, now);
		dispatch_action(q, &ev, asked);
	}
	envelope_clear(&ev);
}

void
dispatch_user_found(struct queue *q, struct ipc_msg *m)
{
	struct user_entry *u;
	struct wire w;
	uint64_t request, *ids;
	size_t n;

	wire_init(&w, m->data, m->len);
	request = wire_u64(&w);
	TAILQ_FOREACH(u, &q->users, entry) {
		if (u->request == request)
			break;
	}
	if (u == NULL || m->len < 17)
		return;
	u->status = wire_u8(&w);
	u->uid = wire_u32(&w);
	u->gid = wire_u32(&w);
	u->home = xstrndup((const char *)m->data + 17, m->len - 17);
	u->known = true;
	u->at = (uint64_t)time(NULL);
	ids = u->waiting;
	n = u->n_waiting;
	u->waiting = NULL;
	u->n_waiting = 0;
	for (size_t i = 0; i < n; i++) {
		schedule_remove(q->flying, ids[i]);
		dispatch_due(q, ids[i]);
	}
	free(ids);
}

void
dispatch_give_up_user(struct queue *q, uint64_t id)
{
	land(q, id);
	/* Behind the commit that ends its flight. */
	queue_schedule(q, id, (uint64_t)time(NULL) + 1);
}

/* Of an envelope in flight; *ev only when it is still there. */
static bool
take_landed(struct queue *q, uint64_t id, struct envelope *ev)
{
	struct err e;

	if (store_get(q->store, id, ev, &e) == 0)
		return true;
	land(q, id);
	queue_unschedule(q, id);
	return false;
}

/* DELIVERED: id u64, status u8, line. */
void
dispatch_result(struct queue *q, struct ipc_msg *m)
{
	struct envelope ev;
	struct wire w;
	uint64_t id;
	uint8_t status;
	char *line;

	wire_init(&w, m->data, m->len);
	id = wire_u64(&w);
	status = wire_u8(&w);
	if (!wire_ok(&w) || !take_landed(q, id, &ev))
		return;
	line = xstrndup((const char *)m->data + 9, m->len - 9);
	if (status == DELIVERY_OK)
		succeed(q, &ev, NULL, line);
	else if (status == DELIVERY_FAILED)
		fail(q, &ev, NULL, line);
	else
		retry(q, &ev, NULL, line);
	free(line);
	envelope_clear(&ev);
}

void
dispatch_given_back(struct queue *q, uint64_t id, const char *line)
{
	struct envelope ev;

	if (!take_landed(q, id, &ev))
		return;
	retry(q, &ev, NULL, line);
	envelope_clear(&ev);
}

void
dispatch_relayed(struct queue *q, const struct relay_result *r)
{
	struct envelope ev;

	if (!take_landed(q, r->id, &ev))
		return;
	deferred_result(q, &ev, r);
	if (r->status == RELAY_FAILED)
		fail(q, &ev, r, r->line);
	else if (r->status == RELAY_LATER)
		retry(q, &ev, r, r->line);
	else
		succeed(q, &ev, r, r->line);
	envelope_clear(&ev);
}
