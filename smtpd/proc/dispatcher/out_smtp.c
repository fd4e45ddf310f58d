/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * out, second half: what is said on the connection, and what is made of the
 * replies.  A host that says more than it was asked, or anything that is not
 * a reply, loses its session.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>

#include "smtpd/proc/dispatcher/dispatcher_internal.h"

#include "smtpd/proc/dispatcher/out.h"

#define GREETING_TIME 300 /* RFC 5321, 4.5.3.2 */
#define QUIT_TIME     10
#define INPUT_HIGH    65536
#define COMMAND_MAX   2048

void
out_say(struct out *o, const char *fmt, ...)
{
	char line[COMMAND_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Addresses and names are bounded: no command is that long. */
	if (n < 0 || (size_t)n >= sizeof(line)) {
		out_end(o, "a command is too long");
		return;
	}
	out_event_command(o, line);
	evbuffer_add_printf(bufferevent_get_output(o->bev), "%s\r\n", line);
}

void
out_quit(struct out *o, const char *reason)
{
	if (o->state != OUT_READY && o->state != OUT_RSET) {
		out_end(o, reason);
		return;
	}
	o->state = OUT_QUIT;
	out_say(o, "QUIT");
	out_patience(o, QUIT_TIME);
}

void
out_get_ready(struct out *o)
{
	char text[SMTP_REPLY_TEXT];

	if (out_auth_begin(o))
		return;
	route_worked(o->route, smtp_reply_text(&o->reply, text));
	relay_out_opened(o);
	o->relay->insist = false;
	o->state = OUT_READY;
	out_take_task(o);
}

void
out_say_ehlo(struct out *o)
{
	o->state = OUT_EHLO;
	out_say(o, "%s %s", o->url.lmtp ? "LHLO" : "EHLO", o->helo);
	out_patience(o, GREETING_TIME);
}

static void
refuse_host(struct out *o)
{
	char text[SMTP_REPLY_TEXT];

	out_next_host(o, smtp_reply_text(&o->reply, text));
}

static void
greeting_reply(struct out *o)
{
	bool ok = o->reply.code / 100 == 2;

	if (o->state == OUT_BANNER && ok) {
		out_say_ehlo(o);
	} else if (o->state == OUT_EHLO && ok) {
		smtp_features_read(&o->reply, &o->features);
		if (!out_tls_offer(o))
			out_get_ready(o);
	} else if (o->state == OUT_EHLO && o->reply.code / 100 == 5 &&
	    !o->url.lmtp) {
		o->state = OUT_HELO;
		out_say(o, "HELO %s", o->helo);
		out_patience(o, GREETING_TIME);
	} else if (o->state == OUT_HELO && ok) {
		o->features = (struct smtp_features){ 0 };
		if (!out_tls_offer(o))
			out_get_ready(o);
	} else {
		refuse_host(o);
	}
}

/* A whole reply is in o->reply. */
static void
take_reply(struct out *o)
{
	char text[SMTP_REPLY_TEXT];

	out_event_reply(o);
	if (o->reply.code == 421 && o->state >= OUT_READY &&
	    o->state != OUT_QUIT) {
		out_end(o, smtp_reply_text(&o->reply, text));
		return;
	}
	switch (o->state) {
	case OUT_BANNER:
	case OUT_EHLO:
	case OUT_HELO:
		greeting_reply(o);
		break;
	case OUT_STARTTLS:
		out_starttls_reply(o);
		break;
	case OUT_AUTH:
		out_auth_reply(o);
		break;
	case OUT_STEPS:
		out_step_reply(o);
		break;
	case OUT_END:
		out_end_reply(o);
		break;
	case OUT_RSET:
		out_rset_reply(o);
		break;
	case OUT_QUIT:
		out_end(o, "quit");
		break;
	case OUT_DATA:
		/* It has heard enough. */
		out_end(o, smtp_reply_text(&o->reply, text));
		break;
	case OUT_WAY:
	case OUT_RESOLVE:
	case OUT_DIAL:
	case OUT_NAME:
	case OUT_TLS:
	case OUT_READY:
	case OUT_ENDED:
		out_end(o, "unasked-reply");
		break;
	}
}

void
out_read(struct out *o)
{
	while (o->bev != NULL) {
		struct evbuffer *in = bufferevent_get_input(o->bev);
		enum smtp_reply_status status;
		struct evbuffer_iovec v;
		size_t used;

		if (evbuffer_peek(in, -1, NULL, &v, 1) < 1 || v.iov_len == 0)
			return;
		status =
		    smtp_reply_read(&o->reply, v.iov_base, v.iov_len, &used);
		evbuffer_drain(in, used);
		if (status == SMTP_REPLY_MORE)
			continue;
		if (status == SMTP_REPLY_BAD) {
			if (o->state < OUT_READY)
				out_next_host(
				    o, "451 4.5.0 Not a reply of SMTP");
			else
				out_end(o, "bad-reply");
			return;
		}
		take_reply(o);
		smtp_reply_clear(&o->reply);
	}
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	out_read(arg);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	struct out *o = arg;

	(void)bev;
	if (o->state == OUT_DATA)
		out_go_on_sending(o);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct out *o = arg;

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0 && o->state == OUT_TLS) {
		out_tls_done(o);
		return;
	}
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
		return;
	if (o->state == OUT_TLS) {
		out_tls_failed(o);
		return;
	}
	/* What it said before it went still counts. */
	out_read(o);
	if (o->bev == NULL)
		return;
	if (o->state < OUT_READY)
		out_next_host(o, "451 4.4.2 Connection closed in the greeting");
	else
		out_end(o, o->state == OUT_QUIT ? "quit" : "disconnect");
}

void
out_begin(struct out *o)
{
	if (o->state == OUT_DIAL && o->action->helo_src != NULL &&
	    o->url.path[0] == '\0') {
		o->state = OUT_NAME;
		out_ask_name(o);
		return;
	}
	if (o->url.tls == RELAY_TLS_IMPLICIT)
		out_tls_start(o);
	else
		out_await_banner(o);
}

void
out_await_banner(struct out *o)
{
	o->state = OUT_BANNER;
	out_patience(o, GREETING_TIME);
	out_listen(o);
}

void
out_listen(struct out *o)
{
	bufferevent_setcb(o->bev, on_read, on_written, on_event, o);
	bufferevent_setwatermark(o->bev, EV_READ, 0, INPUT_HIGH);
	bufferevent_enable(o->bev, EV_READ | EV_WRITE);
}
