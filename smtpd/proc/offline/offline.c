/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * An offline process hands in one message that was written while no smtpd
 * ran, and ends.  The file is what any user may have written: it is read
 * here, where there is nothing else to be had.
 *
 * Peers: the parent alone.  OFFLINE brings the file, LISTEN a connection to
 * a dispatcher, which knows whose message it is: the queue removes the file
 * with its commit.  It ends with PROC_OFFLINE_DONE, LATER or BAD.
 *
 * What is refused for good is told to who wrote it, by a notice that takes
 * the message's place; so there is one commit for a file, whatever happens.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/conf/conf.h"
#include "smtpd/proc/proc.h"
#include "smtpd/queue/dsn.h"
#include "smtpd/queue/envelope.h"
#include "smtpd/submit/submission.h"
#include "smtpd/submit/transaction.h"

#include "smtpd/proc/offline/offline.h"

#define PATIENCE     600           /* seconds for a reply: filters have 300 */
#define ENVELOPE_MAX (1024 * 1024) /* bytes of a file above the message */

struct state {
	int file, smtp;
	struct submission s;
	struct envelope *evs; /* one a recipient, with what was said of it */
	bool notice;          /* it is what is being sent now */
};

static struct state *
state_of(struct proc *p)
{
	if (p->state == NULL) {
		struct state *st = xcalloc(1, sizeof(*st));

		st->file = st->smtp = -1;
		p->state = st;
	}
	return p->state;
}

static int
read_file(const struct proc *p, struct state *st, struct err *e)
{
	size_t max = (size_t)p->setup->conf->max_message_size + ENVELOPE_MAX;
	struct buf text = { 0 };
	struct stat sb;
	size_t got;
	int rc = -1;

	if (fstat(st->file, &sb) == -1) {
		err_sys(e, "the file");
		return -1;
	}
	if (sb.st_size < 0 || (uint64_t)sb.st_size > max) {
		err_set(e, ERR_CORRUPT, "it is too large");
		return -1;
	}
	if (fs_pread_full(st->file, buf_reserve(&text, (size_t)sb.st_size + 1),
		(size_t)sb.st_size, 0, &got, e) == 0) {
		text.len = got;
		rc = submission_decode(text.data, text.len, &st->s, e);
	}
	buf_free(&text);
	return rc;
}

/* Every recipient as an envelope that failed, until more is known. */
static void
make_envelopes(struct state *st)
{
	st->evs = xcalloc(st->s.n_rcpts, sizeof(*st->evs));
	for (size_t i = 0; i < st->s.n_rcpts; i++) {
		struct envelope *ev = &st->evs[i];

		envelope_init(ev);
		ev->rcpt = ev->dest = st->s.rcpts[i];
		ev->created_at = ev->last_try_at = (uint64_t)time(NULL);
		envelope_set_text(ev, ENVELOPE_ERROR,
		    "554 5.0.0 Not sent: another recipient was refused");
	}
}

static void
note(void *arg, const struct address *rcpt, const char *line)
{
	struct state *st = arg;

	if (st->notice)
		log_warn("offline: who wrote it can't be told: %s", line);
	for (size_t i = 0; i < st->s.n_rcpts && !st->notice; i++) {
		if (rcpt == NULL || address_equal(rcpt, &st->s.rcpts[i]))
			envelope_set_text(&st->evs[i], ENVELOPE_ERROR, line);
	}
}

static enum submit_result
send_notice(const struct proc *p, struct state *st, struct submit *smtp)
{
	const char *user = st->s.words[SUBMISSION_USER];
	const struct dsn d = {
		.kind = DSN_KIND_FAILED,
		.hostname = p->setup->hostname,
		.msgid = arc4random(),
		.now = time(NULL),
		.evs = st->evs,
		.n = st->s.n_rcpts,
		.original = buf_str(&st->s.text),
		.original_len = st->s.text.len,
	};
	struct submission notice = { 0 };
	struct address to;
	enum submit_result rc = SUBMIT_LATER;

	for (size_t i = 0; i < st->s.n_rcpts; i++) {
		if (address_parse(user, strlen(user), true, &to))
			st->evs[i].sender = to;
	}
	dsn_write(&d, &notice.text);
	st->notice = true;
	if (submission_add_rcpt(&notice, user, strlen(user)))
		rc = submit_send(smtp, &notice);
	submission_free(&notice);
	return rc;
}

static int
hand_in(const struct proc *p, struct state *st, struct err *e)
{
	const struct timeval limit = { PATIENCE, 0 };
	enum submit_result rc;
	struct submit *smtp;

	if (read_file(p, st, e) == -1)
		return -1;
	make_envelopes(st);
	setsockopt(st->smtp, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(st->smtp, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	smtp = submit_new(st->smtp, note, st, e);
	if (smtp == NULL)
		return -1;
	rc = submit_greet(smtp);
	if (rc == SUBMIT_OK)
		rc = submit_send(smtp, &st->s);
	if (rc == SUBMIT_REFUSED)
		rc = send_notice(p, st, smtp);
	submit_free(smtp);
	if (rc == SUBMIT_OK)
		return 0;
	err_set(
	    e, ERR_SYSTEM, "%s", envelope_text(&st->evs[0], ENVELOPE_ERROR));
	return -1;
}

static void
start(struct proc *p)
{
	struct state *st = state_of(p);
	struct err e;

	if (hand_in(p, st, &e) == 0)
		_exit(PROC_OFFLINE_DONE);
	log_warn("offline: %s", e.msg);
	_exit(e.kind == ERR_CORRUPT ? PROC_OFFLINE_BAD : PROC_OFFLINE_LATER);
}

static void
message(struct proc *p, struct proc_peer from, struct ipc_msg *m)
{
	struct state *st = state_of(p);

	(void)from;
	if (m->type == MSG_OFFLINE)
		st->file = ipc_take_fd(m);
	else if (m->type == MSG_LISTEN)
		st->smtp = ipc_take_fd(m);
}

const struct proc_ops offline_ops = {
	.id = PROC_OFFLINE,
	.start = start,
	.message = message,
};
