/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * out, the transaction: MAIL, RCPT for each, DATA are its steps, sent one by
 * one or, with PIPELINING, all at once; the body is fetched meanwhile.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/smtp/command.h"
#include "smtpd/smtp/srs.h"

#include "smtpd/proc/dispatcher/out.h"

#define STEP_TIME 300 /* RFC 5321, 4.5.3.2 */
#define DATA_TIME 180 /* for each part that goes out */
#define END_TIME  600
#define PART      65536 /* of a body that is a file */

static enum relay_status
reply_status(const struct out *o)
{
	if (o->reply.code / 100 == 5)
		return RELAY_FAILED;
	if (o->reply.code / 100 != 2)
		return RELAY_LATER;
	return o->features.dsn ? RELAY_OK : RELAY_OK_NO_DSN;
}

/* One recipient's result is what the host has just said. */
static void
settle(struct out *o, size_t rcpt)
{
	char text[SMTP_REPLY_TEXT];
	enum relay_status status = reply_status(o);

	if (o->task->settled[rcpt])
		return;
	o->failures += status == RELAY_FAILED || status == RELAY_LATER;
	out_event_rcpt(o, rcpt, status);
	relay_settle(
	    o, o->task, rcpt, status, smtp_reply_text(&o->reply, text));
}

static void
settle_rest(struct out *o)
{
	for (size_t i = 0; i < o->task->t.n; i++)
		settle(o, i);
}

static void
forget_task(struct out *o)
{
	relay_free_task(o->task);
	o->task = NULL;
	buf_free(&o->body);
	if (o->body_fd != -1)
		close(o->body_fd);
	o->body_fd = -1;
}

void
out_lose_task(struct out *o, const char *why)
{
	char line[OUT_LINE_MAX];
	struct task *t = o->task;

	/* The host had closed a kept connection before we spoke. */
	if (!o->any_reply && o->mails > 0 && !t->again && !o->stopping) {
		t->again = true;
		out_report_end(o, false);
		o->task = NULL;
		relay_return_task(o->relay, t);
		buf_free(&o->body);
		if (o->body_fd != -1)
			close(o->body_fd);
		o->body_fd = -1;
		return;
	}
	if (why[0] == '4' || why[0] == '5')
		snprintf(line, sizeof(line), "%s", why);
	else
		snprintf(line, sizeof(line),
		    "451 4.4.2 The session with %s ended: %s", out_remote(o),
		    why);
	out_event_end(o, false);
	relay_settle_rest(
	    o, t, line[0] == '5' ? RELAY_FAILED : RELAY_LATER, line);
	forget_task(o);
}

/* Steps */

/* By SRS; a sender that this does not fit stays as it is. */
static void
rewrite(const struct out *o, struct address *a)
{
	const struct setup *s = o->setup;
	const struct srs_key key = { s->conf->srs_key, NULL, s->conf->srs_ttl };

	if (key.key == NULL ||
	    !srs_forward(&key, a, s->hostname, (uint64_t)time(NULL), a))
		log_info("relay: srs does not fit a sender");
}

const char *
out_sender(const struct out *o, char text[ADDRESS_TEXT_LEN])
{
	const char *mail_from = o->action->mail_from;
	struct address a = o->task->t.from;

	if (mail_from == NULL && o->action->srs)
		rewrite(o, &a);
	/* A notice has no sender, so that it makes no other. */
	if (mail_from == NULL || address_is_null(&a))
		return address_text(&a, text);
	if (mail_from[0] == '@')
		snprintf(a.domain, sizeof(a.domain), "%s", mail_from + 1);
	else if (!address_parse(mail_from, strlen(mail_from), false, &a))
		a = o->task->t.from;
	return address_text(&a, text);
}

static void
say_mail(struct out *o)
{
	const struct relay_task *t = &o->task->t;
	const struct smtp_features *f = &o->features;
	char text[ADDRESS_TEXT_LEN], size[40] = "";
	bool envid = f->dsn && t->envid[0] != '\0';

	if (f->size)
		snprintf(size, sizeof(size), " SIZE=%llu",
		    (unsigned long long)t->body_len);
	out_say(o, "MAIL FROM:<%s>%s%s%s%s%s%s", out_sender(o, text), size,
	    f->eight_bit && (t->flags & ENVELOPE_8BIT) != 0 ? " BODY=8BITMIME" :
							      "",
	    f->utf8 && (t->flags & ENVELOPE_UTF8) != 0 ? " SMTPUTF8" : "",
	    !f->dsn || t->ret == DSN_RET_NONE ? "" :
		t->ret == DSN_RET_FULL        ? " RET=FULL" :
						" RET=HDRS",
	    envid ? " ENVID=" : "", envid ? t->envid : "");
}

static void
add_notify(unsigned notify, char *out, size_t size)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = { { DSN_NEVER, "NEVER" }, { DSN_SUCCESS, "SUCCESS" },
		{ DSN_FAILURE, "FAILURE" }, { DSN_DELAY, "DELAY" } };
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((notify & names[i].bit) != 0)
			n += (size_t)snprintf(out + n, size - n, "%s%s",
			    n == 0 ? " NOTIFY=" : ",", names[i].name);
	}
}

static void
say_rcpt(struct out *o, const struct relay_rcpt *r)
{
	char text[ADDRESS_TEXT_LEN], notify[64] = "";
	bool orcpt = o->features.dsn && r->orcpt[0] != '\0';

	if (o->features.dsn)
		add_notify(r->notify, notify, sizeof(notify));
	out_say(o, "RCPT TO:<%s>%s%s%s", address_text(&r->to, text), notify,
	    orcpt ? " ORCPT=" : "", orcpt ? r->orcpt : "");
}

static void
say_steps(struct out *o)
{
	size_t n = o->task->t.n;

	while (o->state == OUT_STEPS && o->sent <= n + 1 &&
	    (o->features.pipelining || o->sent == o->answered)) {
		size_t step = o->sent++;

		if (step == 0)
			say_mail(o);
		else if (step <= n)
			say_rcpt(o, &o->task->t.rcpts[step - 1]);
		else
			out_say(o, "DATA");
	}
	out_patience(o, STEP_TIME);
}

static void
reset(struct out *o)
{
	out_event_end(o, false);
	settle_rest(o);
	forget_task(o);
	o->state = OUT_RSET;
	out_say(o, "RSET");
	out_patience(o, STEP_TIME);
}

static void
data_reply(struct out *o)
{
	if (o->reply.code != 354) {
		reset(o);
		return;
	}
	o->state = OUT_DATA;
	o->want_body = true;
	if (o->n_accepted > 0) {
		out_go_on_sending(o);
	} else {
		/* Asked for in one go with recipients that were refused. */
		out_say(o, ".");
		o->state = OUT_END;
		out_patience(o, END_TIME);
	}
}

void
out_step_reply(struct out *o)
{
	size_t step = o->answered++, n = o->task->t.n;
	bool ok = o->reply.code / 100 == 2;

	o->any_reply = true;
	if (step == n + 1) {
		data_reply(o);
		return;
	}
	if (step >= o->sent || o->reply.code / 100 == 3) {
		out_end(o, "unasked-reply");
		return;
	}
	if (step == 0 && !ok) {
		o->mail_refused = true;
		settle_rest(o);
	} else if (step > 0 && ok && !o->mail_refused) {
		o->accepted[step - 1] = true;
		o->n_accepted++;
	} else if (step > 0) {
		settle(o, step - 1);
	}
	/* Nothing to send, and DATA not said yet. */
	if (o->sent <= n + 1 &&
	    (o->mail_refused || (step == n && o->n_accepted == 0)))
		reset(o);
	else
		say_steps(o);
}

/* The message */

static void
send_text(struct out *o, const void *data, size_t len, bool last)
{
	struct buf text = { 0 };

	smtp_dot_add(&o->dot, data, len, &text);
	if (last)
		smtp_dot_end(&o->dot, &text);
	bufferevent_write(o->bev, text.data, text.len);
	buf_free(&text);
	out_patience(o, last ? END_TIME : DATA_TIME);
	if (last) {
		out_event_command(o, ".");
		o->state = OUT_END;
	}
}

static void
send_part_of_file(struct out *o)
{
	uint8_t part[PART];
	ssize_t n = read(o->body_fd, part, sizeof(part));

	if (n == -1)
		out_end(o, "the message can't be read");
	else
		send_text(o, part, (size_t)n, n == 0);
}

void
out_go_on_sending(struct out *o)
{
	struct evbuffer *out = bufferevent_get_output(o->bev);

	if (!o->has_body || !o->want_body || evbuffer_get_length(out) > 0)
		return;
	if (o->body_fd != -1)
		send_part_of_file(o);
	else
		send_text(o, o->body.data, o->body.len, true);
}

void
out_got_body(struct out *o, bool ok, const void *data, size_t len, int fd)
{
	if (!ok || o->has_body) {
		if (fd != -1)
			close(fd);
		if (!o->has_body)
			out_end(o, "the message can't be read");
		return;
	}
	o->has_body = true;
	o->body_fd = fd;
	if (fd == -1)
		buf_add(&o->body, data, len);
	if (o->state == OUT_DATA)
		out_go_on_sending(o);
}

static void
finish_task(struct out *o)
{
	out_event_end(o, true);
	forget_task(o);
	o->mails++;
	o->rested_at = relay_now_ms();
	o->state = OUT_READY;
	out_take_task(o);
}

void
out_end_reply(struct out *o)
{
	size_t i = 0;

	if (!o->url.lmtp || o->n_accepted == 0) {
		settle_rest(o);
		finish_task(o);
		return;
	}
	/* LMTP: a reply for each recipient that was accepted. */
	while (i < o->task->t.n && (!o->accepted[i] || o->task->settled[i]))
		i++;
	settle(o, i);
	if (++o->n_ended == o->n_accepted)
		finish_task(o);
	else
		out_patience(o, END_TIME);
}

void
out_rset_reply(struct out *o)
{
	o->mails++;
	o->rested_at = relay_now_ms();
	if (o->reply.code / 100 != 2) {
		out_end(o, "rset-refused");
		return;
	}
	o->state = OUT_READY;
	out_take_task(o);
}

/* Tasks */

/* NULL, or why the host can't get this message. */
static const char *
find_obstacle(const struct out *o, const struct relay_task *t)
{
	const struct smtp_features *f = &o->features;

	if (f->size_max != 0 && t->body_len > f->size_max)
		return "552 5.3.4 The message is larger than the host takes";
	if ((t->flags & ENVELOPE_UTF8) != 0 && !f->utf8)
		return "553 5.6.7 The host does not take SMTPUTF8";
	return NULL;
}

static void
begin_task(struct out *o)
{
	struct buf b = { 0 };

	out_event_begin(o);
	o->sent = o->answered = o->n_accepted = o->n_ended = 0;
	memset(o->accepted, 0, sizeof(o->accepted));
	o->mail_refused = o->any_reply = o->has_body = o->want_body = false;
	o->dot = (struct smtp_dot){ 0 };
	wire_put_u32(&b, o->task->t.number);
	proc_send(o->dispatcher->proc, PROC_QUEUE, 0, MSG_WANT_BODY, &b, -1);
	buf_free(&b);
	o->state = OUT_STEPS;
	say_steps(o);
}

/* Whether the limits want a pause before the next message. */
static bool
rest(struct out *o)
{
	uint64_t ms = out_rest_ms(o);
	const struct timeval tv = { (time_t)(ms / 1000),
		(suseconds_t)(ms % 1000 * 1000) };

	o->resting = ms > 0;
	if (o->resting)
		event_add(o->timer, &tv);
	return o->resting;
}

void
out_take_task(struct out *o)
{
	const struct conf_mta_limits *l = relay_limits(o->relay);
	const char *obstacle;

	if (o->stopping || o->mails >= l->mails ||
	    o->failures >= l->max_failures ||
	    o->setup != o->dispatcher->proc->setup) {
		out_quit(o, "done");
		return;
	}
	if (rest(o))
		return;
	while ((o->task = relay_next_task(o->relay)) != NULL) {
		obstacle = find_obstacle(o, &o->task->t);
		if (obstacle == NULL) {
			begin_task(o);
			return;
		}
		relay_settle_rest(o, o->task, RELAY_FAILED, obstacle);
		forget_task(o);
	}
	out_patience(o, (unsigned)l->keepalive);
}

void
out_wake(struct out *o)
{
	if (o->state == OUT_READY && !o->resting && o->relay->n_tasks > 0)
		out_take_task(o);
}
