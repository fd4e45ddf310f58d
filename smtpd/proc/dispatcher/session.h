/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * session: one SMTP client, from the banner to the last reply.
 *
 * The session parses and remembers; policy is the lookup's, storage the
 * queue's.  While one of them is asked, nothing more is read.  Any bytes get
 * a reply or a close, and nothing else.
 *
 * Source: RFC 5321, 1870, 2034, 2920, 3030, 3461, 6152, 6531.
 */
#ifndef SMTPD_PROC_DISPATCHER_SESSION_H
#define SMTPD_PROC_DISPATCHER_SESSION_H

#include <bsd/sys/tree.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/buf.h"

#include "smtpd/conf/conf.h"
#include "smtpd/dns/dns.h"
#include "smtpd/proc/dispatcher/session_filter.h"
#include "smtpd/proc/sources.h"
#include "smtpd/queue/envelope.h"
#include "smtpd/smtp/command.h"
#include "smtpd/smtp/data.h"
#include "smtpd/tls/tls.h"

struct ask;
struct bufferevent;
struct certs;
struct dispatcher;
struct sasl;

enum session_state {
	SESSION_COMMAND,
	SESSION_AUTH, /* a line of an exchange comes next */
	SESSION_DATA,
	SESSION_CHUNK
};

/* What the session waits for. */
enum session_wait {
	SESSION_GO,
	SESSION_WAIT_PROXY, /* its header comes first */
	SESSION_WAIT_RCPT,
	SESSION_WAIT_FILE,
	SESSION_WAIT_COMMIT,
	SESSION_WAIT_MSGID,
	SESSION_WAIT_TLS,
	SESSION_WAIT_AUTH,
	SESSION_WAIT_TABLE,
	SESSION_WAIT_RDNS,
	SESSION_WAIT_FILTER, /* a phase is being decided */
	SESSION_WAIT_CREDIT, /* the filters have much to read */
	SESSION_WAIT_STREAM  /* the filters have all of the message */
};

struct session {
	RB_ENTRY(session) entry;
	uint32_t number; /* of requests about it */
	uint64_t id;     /* in the log */
	struct dispatcher *dispatcher;
	struct setup *setup;              /* the configuration it began with */
	const struct conf_listen *listen; /* NULL: the local socket, unlisted */
	struct bufferevent *bev;
	struct event *proxy; /* a header is waited for; or NULL */
	struct event *clock; /* the client's time: see session_clock() */
	bool waited;         /* for others, until now */
	size_t paced;        /* bytes of a message since the clock was set */
	struct certs *certs;
	bool local, ending;
	const char *reason;          /* of the end; NULL: the client wants it */
	char offline[64];            /* the file that this hands in; or "" */
	bool shaking;                /* hands, by TLS */
	bool verified;               /* by a client's certificate */
	char tls[TLS_TEXT_LEN];      /* "": in the clear */
	char source[64];             /* address, or "local" */
	char rdns[DNS_NAME_MAX + 1]; /* "<unknown>" when it has none */
	enum dns_status fcrdns; /* DNS_OK: it leads back; LATER: not known */
	struct sources_seat seat;
	struct ask *ask;
	/* "1.2.3.4:25", "[::1]:25", "unix:/path": for reports */
	char source_text[128], dest_text[128];
	char user[ADDRESS_TEXT_LEN]; /* that it authenticated as, or "" */
	struct session_filter filter;
	enum session_state state;
	enum session_wait wait;
	bool extended; /* EHLO */
	char helo[ADDRESS_DOMAIN_MAX + 1];
	unsigned bad_commands, mails, auth_failures;
	struct sasl *sasl; /* while AUTH goes on; or NULL */
	char *name;        /* ours, of the table of host names; or NULL */
	/* the transaction */
	bool in_mail;
	uint32_t msgid;
	bool committed;
	struct smtp_mail mail;
	char mail_text[ADDRESS_TEXT_LEN];
	char *mail_arg; /* of the MAIL that is being filtered, or of RCPT */
	struct smtp_rcpt rcpt; /* the one that is being looked up */
	unsigned n_rcpts, n_envelopes;
	char only_rcpt[ADDRESS_TEXT_LEN]; /* for the Received field */
	/* the message */
	struct smtp_data data;
	uint64_t chunk_left;
	bool chunk_last, chunk_refused, in_chunks;
	char chunk_reply[512]; /* of a filter that refused it */
	struct buf submitted;  /* a header to be completed, until whole */
	bool completed;
	struct buf decoded; /* the header, until it is whole */
	struct buf message;
	bool header_done, loop, bad_header;
	bool no_room; /* it can't be stored: the rest is only read */
	int file;     /* -1 while the message is in memory */
	uint64_t file_len;
};

/* Where a connection comes from. */
struct session_origin {
	const struct conf_listen *listen; /* NULL: the local socket, unlisted */
	const struct sockaddr *sa;        /* NULL: the local socket */
	struct sources_seat seat;
	const char *offline; /* the file that it hands in; or NULL */
};

/* Take a connection. */
void session_new(struct dispatcher *d, evutil_socket_t fd,
    const struct session_origin *from);
void session_free(struct session *s);

/* 421, and close when that is sent. */
void session_shutdown(struct session *s);

/* Answers of other processes. */
void session_expanded(
    struct session *s, uint32_t first, uint32_t n_envelopes, const char *reply);
void session_got_msgids(struct session *s);
void session_got_file(struct session *s, int fd);
void session_committed(struct session *s, bool ok);
void session_lost_peer(struct session *s, bool lookup);

/* session.c, for the others */
void session_attach(struct session *s, struct bufferevent *bev);
void session_set_source(struct session *s, const struct sockaddr *sa);
/* The source is known: TLS, or the client's name and the banner. */
void session_open(struct session *s);
/* One line of a reply, without its end. */
void session_say(struct session *s, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* The same; a refusal is logged. */
void session_reply(struct session *s, const char *line);
/* What we are called, to this client. */
const char *session_hostname(const struct session *s);
/* Say it, and close when it has been read. */
void session_say_last(struct session *s, const char *line);
void session_run(struct session *s);
/*
 * From now the client has a session's time, and most seconds at most, to be
 * done with what it does: a command, some more of a message, a handshake,
 * reading a reply.  A byte now and then wins it nothing; our own time doesn't
 * count.
 */
void session_clock(struct session *s, unsigned most);
void session_end_transaction(struct session *s, bool rollback);
void session_fail(struct session *s, const char *reason);

/* Its name when that leads back to it, else "<unknown>". */
const char *session_host(const struct session *s);

/* session_command.c: one line, without its end */
void session_command(struct session *s, const char *line);

/* session_report.c: the ends of the connection (src NULL: the local socket;
 * dst NULL: its own), and what happens in a session. */
void session_set_ends(
    struct session *s, const struct sockaddr *src, const struct sockaddr *dst);
void session_report_command(struct session *s, const char *line);
/* tx-mail and tx-rcpt */
void session_report_address(struct session *s, enum filter_event event,
    const char *result, const struct address *a);
void session_report_envelopes(struct session *s, uint32_t first, uint32_t n);
void session_report_refused(
    struct session *s, enum filter_phase phase, const char *reply);
void session_report_end(struct session *s);

/* MAIL is fine: a message begins. */
void session_begin_transaction(struct session *s);
/* Our own name is known: the client's, and the banner. */
void session_identify(struct session *s);

/* session_auth.c */
bool session_offers_auth(const struct session *s);
bool session_lacks_auth(const struct session *s);
void session_auth(struct session *s, const char *arg);
void session_auth_line(struct session *s, const char *line);
void session_authed(struct session *s, unsigned status);
void session_auth_free(struct session *s);
/* Begin the transaction, if the user may send as this sender. */
void session_check_sender(struct session *s);
/* Ask what we are called here; false when there is nothing to ask. */
bool session_ask_name(struct session *s);
void session_told(
    struct session *s, unsigned kind, unsigned status, const char *text);
void session_add_received_auth(const struct session *s, struct buf *out);

/* The reply to one session too many. */
#define SESSION_TOO_MANY "421 4.3.2 Too many connections"
#define SESSION_TOO_MANY_OF_SOURCE                                             \
	"421 4.7.0 Too many connections from your address"

/* session_proxy.c */
void session_await_proxy(struct session *s);

/* session_tls.c; STARTTLS only replies: TLS begins when that is written */
bool session_offers_tls(const struct session *s);
void session_starttls(struct session *s, const char *arg);
void session_begin_tls(struct session *s);
void session_tls_done(struct session *s);
void session_tls_failed(struct session *s);
void session_end_tls(struct session *s);

/* session_data.c */
void session_filtered_data(struct session *s, const void *data, size_t len);
void session_begin_data(struct session *s);
bool session_begin_chunk(struct session *s, const char *arg);
/* Use input; false when more is needed. */
bool session_read_data(struct session *s);
bool session_read_chunk(struct session *s);

#endif
