/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session, the message: from DATA or BDAT to the queue's word that it is on
 * disk.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/wire.h"

#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/proc/dispatcher/session.h"
#include "smtpd/queue/store.h"
#include "smtpd/smtp/header.h"
#include "smtpd/smtp/qualify.h"

static void
format_date(char *out, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(out, size, "%a, %d %b %Y %H:%M:%S %z", localtime_r(&now, &tm));
}

static void
add_received(struct session *s, struct buf *out)
{
	bool mask = s->listen != NULL && s->listen->mask_src;
	char date[64];

	if (s->filter.junk || s->filter.junk_mail)
		buf_add_str(out, "X-Spam: Yes\n");
	format_date(date, sizeof(date));
	buf_add_str(out, "Received: ");
	if (!mask && s->local)
		buf_printf(out, "from %s (localhost [local])\n\t",
		    s->helo[0] == '\0' ? "localhost" : s->helo);
	else if (!mask)
		buf_printf(out, "from %s (%s [%s%s])\n\t", s->helo,
		    session_host(s),
		    strchr(s->source, ':') == NULL ? "" : "IPv6:", s->source);
	buf_printf(out, "by %s (maison) with %s%s%s id %08x",
	    session_hostname(s),
	    s->mail.utf8    ? "UTF8SMTP" :
		s->extended ? "ESMTP" :
			      "SMTP",
	    s->tls[0] != '\0' ? "S" : "", s->user[0] != '\0' ? "A" : "",
	    s->msgid);
	if (s->tls[0] != '\0')
		buf_printf(out, " (%s:%s)", s->tls, s->verified ? "YES" : "NO");
	session_add_received_auth(s, out);
	if (s->n_rcpts == 1)
		buf_printf(out, "\n\tfor <%s>", s->only_rcpt);
	buf_printf(out, ";\n\t%s\n", date);
}

/* What a message from here must have and a client may leave out. */
static void
add_missing(
    struct session *s, const struct header_facts *facts, struct buf *out)
{
	char date[64], from[ADDRESS_TEXT_LEN];

	if (!facts->date) {
		format_date(date, sizeof(date));
		buf_printf(out, "Date: %s\n", date);
	}
	if (!facts->message_id)
		buf_printf(out, "Message-ID: <%08x.%016llx@%s>\n", s->msgid,
		    (unsigned long long)s->id, session_hostname(s));
	if (!facts->from && address_is_null(&s->mail.from))
		buf_printf(
		    out, "From: <MAILER-DAEMON@%s>\n", session_hostname(s));
	else if (!facts->from)
		buf_printf(
		    out, "From: <%s>\n", address_text(&s->mail.from, from));
}

/* The fields, with the sender's own address in From where that must be. */
static void
add_submitted(struct session *s, const char *text, size_t len, struct buf *out)
{
	char sender[ADDRESS_TEXT_LEN];
	struct buf own = { 0 }, open = { 0 };

	if (s->user[0] == '\0' || s->listen == NULL || !s->listen->masquerade ||
	    address_is_null(&s->mail.from))
		buf_add(&own, text, len);
	else
		header_masquerade(
		    text, len, address_text(&s->mail.from, sender), &own);
	header_without_bcc((const char *)own.data, own.len, &open);
	qualify_header(
	    (const char *)open.data, open.len, session_hostname(s), out);
	buf_free(&own);
	buf_free(&open);
}

/* Whether it is a user of ours who writes, and not a server that relays. */
static bool
is_submission(const struct session *s)
{
	const char *port = s->listen == NULL ? NULL : s->listen->port;

	return s->local || s->user[0] != '\0' ||
	    (port != NULL &&
		(strcmp(port, "587") == 0 || strcmp(port, "submission") == 0));
}

/* Where the client's lines go, once its header is as it should be. */
static struct buf *
lines_to(struct session *s)
{
	return s->filter.streaming ? &s->filter.lines :
	    s->header_done         ? &s->message :
				     &s->decoded;
}

/*
 * The header that a user of ours wrote, when it is whole: completed before
 * any filter sees it, so that one that signs it signs what is sent.  One
 * that is to be refused stays as it is.
 */
static void
complete_header(struct session *s, bool whole)
{
	const char *text = (const char *)s->submitted.data;
	size_t total = s->submitted.len;
	struct header_facts facts;
	long len;

	if (s->completed)
		return;
	len = total == 0 ?
	    (whole ? 0 : -1) :
	    header_length(text, total, whole || total > HEADER_MAX);
	if (len < 0)
		return;
	header_scan(text, (size_t)len, &facts);
	if (!facts.bad && !facts.too_long) {
		add_missing(s, &facts, lines_to(s));
		add_submitted(s, text, (size_t)len, lines_to(s));
		text += len;
		total -= (size_t)len;
	}
	buf_add(lines_to(s), text, total);
	buf_free(&s->submitted);
	s->completed = true;
}

/* The header is whole in s->decoded: judge it, and begin the message. */
static void
take_header(struct session *s, size_t len)
{
	const char *text =
	    s->decoded.data == NULL ? "" : (const char *)s->decoded.data;
	struct header_facts facts;

	header_scan(text, len, &facts);
	s->loop = facts.received > HEADER_HOPS;
	s->bad_header = facts.bad || facts.too_long;
	s->header_done = true;
	if (!s->filter.streaming)
		add_received(s, &s->message);
	buf_add(&s->message, text, s->decoded.len);
	buf_free(&s->decoded);
}

/* What has been decoded belongs to the message.  whole: no more comes. */
static void
take_decoded(struct session *s, bool whole)
{
	long len;

	if (s->header_done)
		return;
	len = header_length((const char *)s->decoded.data, s->decoded.len,
	    whole || s->decoded.len > HEADER_MAX);
	if (s->decoded.len == 0)
		len = whole ? 0 : -1;
	if (len >= 0)
		take_header(s, (size_t)len);
}

static bool
too_big(const struct session *s)
{
	return s->data.total > s->setup->conf->max_message_size;
}

/* Whether the file's disk has room for len bytes above the reserve. */
static bool
has_room(const struct session *s, size_t len)
{
	struct statvfs v;

	return fstatvfs(s->file, &v) == -1 ||
	    (uint64_t)v.f_bavail * v.f_frsize >= s->setup->conf->reserve + len;
}

/* Move what is in memory to the file, if it can be. */
static void
write_file(struct session *s)
{
	struct err e;

	if (!has_room(s, s->message.len)) {
		s->no_room = true;
	} else if (fs_write_all(s->file, s->message.data, s->message.len, &e) ==
	    -1) {
		log_warn("%016llx smtp %s", (unsigned long long)s->id, e.msg);
		s->no_room = true;
	}
	s->file_len += s->message.len;
	buf_reset(&s->message);
}

/* A large message goes to a file: asked for once.  True while waiting. */
static bool
make_room(struct session *s)
{
	struct buf b = { 0 };

	if (too_big(s) || s->no_room) {
		buf_reset(&s->message);
		return false;
	}
	if (!s->header_done || s->message.len <= STORE_INLINE_MAX)
		return false;
	if (s->file != -1) {
		write_file(s);
		return false;
	}
	wire_put_u32(&b, s->number);
	if (proc_send(
		s->dispatcher->proc, PROC_QUEUE, 0, MSG_WANT_FILE, &b, -1))
		s->wait = SESSION_WAIT_FILE;
	buf_free(&b);
	return s->wait == SESSION_WAIT_FILE;
}

static void end_data(struct session *s);

/* What a message that is being filtered waits for now. */
static void
go_on_streaming(struct session *s)
{
	if (s->filter.stream_ended)
		end_data(s);
	else if (s->filter.stream_sent)
		s->wait = SESSION_WAIT_STREAM;
}

/* Lines as the last filter gave them. */
void
session_filtered_data(struct session *s, const void *data, size_t len)
{
	buf_add(s->header_done ? &s->message : &s->decoded, data, len);
	take_decoded(s, false);
	/* The file was asked for: the rest is told when it is there. */
	if (s->wait == SESSION_WAIT_FILE || make_room(s) || s->ending)
		return;
	session_stream_stored(s);
	if (!s->filter.stream_ended)
		return;
	s->wait = SESSION_GO;
	end_data(s);
	session_run(s);
}

void
session_got_file(struct session *s, int fd)
{
	if (s->wait != SESSION_WAIT_FILE) {
		if (fd != -1)
			close(fd);
		return;
	}
	s->wait = SESSION_GO;
	s->file = fd;
	if (fd != -1) {
		write_file(s);
	} else {
		s->no_room = true;
		buf_reset(&s->message);
	}
	if (s->filter.streaming) {
		session_stream_stored(s);
		go_on_streaming(s);
	}
	session_run(s);
}

static const char *
find_problem(const struct session *s)
{
	const char *problem = smtp_data_problem(&s->data);

	if (problem != NULL)
		return problem;
	if (too_big(s))
		return "552 5.3.4 Message too big";
	if (s->loop)
		return "500 5.4.6 Routing loop detected: Loop detected";
	if (s->no_room)
		return "452 4.3.1 The message can't be stored now";
	if (s->bad_header)
		return "550 5.6.0 Message is not RFC 5322 compliant";
	return NULL;
}

/* COMMIT: see the queue. */
static void
commit(struct session *s, const char *param)
{
	struct buf b = { 0 };
	int fd = -1;

	(void)param;
	wire_put_u32(&b, s->number);
	wire_put_u32(&b, s->msgid);
	wire_put_u32(&b, s->n_envelopes);
	buf_add_u8(&b, (uint8_t)strlen(s->offline));
	buf_add_str(&b, s->offline);
	if (s->file != -1) {
		fd = s->file;
		s->file = -1;
	} else {
		buf_add(&b, s->message.data, s->message.len);
		s->file_len = s->message.len;
	}
	buf_free(&s->message);
	if (proc_send(s->dispatcher->proc, PROC_QUEUE, 0, MSG_COMMIT, &b, fd)) {
		s->wait = SESSION_WAIT_COMMIT;
	} else {
		session_reply(s, "451 4.3.0 Try again later");
		session_end_transaction(s, false);
	}
	buf_free(&b);
}

/* The message is here, and has been through the filters. */
static void
end_data(struct session *s)
{
	const char *problem;

	take_decoded(s, true);
	s->filter.streaming = false;
	s->state = SESSION_COMMAND;
	if (s->file != -1 && !s->no_room && !too_big(s))
		write_file(s);
	problem = find_problem(s);
	if (problem != NULL) {
		session_reply(s, problem);
		session_end_transaction(s, true);
		return;
	}
	session_filter(s, FILTER_COMMIT, "", commit);
}

/* All has been read. */
static void
read_all(struct session *s)
{
	complete_header(s, true);
	if (s->data.dots)
		reporter_say(
		    &s->filter.reporter, FILTER_PROTOCOL_CLIENT, ".", NULL);
	if (!s->filter.streaming) {
		end_data(s);
		return;
	}
	s->state = SESSION_COMMAND;
	s->wait = SESSION_WAIT_STREAM;
	session_stream_send(s, true);
}

void
session_committed(struct session *s, bool ok)
{
	char line[64];

	if (s->wait != SESSION_WAIT_COMMIT)
		return;
	s->wait = SESSION_GO;
	snprintf(line, sizeof(line),
	    "250 2.0.0 %08x Message accepted for delivery", s->msgid);
	if (ok)
		log_info("%016llx smtp message msgid=%08x size=%llu nrcpt=%u "
			 "proto=%s",
		    (unsigned long long)s->id, s->msgid,
		    (unsigned long long)s->file_len, s->n_rcpts,
		    s->extended ? "ESMTP" : "SMTP");
	session_reply(
	    s, ok ? line : "452 4.3.1 The message can't be stored now");
	/* The queue has dropped what it couldn't write. */
	s->committed = ok;
	if (ok)
		s->offline[0] = '\0';
	session_end_transaction(s, false);
	if (!session_filter_doomed(s))
		session_run(s);
}

/* The message begins; its own first lines pass the filters, too. */
static void
begin_message(struct session *s, bool dots)
{
	char msgid[16];

	smtp_data_init(&s->data, dots);
	s->completed = !is_submission(s);
	snprintf(msgid, sizeof(msgid), "%08x", s->msgid);
	reporter_say(&s->filter.reporter, FILTER_TX_DATA, msgid, "ok", NULL);
	if (session_stream_begin(s))
		add_received(s, &s->filter.lines);
}

void
session_begin_data(struct session *s)
{
	s->state = SESSION_DATA;
	session_reply(s, "354 Enter mail, end with \".\" on a line by itself");
	begin_message(s, true);
}

/* Decode up to max bytes of input. */
static size_t
decode(struct session *s, size_t max)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	struct evbuffer_iovec v;
	struct buf *out = s->completed ? lines_to(s) : &s->submitted;
	size_t n;

	if (evbuffer_peek(in, -1, NULL, &v, 1) < 1 || v.iov_len == 0)
		return 0;
	n = smtp_data_read(
	    &s->data, v.iov_base, v.iov_len < max ? v.iov_len : max, out);
	evbuffer_drain(in, n);
	complete_header(s, false);
	if (!s->filter.streaming)
		take_decoded(s, false);
	return n;
}

/* After some input: send it on, or make room.  False: wait. */
static bool
go_on(struct session *s)
{
	if (!s->filter.streaming)
		return !make_room(s);
	if (too_big(s))
		buf_reset(&s->filter.lines);
	if (session_stream_send(s, false))
		return true;
	s->wait = SESSION_WAIT_CREDIT;
	return false;
}

bool
session_read_data(struct session *s)
{
	if (decode(s, SIZE_MAX) == 0)
		return false;
	if (!s->data.done)
		return go_on(s);
	read_all(s);
	return true;
}

static void
chunks_filtered(struct session *s, const char *param)
{
	(void)param;
	s->in_chunks = true;
	begin_message(s, false);
}

bool
session_begin_chunk(struct session *s, const char *arg)
{
	struct smtp_bdat bdat;
	const char *problem = smtp_parse_bdat(arg, &bdat);

	/* Its length is unknown, and so is where the next command starts. */
	if (problem != NULL) {
		session_reply(s, problem);
		session_shutdown(s);
		return true;
	}
	s->chunk_refused = !s->in_mail || s->n_rcpts == 0;
	s->chunk_reply[0] = '\0';
	s->chunk_left = bdat.len;
	s->chunk_last = bdat.last;
	s->state = SESSION_CHUNK;
	if (s->chunk_refused)
		return false;
	if (!s->in_chunks)
		session_filter(s, FILTER_DATA, "", chunks_filtered);
	return true;
}

static void
end_chunk(struct session *s)
{
	s->state = SESSION_COMMAND;
	if (s->chunk_refused) {
		session_reply(s,
		    s->chunk_reply[0] != '\0' ?
			s->chunk_reply :
			"503 5.5.1 Say MAIL and RCPT first");
	} else if (!s->chunk_last) {
		session_reply(s, "250 2.0.0 Continue");
	} else {
		smtp_data_finish(
		    &s->data, s->completed ? lines_to(s) : &s->submitted);
		read_all(s);
	}
}

bool
session_read_chunk(struct session *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	size_t n;

	if (s->chunk_left == 0) {
		end_chunk(s);
		return true;
	}
	n = evbuffer_get_length(in);
	if (n > s->chunk_left)
		n = (size_t)s->chunk_left;
	if (n == 0)
		return false;
	if (s->chunk_refused)
		evbuffer_drain(in, n);
	else
		n = decode(s, n);
	s->chunk_left -= n;
	return s->chunk_refused || go_on(s);
}
