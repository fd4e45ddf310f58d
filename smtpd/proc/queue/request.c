/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, told: what smtpctl asks about the queue, and does to it.
 *
 * CTL: request u32, words separated by blanks.  The answer is CTL_LINE
 * (request u32, text) for each line, then CTL_END (request u32, problem).
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/conv.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/queue/spoolfile.h"
#include "smtpd/schedule/schedule.h"

#include "smtpd/proc/queue/queue_internal.h"

#define SHOW_MAX (1 << 20) /* bytes of a message in one line frame */

struct request {
	struct queue *q;
	struct proc_peer from;
	uint32_t id;
	bool json;
	uint64_t only; /* an evpid or msgid; 0: all */
	size_t done;
	void (*each)(struct request *r, struct envelope *ev);
};

static void
send_line(struct request *r, const void *text, size_t len)
{
	struct buf b = { 0 };

	wire_put_u32(&b, r->id);
	buf_add(&b, text, len);
	proc_send(
	    r->q->proc, r->from.id, r->from.instance, MSG_CTL_LINE, &b, -1);
	buf_free(&b);
}

static void
send_end(struct request *r, const char *problem)
{
	struct buf b = { 0 };

	wire_put_u32(&b, r->id);
	buf_add_str(&b, problem);
	proc_send(
	    r->q->proc, r->from.id, r->from.instance, MSG_CTL_END, &b, -1);
	buf_free(&b);
}

static const char *
family(const struct envelope *ev)
{
	const char *src = envelope_text(ev, ENVELOPE_SOURCE);

	return strcmp(src, "local") == 0 ? "local" :
	    strchr(src, ':') != NULL     ? "inet6" :
					   "inet4";
}

static const char *
kind(const struct envelope *ev)
{
	if ((ev->flags & ENVELOPE_BOUNCE) != 0)
		return "bounce";
	return ev->type == ENVELOPE_MTA ? "mta" : "mda";
}

static void
add_flags(const struct envelope *ev, struct buf *out)
{
	static const struct {
		unsigned flag;
		const char *name;
	} flags[] = {
		{ ENVELOPE_AUTHENTICATED, "auth" },
		{ ENVELOPE_INTERNAL, "internal" },
		{ ENVELOPE_BOUNCE, "bounce" },
		{ ENVELOPE_HOLD, "suspend" },
	};
	const char *comma = "";

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if ((ev->flags & flags[i].flag) != 0) {
			buf_printf(out, "%s%s", comma, flags[i].name);
			comma = ",";
		}
	}
}

/* "inflight", and for how many seconds; "pending", and in how many it goes;
 * "offline" is held. */
static const char *
state_of(const struct request *r, const struct envelope *ev, char secs[24])
{
	uint64_t since = dispatch_flies(r->q, ev->id);
	uint64_t next = schedule_when(r->q->pending, ev->id);
	uint64_t now = (uint64_t)time(NULL);

	secs[0] = '\0';
	if (since != UINT64_MAX) {
		snprintf(secs, 24, "%llu",
		    (unsigned long long)(now > since ? now - since : 0));
		return "inflight";
	}
	if ((ev->flags & ENVELOPE_HOLD) != 0)
		return "offline";
	if (next != UINT64_MAX)
		snprintf(secs, 24, "%llu",
		    (unsigned long long)(next > now ? next - now : 0));
	return "pending";
}

/* What another host has said need not be UTF-8, which JSON is. */
static json_t *
text_json(const char *text)
{
	json_t *v = json_string(text);
	char *copy;

	if (v != NULL)
		return v;
	copy = xstrdup(text);
	for (char *p = copy; *p != '\0'; p++) {
		if ((unsigned char)*p > 0x7f)
			*p = '?';
	}
	v = json_string(copy);
	free(copy);
	return v;
}

static json_t *
address_json(const struct address *a)
{
	char text[ADDRESS_TEXT_LEN];

	return text_json(address_text(a, text));
}

static void
show_json(struct request *r, const struct envelope *ev)
{
	char id[24], secs[24];
	const char *state = state_of(r, ev, secs);
	uint64_t expires = ev->created_at + ev->ttl;
	json_t *o;
	char *text;

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)ev->id);
	o = json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:i,s:b,s:s,"
		      "s:o,s:o}",
	    "evpid", id, "family", family(ev), "type", kind(ev), "action",
	    text_json(envelope_text(ev, ENVELOPE_ACTION)), "sender",
	    address_json(&ev->sender), "rcpt", address_json(&ev->rcpt), "dest",
	    address_json(&ev->dest), "created", (json_int_t)ev->created_at,
	    "expires", (json_int_t)expires, "last_try",
	    (json_int_t)ev->last_try_at, "retry", (int)ev->retry, "suspended",
	    (ev->flags & ENVELOPE_HOLD) != 0, "state", state, "seconds",
	    secs[0] == '\0' ? json_null() :
			      json_integer(strtoll(secs, NULL, 10)),
	    "error", text_json(envelope_text(ev, ENVELOPE_ERROR)));
	text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	if (text != NULL)
		send_line(r, text, strlen(text));
	free(text);
	json_decref(o);
}

static void
show_one(struct request *r, struct envelope *ev)
{
	char from[ADDRESS_TEXT_LEN], to[ADDRESS_TEXT_LEN];
	char dest[ADDRESS_TEXT_LEN], secs[24];
	uint64_t expires = ev->created_at + ev->ttl;
	const char *state = state_of(r, ev, secs);
	struct buf b = { 0 };

	if (r->json) {
		show_json(r, ev);
		return;
	}
	buf_printf(&b, "%016llx|%s|%s|", (unsigned long long)ev->id, family(ev),
	    kind(ev));
	add_flags(ev, &b);
	buf_printf(&b, "|%s|%s|%s|%llu|%llu|%llu|%u|%s|%s|%s",
	    address_text(&ev->sender, from), address_text(&ev->rcpt, to),
	    address_text(&ev->dest, dest), (unsigned long long)ev->created_at,
	    (unsigned long long)expires, (unsigned long long)ev->last_try_at,
	    ev->retry, state, secs, envelope_text(ev, ENVELOPE_ERROR));
	send_line(r, b.data, b.len);
	buf_free(&b);
}

static void
remove_one(struct request *r, struct envelope *ev)
{
	store_add_remove(r->q->store, ev->id);
	proc_count(r->q->proc, "scheduler.envelope.removed", 1);
	queue_unschedule(r->q, ev->id);
}

static void
schedule_now(struct request *r, struct envelope *ev)
{
	if ((ev->flags &
		(ENVELOPE_HOLD | ENVELOPE_FAILED | ENVELOPE_DELIVERED)) == 0 &&
	    dispatch_flies(r->q, ev->id) == UINT64_MAX)
		queue_schedule_now(r->q, ev->id);
}

static void
pause_one(struct request *r, struct envelope *ev)
{
	ev->flags |= ENVELOPE_HOLD;
	store_add_update(r->q->store, ev);
	queue_unschedule(r->q, ev->id);
}

static void
resume_one(struct request *r, struct envelope *ev)
{
	ev->flags &= ~(uint32_t)ENVELOPE_HOLD;
	store_add_update(r->q->store, ev);
	if (dispatch_flies(r->q, ev->id) == UINT64_MAX)
		queue_schedule(r->q, ev->id, 0);
}

static void
show_envelope(struct request *r, struct envelope *ev)
{
	static const char *const names[ENVELOPE_TEXTS] = {
		[ENVELOPE_ACTION] = "action",
		[ENVELOPE_TAG] = "tag",
		[ENVELOPE_SMTPNAME] = "smtpname",
		[ENVELOPE_HELO] = "helo",
		[ENVELOPE_HOSTNAME] = "hostname",
		[ENVELOPE_SOURCE] = "source",
		[ENVELOPE_USERNAME] = "username",
		[ENVELOPE_ERROR] = "errorline",
		[ENVELOPE_ENVID] = "dsn-envid",
		[ENVELOPE_ORCPT] = "dsn-orcpt",
		[ENVELOPE_MDA_USER] = "mda-user",
		[ENVELOPE_MDA_EXEC] = "mda-exec",
	};
	char text[ADDRESS_TEXT_LEN];
	struct buf b = { 0 };

	buf_printf(&b,
	    "evpid: %016llx\ntype: %s\nflags: ", (unsigned long long)ev->id,
	    kind(ev));
	add_flags(ev, &b);
	buf_printf(&b, "\nsender: %s\n", address_text(&ev->sender, text));
	buf_printf(&b, "rcpt: %s\n", address_text(&ev->rcpt, text));
	buf_printf(&b, "dest: %s\n", address_text(&ev->dest, text));
	buf_printf(&b, "ctime: %llu\nlast-try: %llu\nttl: %llu\nretry: %u",
	    (unsigned long long)ev->created_at,
	    (unsigned long long)ev->last_try_at, (unsigned long long)ev->ttl,
	    ev->retry);
	for (unsigned i = 0; i < ENVELOPE_TEXTS; i++) {
		if (ev->texts[i] != NULL)
			buf_printf(&b, "\n%s: %s", names[i], ev->texts[i]);
	}
	send_line(r, b.data, b.len);
	buf_free(&b);
}

/* The id, and the envelope as the file of an export. */
static void
export_one(struct request *r, struct envelope *ev)
{
	struct buf b = { 0 };

	buf_printf(&b, "%016llx\n", (unsigned long long)ev->id);
	spoolfile_print(ev, &b);
	send_line(r, b.data, b.len);
	buf_free(&b);
}

static void
list_one(struct request *r, struct envelope *ev)
{
	char id[24];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)ev->id);
	send_line(r, id, 16);
}

static void
on_each(uint64_t id, void *arg)
{
	struct request *r = arg;
	struct envelope ev;
	struct err e;

	if (r->only != 0 && r->only != id && r->only != envelope_msgid(id))
		return;
	if (store_get(r->q->store, id, &ev, &e) == -1)
		return;
	r->done++;
	r->each(r, &ev);
	envelope_clear(&ev);
}

/* The text of a message, in pieces as they come. */
static void
show_message(struct request *r)
{
	uint32_t msgid =
	    r->only > UINT32_MAX ? envelope_msgid(r->only) : (uint32_t)r->only;
	struct buf b = { 0 };
	uint64_t len, at = 0;
	struct err e;
	size_t got;
	int fd;

	if (store_get_body(r->q->store, msgid, &b, &fd, &len, &e) == -1) {
		send_end(r, e.msg);
		return;
	}
	if (fd == -1)
		send_line(r, b.data, b.len);
	while (fd != -1 && at < len) {
		buf_reset(&b);
		if (fs_pread_full(fd, buf_reserve(&b, SHOW_MAX), SHOW_MAX, at,
			&got, &e) == -1 ||
		    got == 0)
			break;
		send_line(r, b.data, got);
		at += got;
	}
	if (fd != -1)
		close(fd);
	buf_free(&b);
	send_end(r, "");
}

/* mda and mta may be paused as a whole; what came meanwhile goes then. */
static void
pause_agents(struct request *r, unsigned what, bool pause)
{
	struct queue *q = r->q;

	if (pause)
		q->paused |= what;
	else
		q->paused &= ~what;
	for (size_t i = 0; !pause && i < q->n_later; i++)
		queue_schedule(q, q->later[i], 0);
	if (!pause)
		q->n_later = 0;
	send_end(r, "");
}

static void
show_stats(struct request *r)
{
	struct store_stats s;
	struct buf b = { 0 };

	store_get_stats(r->q->store, &s);
	buf_printf(&b,
	    "queue.messages=%llu\nqueue.segments=%llu\nqueue.syncs=%llu\n"
	    "scheduler.envelope=%llu\nscheduler.envelope.incoming=%llu\n"
	    "scheduler.envelope.inflight=%zu",
	    (unsigned long long)s.messages, (unsigned long long)s.segments,
	    (unsigned long long)s.syncs, (unsigned long long)s.envelopes,
	    (unsigned long long)r->q->n_enqueued, schedule_count(r->q->flying));
	send_line(r, b.data, b.len);
	buf_free(&b);
	send_end(r, "");
}

/* An evpid of 16 digits, a msgid of 8, or "all". */
static bool
parse_id(const char *text, uint64_t *out)
{
	char *end;

	*out = 0;
	if (strcmp(text, "all") == 0)
		return true;
	if (strlen(text) != 16 && strlen(text) != 8)
		return false;
	*out = strtoull(text, &end, 16);
	return *end == '\0' && *out != 0;
}

static void
run_each(struct request *r, const char *arg, bool changes,
    void (*each)(struct request *r, struct envelope *ev))
{
	if (!parse_id(arg, &r->only)) {
		send_end(r, "expected an envelope id, a message id, or all");
		return;
	}
	r->each = each;
	/* What is seen is on disk, and what is done, before it is told. */
	if (!queue_commit(r->q) && changes) {
		send_end(r, "the queue can't be written: see the log");
		return;
	}
	store_each(r->q->store, on_each, r);
	if (changes && !queue_commit(r->q))
		send_end(r, "the queue can't be written: see the log");
	else
		send_end(
		    r, r->only != 0 && r->done == 0 ? "no such envelope" : "");
}

static void
run(struct request *r, const char *verb, const char *arg)
{
	static const struct {
		const char *verb;
		bool changes;
		void (*each)(struct request *r, struct envelope *ev);
	} all[] = {
		{ "show-queue", false, show_one },
		{ "show-envelope", false, show_envelope },
		{ "list", false, list_one },
		{ "export", false, export_one },
		{ "remove", true, remove_one },
		{ "schedule", true, schedule_now },
		{ "pause-envelope", true, pause_one },
		{ "resume-envelope", true, resume_one },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i].verb, verb) == 0) {
			run_each(r, arg, all[i].changes, all[i].each);
			return;
		}
	}
	if (strcmp(verb, "show-queue-json") == 0) {
		r->json = true;
		run_each(r, arg, false, show_one);
	} else if (strcmp(verb, "show-message") == 0 &&
	    parse_id(arg, &r->only)) {
		show_message(r);
	} else if (strcmp(verb, "show-stats") == 0) {
		show_stats(r);
	} else if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0) {
		pause_agents(r,
		    strcmp(arg, "mta") == 0 ? SETUP_PAUSE_MTA : SETUP_PAUSE_MDA,
		    verb[0] == 'p');
	} else {
		send_end(r, "not something to ask the queue");
	}
}

void
request_message(struct queue *q, struct proc_peer from, struct ipc_msg *m)
{
	struct request r = { .q = q, .from = from };
	struct wire w;
	char *text, *arg;

	wire_init(&w, m->data, m->len);
	r.id = wire_u32(&w);
	if (!wire_ok(&w))
		return;
	text = xstrndup((const char *)m->data + 4, m->len - 4);
	arg = strchr(text, ' ');
	if (arg != NULL)
		*arg++ = '\0';
	run(&r, text, arg == NULL ? "all" : arg);
	free(text);
}
