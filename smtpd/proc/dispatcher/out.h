/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * out: one SMTP session to another host, from asking where it is to QUIT.
 *
 * The host's hosts are tried in the order of DNS until one greets us and
 * knows us; then tasks of the relay are carried one after another.
 *
 * A session is never freed by what is called on it: it is ended, and freed
 * from the event loop.
 *
 * Source: RFC 5321, 2033 (LMTP), 2920, 3461.
 */
#ifndef SMTPD_PROC_DISPATCHER_OUT_H
#define SMTPD_PROC_DISPATCHER_OUT_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"

#include "smtpd/dns/dns.h"
#include "smtpd/proc/dispatcher/relay.h"
#include "smtpd/proc/dispatcher/report.h"
#include "smtpd/smtp/dot.h"
#include "smtpd/smtp/relayurl.h"
#include "smtpd/smtp/reply.h"

#define OUT_REMOTE_MAX (DNS_NAME_MAX + ROUTE_ADDRESS_MAX + 8)
#define OUT_LINE_MAX   SMTP_REPLY_TEXT

struct ask;
struct bufferevent;
struct certs;
struct conf_action;
struct dial;
struct event;
struct setup;

enum out_state {
	OUT_WAY,     /* the lookup is asked */
	OUT_RESOLVE, /* the resolver is asked */
	OUT_DIAL,
	OUT_NAME, /* the lookup is asked who we are from here */
	OUT_TLS,  /* the handshake */
	OUT_BANNER,
	OUT_EHLO,
	OUT_HELO,
	OUT_STARTTLS,
	OUT_AUTH,
	OUT_READY, /* no task */
	OUT_STEPS, /* MAIL, RCPT, DATA */
	OUT_DATA,  /* the message goes out */
	OUT_END,   /* and has gone out */
	OUT_RSET,
	OUT_QUIT,
	OUT_ENDED
};

struct out {
	TAILQ_ENTRY(out) entry;
	struct dispatcher *dispatcher;
	struct relay *relay;
	struct setup *setup; /* the configuration it began with */
	struct certs *certs;
	const struct conf_action *action;
	uint64_t id; /* in the log */
	enum out_state state;
	bool opening, connected, stopping;
	bool in_tls, no_tls, authenticated;
	unsigned auth_lines;
	char *user, *password; /* NULL: none */
	struct event *timer, *reaper;
	/* the way */
	uint32_t way_request; /* 0: none */
	struct relay_url url; /* host "": by MX */
	struct dns_address source;
	bool bound; /* source is set */
	char helo[ADDRESS_DOMAIN_MAX + 1];
	struct ask *ask;
	struct dns_host *hosts;
	size_t n_hosts, at_host;
	bool *tried;                /* hosts */
	bool saturated;             /* limits or delays stand against a host */
	char problem[OUT_LINE_MAX]; /* the last */
	bool permanent;
	/* the connection */
	struct dial *dial;
	struct dns_address dialled[DNS_ADDRESSES_MAX];
	size_t n_dialled;
	struct route *route;
	struct bufferevent *bev;
	struct smtp_reply reply;
	struct smtp_features features;
	unsigned mails, failures;
	uint64_t rested_at; /* ms: the end of the last transaction */
	bool resting;       /* until the next may begin */
	/* the transaction */
	struct task *task;
	bool reported; /* to filters that it began */
	struct reporter reporter;
	size_t sent, answered; /* steps: MAIL, each RCPT, DATA */
	size_t n_accepted, n_ended;
	bool accepted[RELAY_RCPTS];
	bool mail_refused, any_reply;
	bool has_body, want_body;
	struct buf body;
	int body_fd; /* -1: none */
	struct smtp_dot dot;
};

/* Begin one; it is counted as opening. */
void out_new(struct relay *r);

/* There are tasks: take one, if it waits for that. */
void out_wake(struct out *o);

/* End as soon as what is being sent has an answer. */
void out_stop(struct out *o);

/* fd: -1, or a connection to the socket that the way leads to; taken. */
void out_way_found(struct out *o, const struct relay_way *w, int fd);
void out_got_body(struct out *o, bool ok, const void *data, size_t len, int fd);

/* "1.2.3.4" and "5.6.7.8 (mx.example.org)", for the log; or "". */
const char *out_source(const struct out *o);
const char *out_remote(const struct out *o);

/* out.c, for the others: the end, whatever the reason. */
void out_end(struct out *o, const char *reason);
/* This host is of no use: the next, or none of them. */
void out_next_host(struct out *o, const char *why);
/* Which of our names suits the connection's address; then out_begin(). */
void out_ask_name(struct out *o);
/* Restart the time limit of the step. */
void out_patience(struct out *o, unsigned seconds);

/* The same host once more, without TLS. */
void out_in_the_clear(struct out *o);

/* out_limit.c: whether that route may be used now (else o is saturated); o
 * begins to use its own; ms until the session's next transaction. */
bool out_may_connect(struct out *o, const struct route *r);
void out_connects(struct out *o);
uint64_t out_rest_ms(const struct out *o);

/* out_smtp.c: a connection is there.  A command; a reply has come. */
void out_begin(struct out *o);
void out_say(struct out *o, const char *fmt, ...) ATTR_PRINTF(2, 3);
void out_quit(struct out *o, const char *reason);
void out_read(struct out *o);
void out_listen(struct out *o);
void out_await_banner(struct out *o);
void out_say_ehlo(struct out *o);
/* Nothing is left to be said before mail. */
void out_get_ready(struct out *o);

/* out_tls.c */
void out_tls_start(struct out *o);
void out_tls_done(struct out *o);
void out_tls_failed(struct out *o);
bool out_tls_offer(struct out *o);
void out_starttls_reply(struct out *o);
bool out_auth_begin(struct out *o);
void out_auth_reply(struct out *o);

/* out_mail.c */
void out_take_task(struct out *o);
void out_step_reply(struct out *o);
void out_end_reply(struct out *o);
void out_rset_reply(struct out *o);
void out_go_on_sending(struct out *o);
/* The connection is gone: what was being sent has no answer. */
/* The sender that the host is told. */
const char *out_sender(const struct out *o, char text[ADDRESS_TEXT_LEN]);
void out_lose_task(struct out *o, const char *why);

/*
 * out_event.c: what happens in a session, in order, for the log (and for
 * whoever wants to be told).
 */
void out_event_connecting(const struct out *o);
void out_event_connected(struct out *o);
void out_event_tls(const struct out *o, const char *ciphers,
    const char *verdict, const char *fingerprint);
void out_event_auth(const struct out *o, bool passed);
void out_event_command(const struct out *o, const char *line);
void out_event_reply(const struct out *o);
void out_event_begin(struct out *o);
void out_event_rcpt(const struct out *o, size_t rcpt, enum relay_status status);
void out_event_end(struct out *o, bool accepted);
void out_event_disconnected(struct out *o, const char *reason);

/* out_report.c, for out_event.c: the same, for the filters */
void out_report_connected(struct out *o);
void out_report_command(const struct out *o, const char *line);
void out_report_reply(const struct out *o);
void out_report_begin(struct out *o);
void out_report_end(struct out *o, bool accepted);

#endif
