/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "smtpd/conf/conf.h"
#include "smtpd/lookup/table_proc.h"
#include "smtpd/lookup/tableline.h"

#define READ_LEN 4096
#define SECONDS  5

struct table_proc {
	char *name;
	int fd;
	struct buf in;
	size_t line; /* bytes of the line taken last, with its end */
	bool ready, busy;
	unsigned seconds; /* for an answer */
	unsigned epoch,
	    asked_in; /* how often it was started; at the question */
	unsigned services;
	uint32_t last_id;
	void (*failed)(void *arg, const char *why);
	void *arg;
};

/* How the process waits: it has one way. */
static const struct table_proc_waiting *waiting;

void
table_proc_wait_by(const struct table_proc_waiting *w)
{
	waiting = w;
}

struct table_proc *
table_proc_new(const char *name)
{
	struct table_proc *tp = xcalloc(1, sizeof(*tp));

	tp->name = xstrdup(name);
	tp->fd = -1;
	tp->last_id = arc4random();
	tp->seconds = SECONDS;
	return tp;
}

void
table_proc_give_time(struct table_proc *tp, unsigned seconds)
{
	tp->seconds = seconds;
}

void
table_proc_free(struct table_proc *tp)
{
	if (tp == NULL)
		return;
	table_proc_detach(tp);
	free(tp->name);
	free(tp);
}

void
table_proc_watch(struct table_proc *tp,
    void (*failed)(void *arg, const char *why), void *arg)
{
	tp->failed = failed;
	tp->arg = arg;
}

void
table_proc_detach(struct table_proc *tp)
{
	if (tp->fd != -1 && waiting != NULL)
		waiting->wake(tp->fd);
	if (tp->fd != -1)
		close(tp->fd);
	tp->fd = -1;
	tp->epoch++;
	tp->ready = false;
	tp->services = 0;
	tp->line = 0;
	buf_free(&tp->in);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
deadline_of(const struct table_proc *tp)
{
	return now_ms() + (int64_t)tp->seconds * 1000;
}

static int
fail(struct table_proc *tp, const char *why, struct err *e)
{
	err_set(e, ERR_CORRUPT, "table %s: the program %s", tp->name, why);
	table_proc_detach(tp);
	if (tp->failed != NULL)
		tp->failed(tp->arg, why);
	return -1;
}

static int
wait_until(struct table_proc *tp, short what, int64_t deadline, struct err *e)
{
	struct pollfd pfd = { tp->fd, what, 0 };
	int64_t left = deadline - now_ms();
	int rc;

	if (left <= 0)
		return fail(tp, "is too slow", e);
	rc = waiting != NULL ? waiting->ready(tp->fd, what, (int)left) :
			       poll(&pfd, 1, (int)left);
	/* Ended, and perhaps started again, while we waited. */
	if (tp->epoch != tp->asked_in) {
		err_set(
		    e, ERR_SYSTEM, "table %s: the program has ended", tp->name);
		return -1;
	}
	if (rc == 0)
		return fail(tp, "is too slow", e);
	if (rc == -1 && errno != EINTR)
		return fail(tp, "can't be waited for", e);
	return 0;
}

static int
send_all(
    struct table_proc *tp, const struct buf *b, int64_t deadline, struct err *e)
{
	size_t at = 0;

	while (at < b->len) {
		ssize_t n =
		    send(tp->fd, b->data + at, b->len - at, MSG_NOSIGNAL);

		if (n >= 0)
			at += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return fail(tp, "does not listen", e);
		else if (wait_until(tp, POLLOUT, deadline, e) == -1)
			return -1;
	}
	return 0;
}

/* The next line, without its end; borrowed until the next one is read. */
static const char *
read_line(struct table_proc *tp, int64_t deadline, struct err *e)
{
	buf_consume(&tp->in, tp->line);
	tp->line = 0;
	for (;;) {
		char *end = tp->in.len == 0 ?
		    NULL :
		    memchr(tp->in.data, '\n', tp->in.len);
		ssize_t n;

		if (end != NULL) {
			*end = '\0';
			tp->line = (size_t)(end - (char *)tp->in.data) + 1;
			if (strlen((char *)tp->in.data) + 1 == tp->line)
				return (char *)tp->in.data;
			fail(tp, "sends a NUL byte", e);
			return NULL;
		}
		if (tp->in.len >= TABLELINE_MAX) {
			fail(tp, "sends a line without an end", e);
			return NULL;
		}
		n = read(tp->fd, buf_reserve(&tp->in, READ_LEN), READ_LEN);
		if (n > 0) {
			tp->in.len += (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			fail(tp, "has ended", e);
			return NULL;
		} else if (wait_until(tp, POLLIN, deadline, e) == -1) {
			return NULL;
		}
	}
}

void
table_proc_attach(struct table_proc *tp, int fd)
{
	struct buf b = { 0 };
	struct err e;

	table_proc_detach(tp);
	tp->fd = fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	tableline_put_config(&b, tp->name, CONF_SPOKEN_VERSION);
	/* Should it not take even this, which no buffer is too small for, the
	 * next question tells. */
	if (send(fd, b.data, b.len, MSG_NOSIGNAL) != (ssize_t)b.len)
		fail(tp, "does not listen", &e);
	buf_free(&b);
}

static int
await_ready(struct table_proc *tp, int64_t deadline, struct err *e)
{
	const char *line;

	while (!tp->ready) {
		line = read_line(tp, deadline, e);
		if (line == NULL)
			return -1;
		if (!tableline_parse_register(line, &tp->services, &tp->ready))
			return fail(tp, "does not register", e);
	}
	if (tp->services == 0)
		return fail(tp, "registers no service", e);
	return 0;
}

/* One question at a time. */
static void
begin(struct table_proc *tp)
{
	while (tp->busy)
		waiting->turn();
	tp->busy = true;
	tp->asked_in = tp->epoch;
}

static void
end(struct table_proc *tp)
{
	tp->busy = false;
	if (waiting != NULL)
		waiting->next();
}

bool
table_proc_offers(struct table_proc *tp, enum table_service service)
{
	struct err e;
	bool offers;

	begin(tp);
	offers = tp->fd != -1 && await_ready(tp, deadline_of(tp), &e) == 0 &&
	    (tp->services & 1u << service) != 0;
	end(tp);
	return offers;
}

/* Some programs answer a fetch as if it were a lookup. */
static bool
answers(enum tableline_op asked, enum tableline_op got)
{
	return got == asked ||
	    (asked == TABLELINE_FETCH && got == TABLELINE_LOOKUP);
}

static int
ask_now(struct table_proc *tp, enum tableline_op op, enum table_service service,
    const char *key, struct buf *value, struct err *e)
{
	int64_t deadline = deadline_of(tp);
	struct tableline_reply reply;
	struct buf b = { 0 };
	const char *line;
	int rc;

	if (tp->fd == -1) {
		err_set(e, ERR_SYSTEM, "table %s: the program is not running",
		    tp->name);
		return -1;
	}
	if (await_ready(tp, deadline, e) == -1)
		return -1;
	if (op != TABLELINE_UPDATE && (tp->services & 1u << service) == 0) {
		err_set(e, ERR_UNSUPPORTED,
		    "table %s: the program offers no %s", tp->name,
		    tableline_service(service));
		return -1;
	}
	if (!tableline_put_request(
		&b, tp->name, op, service, ++tp->last_id, key))
		return 0; /* no table has a key of two lines */
	rc = send_all(tp, &b, deadline, e);
	explicit_bzero(b.data, b.len);
	buf_free(&b);
	line = rc == -1 ? NULL : read_line(tp, deadline, e);
	if (line == NULL)
		return -1;
	if (!tableline_parse_reply(line, &reply))
		return fail(tp, "answers what is no answer", e);
	if (reply.id != tp->last_id || !answers(op, reply.op))
		return fail(tp, "answers what it was not asked", e);
	if (reply.result == TABLELINE_ERROR) {
		err_set(e, ERR_SYSTEM, "table %s: the program says: %s",
		    tp->name, reply.text[0] == '\0' ? "error" : reply.text);
		return -1;
	}
	if (reply.result == TABLELINE_FOUND && value != NULL)
		buf_add_str(value, reply.text);
	return reply.result == TABLELINE_FOUND;
}

static int
ask(struct table_proc *tp, enum tableline_op op, enum table_service service,
    const char *key, struct buf *value, struct err *e)
{
	int rc;

	begin(tp);
	rc = ask_now(tp, op, service, key, value, e);
	end(tp);
	return rc;
}

int
table_proc_lookup(struct table_proc *tp, enum table_service service,
    const char *key, struct buf *value, struct err *e)
{
	bool check =
	    service == TABLE_AUTH || (service >= TABLE_DOMAIN && value == NULL);

	return ask(tp, check ? TABLELINE_CHECK : TABLELINE_LOOKUP, service, key,
	    value, e);
}

int
table_proc_fetch(struct table_proc *tp, enum table_service service,
    struct buf *value, struct err *e)
{
	return ask(tp, TABLELINE_FETCH, service, NULL, value, e);
}

int
table_proc_update(struct table_proc *tp, struct err *e)
{
	return ask(tp, TABLELINE_UPDATE, TABLE_STRING, NULL, NULL, e) == -1 ?
	    -1 :
	    0;
}
