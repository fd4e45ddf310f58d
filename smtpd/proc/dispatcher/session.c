/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/proc/certs.h"
#include "smtpd/proc/dispatcher/dispatcher_internal.h"
#include "smtpd/smtp/sasl.h"

#include "smtpd/proc/dispatcher/session.h"

#define TIMEOUT        300   /* seconds without a byte */
#define OUTPUT_HIGH    32768 /* replies not read yet: no more commands then */
#define INPUT_HIGH     65536
#define BAD_COMMANDS   20
#define REPLY_LINE_MAX 1024

static const char *
hostname(const struct session *s)
{
	if (s->name != NULL)
		return s->name;
	return s->listen != NULL && s->listen->hostname != NULL ?
	    s->listen->hostname :
	    s->setup->hostname;
}

/* One line of a reply, without its end. */
static void ATTR_PRINTF(2, 3) say(struct session *s, const char *fmt, ...)
{
	char line[REPLY_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	evbuffer_add_printf(bufferevent_get_output(s->bev), "%s\r\n", line);
	reporter_say(&s->filter.reporter, FILTER_PROTOCOL_SERVER, line, NULL);
}

void
session_reply(struct session *s, const char *line)
{
	say(s, "%s", line);
	if (line[0] == '4' || line[0] == '5')
		log_info("%016llx smtp failed-command result=\"%s\"",
		    (unsigned long long)s->id, line);
}

void
session_free(struct session *s)
{
	struct dispatcher *d = s->dispatcher;

	session_end_transaction(s, true);
	session_filter_free(s);
	free(s->mail_arg);
	ask_cancel(s->ask);
	RB_REMOVE(sessions, &d->sessions, s);
	d->n_sessions--;
	proc_count(d->proc, "smtp.session", -1);
	if (s->proxy != NULL)
		event_free(s->proxy);
	if (s->tls[0] != '\0')
		session_end_tls(s);
	bufferevent_free(s->bev);
	buf_free(&s->decoded);
	buf_free(&s->message);
	session_auth_free(s);
	certs_unref(s->certs);
	setup_unref(s->setup);
	free(s);
	dispatcher_session_gone(d);
}

void
session_fail(struct session *s, const char *reason)
{
	log_info("%016llx smtp disconnected reason=%s",
	    (unsigned long long)s->id, reason);
	session_free(s);
}

void
session_end_transaction(struct session *s, bool rollback)
{
	struct buf b = { 0 };

	if (rollback && s->in_mail && s->n_envelopes > 0) {
		wire_put_u32(&b, s->msgid);
		proc_send(
		    s->dispatcher->proc, PROC_QUEUE, 0, MSG_ROLLBACK, &b, -1);
		buf_free(&b);
	}
	session_report_end(s);
	s->in_mail = s->in_chunks = s->committed = false;
	s->filter.junk_mail = s->filter.streaming = false;
	s->msgid = 0;
	s->n_rcpts = s->n_envelopes = 0;
	s->header_done = s->loop = s->bad_header = false;
	s->file_len = 0;
	if (s->file != -1)
		close(s->file);
	s->file = -1;
	buf_free(&s->decoded);
	buf_free(&s->message);
}

void
session_say_last(struct session *s, const char *line)
{
	session_reply(s, line);
	s->ending = true;
	bufferevent_disable(s->bev, EV_READ);
}

void
session_shutdown(struct session *s)
{
	if (!s->ending)
		session_say_last(s, "421 4.3.2 Service shutting down");
}

/* Commands */

static void
greeted(struct session *s, const char *arg, bool extended)
{
	if (!smtp_helo_valid(arg)) {
		session_reply(s, "501 5.5.4 Invalid argument: a host name");
		return;
	}
	session_end_transaction(s, true);
	snprintf(s->helo, sizeof(s->helo), "%s", arg);
	s->extended = extended;
	reporter_say(&s->filter.reporter, FILTER_LINK_IDENTIFY,
	    extended ? "EHLO" : "HELO", s->helo, NULL);
	say(s, "250%c%s Hello %s [%s], pleased to meet you",
	    extended ? '-' : ' ', hostname(s), s->helo, s->source);
	if (extended) {
		say(s, "250-8BITMIME");
		say(s, "250-ENHANCEDSTATUSCODES");
		say(s, "250-PIPELINING");
		say(s, "250-CHUNKING");
		say(s, "250-SMTPUTF8");
		say(s, "250-SIZE %llu",
		    (unsigned long long)s->setup->conf->max_message_size);
		if (s->listen == NULL || !s->listen->no_dsn)
			say(s, "250-DSN");
		if (session_offers_tls(s))
			say(s, "250-STARTTLS");
		if (session_offers_auth(s))
			say(s, "250-AUTH %s", SASL_NAMES);
		say(s, "250 HELP");
	}
}

static void
greeted_helo(struct session *s, const char *arg)
{
	greeted(s, arg, false);
}

static void
greeted_ehlo(struct session *s, const char *arg)
{
	greeted(s, arg, true);
}

static void
cmd_helo(struct session *s, const char *arg, bool extended)
{
	if (!smtp_helo_valid(arg))
		session_reply(s, "501 5.5.4 Invalid argument: a host name");
	else
		session_filter(s, extended ? FILTER_EHLO : FILTER_HELO, arg,
		    extended ? greeted_ehlo : greeted_helo);
}

void
session_begin_transaction(struct session *s)
{
	char msgid[16];

	s->msgid = dispatcher_msgid(s->dispatcher);
	if (s->msgid == 0) {
		s->wait = SESSION_WAIT_MSGID;
		return;
	}
	s->in_mail = true;
	s->mails++;
	session_reply(s, "250 2.0.0 Ok");
	snprintf(msgid, sizeof(msgid), "%08x", s->msgid);
	reporter_say(&s->filter.reporter, FILTER_TX_BEGIN, msgid, NULL);
	session_report_address(s, FILTER_TX_MAIL, "ok", &s->mail.from);
}

void
session_got_msgids(struct session *s)
{
	s->wait = SESSION_GO;
	session_begin_transaction(s);
	session_run(s);
}

/* NULL, or what is wrong with the arguments of MAIL. */
static const char *
parse_mail(struct session *s, const char *arg)
{
	const struct conf *c = s->setup->conf;
	const char *problem = smtp_parse_mail(arg, &s->mail);

	if (problem != NULL)
		return problem;
	if (s->mail.has_dsn && s->listen != NULL && s->listen->no_dsn)
		return "555 5.5.4 DSN is not offered here";
	if (s->mail.size > c->max_message_size)
		return "552 5.3.4 Message too big";
	if (s->mail.from.local[0] != '\0' && s->mail.from.domain[0] == '\0') {
		if (!s->local)
			return "553 5.1.7 Sender address needs a domain";
		snprintf(s->mail.from.domain, sizeof(s->mail.from.domain), "%s",
		    hostname(s));
	}
	return NULL;
}

static void
keep_arg(struct session *s, const char *arg)
{
	free(s->mail_arg);
	s->mail_arg = xstrdup(arg);
}

/*
 * What a filter made of an address, with the parameters that came with it
 * unless it gives others; NULL when it was left as it was.
 */
static char *
rewritten(const struct session *s, const char *before, const char *after,
    const char *word)
{
	const char *end = strchr(s->mail_arg, '>');
	const char *own = after[0] == '<' ? strchr(after, '>') : NULL;
	const char *params = end == NULL ? "" : end + 1;

	if (strcmp(before, after) == 0)
		return NULL;
	if (own != NULL && own[1] != '\0')
		params = "";
	if (own != NULL)
		return xasprintf("%s:%s%s", word, after, params);
	return xasprintf("%s:<%s>%s", word, after, params);
}

static void
mail_filtered(struct session *s, const char *param)
{
	char *arg = rewritten(s, s->mail_text, param, "FROM");
	const char *problem = arg == NULL ? NULL : parse_mail(s, arg);

	free(arg);
	if (problem != NULL) {
		session_reply(s, problem);
		return;
	}
	address_text(&s->mail.from, s->mail_text);
	session_check_sender(s);
}

static void
cmd_mail(struct session *s, const char *arg)
{
	const char *problem;

	if (s->helo[0] == '\0' && !s->local) {
		session_reply(s, "503 5.5.1 Say HELO or EHLO first");
		return;
	}
	if (session_offers_tls(s) && s->listen->tls == CONF_TLS_REQUIRE) {
		session_reply(s, "530 5.7.0 Say STARTTLS first");
		return;
	}
	if (session_lacks_auth(s)) {
		session_reply(s, "530 5.7.0 Authentication required");
		return;
	}
	if (s->in_mail) {
		session_reply(s, "503 5.5.1 A message is being sent already");
		return;
	}
	if (s->mails >= s->setup->conf->limits.max_mails) {
		session_reply(s, "452 4.5.3 Too many messages in one session");
		return;
	}
	problem = parse_mail(s, arg);
	if (problem != NULL) {
		session_reply(s, problem);
		return;
	}
	keep_arg(s, arg);
	address_text(&s->mail.from, s->mail_text);
	session_filter(s, FILTER_MAIL_FROM, s->mail_text, mail_filtered);
}

/* What the session knows, for the lookup to decide with. */
static void
fill_envelope(const struct session *s, struct envelope *ev)
{
	envelope_init(ev);
	ev->id = (uint64_t)s->msgid << 32;
	ev->sender = s->mail.from;
	ev->rcpt = s->rcpt.to;
	ev->created_at = (uint64_t)time(NULL);
	ev->notify = s->rcpt.notify;
	ev->ret = s->mail.ret;
	ev->flags =
	    (s->local || s->user[0] != '\0' ? ENVELOPE_AUTHENTICATED : 0U) |
	    (s->mail.utf8 ? ENVELOPE_UTF8 : 0U) |
	    (s->mail.body_8bit ? ENVELOPE_8BIT : 0U);
	envelope_set_text(
	    ev, ENVELOPE_TAG, s->listen == NULL ? NULL : s->listen->tag);
	envelope_set_text(ev, ENVELOPE_SMTPNAME, hostname(s));
	envelope_set_text(ev, ENVELOPE_HELO, s->helo);
	envelope_set_text(ev, ENVELOPE_HOSTNAME, session_host(s));
	envelope_set_text(ev, ENVELOPE_SOURCE, s->source);
	envelope_set_text(ev, ENVELOPE_USERNAME, s->user);
	envelope_set_text(ev, ENVELOPE_ENVID, s->mail.envid);
	envelope_set_text(ev, ENVELOPE_ORCPT, s->rcpt.orcpt);
}

static void
ask_lookup(struct session *s)
{
	struct buf b = { 0 };
	struct envelope ev;

	fill_envelope(s, &ev);
	wire_put_u32(&b, s->number);
	buf_add_u8(&b, s->tls[0] != '\0');
	envelope_encode(&ev, &b);
	if (proc_send(s->dispatcher->proc, PROC_LOOKUP, 0, MSG_EXPAND, &b, -1))
		s->wait = SESSION_WAIT_RCPT;
	else
		session_reply(s, "451 4.3.0 Try again later");
	envelope_clear(&ev);
	buf_free(&b);
}

/* NULL, or what is wrong with the arguments of RCPT. */
static const char *
parse_rcpt(struct session *s, const char *arg)
{
	const char *problem = smtp_parse_rcpt(arg, s->mail.utf8, &s->rcpt);

	if (problem != NULL)
		return problem;
	if (s->rcpt.has_dsn && s->listen != NULL && s->listen->no_dsn)
		return "555 5.5.4 DSN is not offered here";
	if (s->rcpt.to.domain[0] == '\0') {
		if (!s->local &&
		    strcasecmp(s->rcpt.to.local, "postmaster") != 0)
			return "553 5.1.3 Recipient address needs a domain";
		snprintf(s->rcpt.to.domain, sizeof(s->rcpt.to.domain), "%s",
		    hostname(s));
	}
	return NULL;
}

static void
rcpt_filtered(struct session *s, const char *param)
{
	char before[ADDRESS_TEXT_LEN];
	char *arg =
	    rewritten(s, address_text(&s->rcpt.to, before), param, "TO");
	const char *problem = arg == NULL ? NULL : parse_rcpt(s, arg);

	free(arg);
	if (problem != NULL)
		session_reply(s, problem);
	else
		ask_lookup(s);
}

static void
cmd_rcpt(struct session *s, const char *arg)
{
	char text[ADDRESS_TEXT_LEN];
	const char *problem = NULL;

	if (!s->in_mail || s->in_chunks)
		problem = "503 5.5.1 Say MAIL first";
	else if (s->n_rcpts >= s->setup->conf->limits.max_rcpt)
		problem = "451 4.5.3 Too many recipients";
	else
		problem = parse_rcpt(s, arg);
	if (problem != NULL) {
		session_reply(s, problem);
		return;
	}
	keep_arg(s, arg);
	session_filter(
	    s, FILTER_RCPT_TO, address_text(&s->rcpt.to, text), rcpt_filtered);
}

void
session_expanded(
    struct session *s, uint32_t first, uint32_t n_envelopes, const char *reply)
{
	if (s->wait != SESSION_WAIT_RCPT)
		return;
	s->wait = SESSION_GO;
	if (reply[0] != '\0') {
		session_reply(s, reply);
		session_report_address(s, FILTER_TX_RCPT,
		    reply[0] == '5' ? "permfail" : "tempfail", &s->rcpt.to);
	} else {
		s->n_rcpts++;
		s->n_envelopes += n_envelopes;
		address_text(&s->rcpt.to, s->only_rcpt);
		session_report_envelopes(s, first, n_envelopes);
		session_reply(
		    s, "250 2.1.5 Destination address valid: Recipient ok");
		session_report_address(s, FILTER_TX_RCPT, "ok", &s->rcpt.to);
	}
	session_run(s);
}

static void
data_filtered(struct session *s, const char *param)
{
	(void)param;
	session_begin_data(s);
}

static void
cmd_data(struct session *s)
{
	if (!s->in_mail || s->in_chunks)
		session_reply(s, "503 5.5.1 Say MAIL and RCPT first");
	else if (s->n_rcpts == 0)
		session_reply(s, "503 5.5.1 No valid recipient");
	else
		session_filter(s, FILTER_DATA, "", data_filtered);
}

static void
count_bad(struct session *s)
{
	if (++s->bad_commands >= BAD_COMMANDS)
		session_say_last(s, "421 4.7.0 Too many errors");
}

static void
rset_filtered(struct session *s, const char *param)
{
	(void)param;
	session_reply(s, "250 2.0.0 Reset state");
	session_end_transaction(s, true);
}

static void
noop_filtered(struct session *s, const char *param)
{
	(void)param;
	session_reply(s, "250 2.0.0 Ok");
}

static void
quit_filtered(struct session *s, const char *param)
{
	(void)param;
	session_say_last(s, "221 2.0.0 Bye");
}

static void
run_command(struct session *s, const char *line)
{
	const char *arg;

	session_report_command(s, line);
	switch (smtp_command_verb(line, &arg)) {
	case SMTP_HELO:
		cmd_helo(s, arg, false);
		break;
	case SMTP_EHLO:
		cmd_helo(s, arg, true);
		break;
	case SMTP_MAIL:
		cmd_mail(s, arg);
		break;
	case SMTP_RCPT:
		cmd_rcpt(s, arg);
		break;
	case SMTP_DATA:
		cmd_data(s);
		break;
	case SMTP_BDAT:
		if (!session_begin_chunk(s, arg))
			count_bad(s);
		break;
	case SMTP_RSET:
		session_filter(s, FILTER_RSET, "", rset_filtered);
		break;
	case SMTP_NOOP:
		session_filter(s, FILTER_NOOP, "", noop_filtered);
		break;
	case SMTP_HELP:
		session_reply(s, "214 2.0.0 See RFC 5321");
		break;
	case SMTP_QUIT:
		session_filter(s, FILTER_QUIT, "", quit_filtered);
		break;
	case SMTP_VRFY:
	case SMTP_EXPN:
		session_reply(s, "252 5.5.1 Cannot VRFY user; try RCPT");
		break;
	case SMTP_STARTTLS:
		session_starttls(s, arg);
		break;
	case SMTP_AUTH:
		session_auth(s, arg);
		break;
	case SMTP_UNKNOWN:
		session_reply(
		    s, "500 5.5.1 Invalid command: Command unrecognized");
		count_bad(s);
		break;
	}
}

/*
 * One command line out of the input; false when there is none yet.  Only
 * CR LF ends a line: a bare LF, a stray CR or a NUL ends the session.
 */
static bool
read_command(struct session *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	struct evbuffer_ptr lf = evbuffer_search(in, "\n", 1, NULL);
	char line[SMTP_COMMAND_MAX + 3];
	size_t len;

	if ((lf.pos == -1 && evbuffer_get_length(in) > SMTP_COMMAND_MAX + 2) ||
	    lf.pos > SMTP_COMMAND_MAX + 1) {
		session_say_last(s, "500 5.5.2 Line too long");
		return false;
	}
	if (lf.pos == -1)
		return false;
	len = (size_t)lf.pos + 1;
	/* It may be a password's: no copy is left behind. */
	memcpy(line, evbuffer_pullup(in, (ev_ssize_t)len), len);
	explicit_bzero(evbuffer_pullup(in, (ev_ssize_t)len), len);
	evbuffer_drain(in, len);
	line[len] = '\0';
	if (len < 2 || line[len - 2] != '\r' || strlen(line) != len ||
	    strchr(line, '\r') != line + len - 2) {
		session_say_last(
		    s, "500 5.5.2 Bare CR, LF or NUL in a command");
		return false;
	}
	line[len - 2] = '\0';
	log_debug("%016llx smtp command %s", (unsigned long long)s->id,
	    s->state == SESSION_AUTH              ? "********" :
		strncasecmp(line, "AUTH", 4) == 0 ? "AUTH ********" :
						    line);
	if (s->state == SESSION_AUTH)
		session_auth_line(s, line);
	else
		run_command(s, line);
	explicit_bzero(line, len);
	return true;
}

const char *
session_host(const struct session *s)
{
	return s->fcrdns == DNS_OK ? s->rdns : "<unknown>";
}

static void
connect_filtered(struct session *s, const char *param)
{
	char banner[SETUP_HOSTNAME_MAX + 64];

	(void)param;
	snprintf(banner, sizeof(banner), "220 %s ESMTP maison", hostname(s));
	session_reply(s, banner);
	reporter_say(
	    &s->filter.reporter, FILTER_LINK_GREETING, hostname(s), NULL);
}

static void
greet(struct session *s)
{
	char param[DNS_NAME_MAX + sizeof(s->source) + 8];
	bool v6 = strchr(s->source, ':') != NULL;

	log_info("%016llx smtp connected address=%s host=%s",
	    (unsigned long long)s->id, s->source, s->rdns);
	if (!session_filter_begin(s))
		return;
	reporter_say(&s->filter.reporter, FILTER_LINK_CONNECT, s->rdns,
	    s->fcrdns == DNS_OK        ? "pass" :
		s->fcrdns == DNS_LATER ? "error" :
					 "fail",
	    s->source_text, s->dest_text, NULL);
	snprintf(param, sizeof(param), "%s|%s%s%s", s->rdns, v6 ? "[" : "",
	    s->source, v6 ? "]" : "");
	if (s->tls[0] != '\0')
		reporter_say(
		    &s->filter.reporter, FILTER_LINK_TLS, s->tls, NULL);
	session_filter(s, FILTER_CONNECT, param, connect_filtered);
}

static void
on_rdns(void *arg, const struct dns_answer *a)
{
	struct session *s = arg;

	s->ask = NULL;
	s->fcrdns = a->status;
	snprintf(s->rdns, sizeof(s->rdns), "%s",
	    a->n > 0 ? a->hosts[0].name : "<unknown>");
	if (s->wait != SESSION_WAIT_RDNS || s->ending)
		return;
	s->wait = SESSION_GO;
	greet(s);
	session_run(s);
}

static void
set_timeouts(struct session *s)
{
	const struct timeval tv = { TIMEOUT, 0 };

	bufferevent_set_timeouts(s->bev, &tv, &tv);
}

/* The banner waits for our name, if tables have it, and the client's. */
static void
identify(struct session *s)
{
	s->state = SESSION_COMMAND;
	set_timeouts(s);
	if (!session_ask_name(s))
		session_identify(s);
}

void
session_identify(struct session *s)
{
	if (s->local) {
		snprintf(s->rdns, sizeof(s->rdns), "%s", s->setup->hostname);
		s->fcrdns = DNS_OK;
		greet(s);
		return;
	}
	s->wait = SESSION_WAIT_RDNS;
	s->ask = ask_dns(s->dispatcher, DNS_PTR, s->source, "", on_rdns, s);
}

void
session_set_source(struct session *s, const struct sockaddr *sa)
{
	if (sa->sa_family == AF_UNIX)
		snprintf(s->source, sizeof(s->source), "local");
	else if (getnameinfo(sa,
		     sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) :
						sizeof(struct sockaddr_in6),
		     s->source, sizeof(s->source), NULL, 0,
		     NI_NUMERICHOST) != 0)
		snprintf(s->source, sizeof(s->source), "0.0.0.0");
}

void
session_run(struct session *s)
{
	struct evbuffer *out = bufferevent_get_output(s->bev);
	struct dispatcher *d = s->dispatcher;
	bool more = true;

	while (more && s->wait == SESSION_GO && !s->ending &&
	    evbuffer_get_length(out) < OUTPUT_HIGH) {
		switch (s->state) {
		case SESSION_COMMAND:
			if (d->draining && !s->in_mail) {
				session_shutdown(s);
				return;
			}
			more = read_command(s);
			break;
		case SESSION_AUTH:
			more = read_command(s);
			break;
		case SESSION_DATA:
			more = session_read_data(s);
			break;
		case SESSION_CHUNK:
			more = session_read_chunk(s);
			break;
		}
	}
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	session_run(arg);
}

/* All replies have been taken by the system. */
static void
on_written(struct bufferevent *bev, void *arg)
{
	struct session *s = arg;

	(void)bev;
	if (s->ending)
		session_fail(s, "quit");
	else if (s->wait == SESSION_WAIT_TLS && !s->shaking)
		session_begin_tls(s);
	else
		session_run(s);
}

/* After STARTTLS: the client speaks first. */
static void
go_on(struct session *s)
{
	set_timeouts(s);
	session_run(s);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct session *s = arg;

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		session_tls_done(s);
		if (s->listen->tls == CONF_TLS_IMPLICIT)
			identify(s);
		else
			go_on(s);
	} else if (s->shaking) {
		session_tls_failed(s);
	} else if ((what & BEV_EVENT_TIMEOUT) != 0) {
		reporter_say(&s->filter.reporter, FILTER_TIMEOUT, NULL);
		/* A last word, if there is room for it; then no more waiting. */
		session_reply(s, "421 4.4.2 Timeout");
		bufferevent_flush(s->bev, EV_WRITE, BEV_FLUSH);
		session_fail(s, "timeout");
	} else {
		session_fail(s, "disconnect");
	}
}

void
session_attach(struct session *s, struct bufferevent *bev)
{
	s->bev = bev;
	bufferevent_setcb(bev, on_read, on_written, on_event, s);
	bufferevent_setwatermark(bev, EV_READ, 0, INPUT_HIGH);
}

void
session_open(struct session *s)
{
	if (s->listen != NULL && s->listen->tls == CONF_TLS_IMPLICIT) {
		session_begin_tls(s);
		return;
	}
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	identify(s);
}

void
session_new(struct dispatcher *d, const struct conf_listen *listen,
    evutil_socket_t fd, const struct sockaddr *sa)
{
	struct session *s = xcalloc(1, sizeof(*s));
	const int on = 1;

	s->dispatcher = d;
	s->number = ++d->last_number;
	s->id = (uint64_t)arc4random() << 32 | arc4random();
	s->setup = setup_ref(d->proc->setup);
	s->listen = listen;
	s->local = sa == NULL;
	s->file = -1;
	evutil_make_socket_nonblocking(fd);
	if (sa == NULL) {
		snprintf(s->source, sizeof(s->source), "local");
	} else {
		session_set_source(s, sa);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	s->certs = certs_ref(d->certs);
	session_attach(s,
	    bufferevent_socket_new(d->proc->base, fd, BEV_OPT_CLOSE_ON_FREE));
	session_set_ends(s, sa, NULL);
	RB_INSERT(sessions, &d->sessions, s);
	d->n_sessions++;
	proc_count(d->proc, "smtp.session", 1);
	if (listen != NULL && listen->proxy)
		session_await_proxy(s);
	else
		session_open(s);
}

void
session_lost_peer(struct session *s, bool lookup)
{
	bool waits_lookup = s->wait == SESSION_WAIT_RCPT ||
	    s->wait == SESSION_WAIT_AUTH || s->wait == SESSION_WAIT_TABLE ||
	    (s->wait == SESSION_WAIT_FILTER && s->filter.testing);
	bool waits_queue = s->wait == SESSION_WAIT_FILE ||
	    s->wait == SESSION_WAIT_COMMIT || s->wait == SESSION_WAIT_MSGID;

	/* The lookup's envelopes may have been lost with it. */
	if ((lookup && s->n_envelopes > 0 && !waits_queue) ||
	    (lookup && waits_lookup) || (!lookup && waits_queue))
		session_say_last(s, "421 4.3.0 Temporary failure");
}
