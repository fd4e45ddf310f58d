/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conf: smtpd.conf as a checked tree.
 *
 * The parent reads the files once, into a bundle (conf/source.h); every
 * process parses the same bytes with the same parser, so no process can see
 * another configuration than the one that was checked.
 *
 * Ownership: the tree owns all that it points to; conf_free() releases it.
 * Errors:    conf_parse() puts "file:line:column: what was expected" in a
 *            text of one line a problem.
 * Source:    smtpd.conf(5).
 */
#ifndef SMTPD_CONF_CONF_H
#define SMTPD_CONF_CONF_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/filter/names.h"

#define CONF_NAME_MAX     64
#define CONF_WARN_MAX     4
#define CONF_LISTEN_PKIS  32
#define CONF_CHAIN_MAX    32
#define CONF_KEY_MIN      16 /* characters of a key of the queue */
#define CONF_KEY_STDIN    "stdin"
#define CONF_DEFAULT_PATH "/etc/mail/smtpd.conf"

/* What filters and table programs are told: whose language we speak. */
#define CONF_SPOKEN_VERSION "7.8.0-maison"

struct buf;
struct conf_source;

struct conf_pos {
	const char *file; /* borrowed from the tree's file names */
	int line, column;
};

enum conf_table_kind {
	CONF_TABLE_STATIC,
	CONF_TABLE_FILE,
	CONF_TABLE_DB,
	CONF_TABLE_PROC
};

struct conf_pair {
	char *key;
	char *value; /* NULL in a list */
};

struct conf_table {
	TAILQ_ENTRY(conf_table) entry;
	struct conf_pos pos;
	char *name; /* "<anonymous:3>" for one written in place */
	enum conf_table_kind kind;
	char *type;                /* the word before the colon */
	char *path;                /* for all but static tables */
	struct conf_proc *program; /* that keeps it, or NULL */
	struct conf_pair *pairs;
	size_t n_pairs;
	bool mapping;
	bool builtin;
};

struct conf_pki {
	TAILQ_ENTRY(conf_pki) entry;
	struct conf_pos pos;
	char *name, *cert, *key, *dhe;
};

struct conf_ca {
	TAILQ_ENTRY(conf_ca) entry;
	char *name, *cert;
};

struct conf_wrapper {
	TAILQ_ENTRY(conf_wrapper) entry;
	char *name, *command;
};

/* A filter program; of "proc", or of a filter's own "proc-exec". */
struct conf_proc {
	TAILQ_ENTRY(conf_proc) entry;
	struct conf_pos pos;
	char *name, *command;
	char *user, *group, *chroot; /* NULL: smtpd's own, none */
};

enum conf_filter_kind {
	CONF_FILTER_RULE,
	CONF_FILTER_PROC,
	CONF_FILTER_CHAIN
};

enum conf_filter_test {
	CONF_FILTER_FCRDNS,
	CONF_FILTER_RDNS,
	CONF_FILTER_SRC,
	CONF_FILTER_HELO,
	CONF_FILTER_AUTH,
	CONF_FILTER_MAIL_FROM,
	CONF_FILTER_RCPT_TO
};

enum conf_filter_decision {
	CONF_FILTER_BYPASS,
	CONF_FILTER_DISCONNECT,
	CONF_FILTER_JUNK,
	CONF_FILTER_REJECT,
	CONF_FILTER_SAY, /* "report" */
	CONF_FILTER_REWRITE
};

struct conf_filter {
	TAILQ_ENTRY(conf_filter) entry;
	struct conf_pos pos;
	char *name;
	enum conf_filter_kind kind;
	const struct conf_proc *proc;
	/* what a chain is made of; any other filter is made of itself */
	const struct conf_filter *members[CONF_CHAIN_MAX];
	size_t n_members;
	/* a rule */
	enum filter_phase phase;
	enum conf_filter_test test;
	bool negate, regex;
	const struct conf_table *table; /* NULL: whether there is any */
	enum conf_filter_decision decision;
	char *text;
};

enum conf_tls {
	CONF_TLS_NONE,
	CONF_TLS_OFFER,
	CONF_TLS_REQUIRE,
	CONF_TLS_IMPLICIT
};
enum conf_auth {
	CONF_AUTH_NONE,
	CONF_AUTH_OFFER,
	CONF_AUTH_REQUIRE
};

struct conf_listen {
	TAILQ_ENTRY(conf_listen) entry;
	struct conf_pos pos;
	unsigned id; /* place in the file, from 1 */
	bool socket; /* the local socket of smtpctl and sendmail */
	char *where, *port;
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	enum conf_tls tls;
	bool tls_verify;
	const struct conf_pki *pkis[CONF_LISTEN_PKIS];
	size_t n_pkis;
	const struct conf_ca *ca;
	char *ciphers, *protocols;
	enum conf_auth auth;
	const struct conf_table *auth_table; /* NULL: the system's users */
	const struct conf_filter *filter;
	char *hostname;
	const struct conf_table *hostnames;
	char *tag;
	bool mask_src, received_auth, no_dsn, proxy, masquerade;
	const struct conf_table *senders;
	unsigned given; /* parser: which options this line has had */
};

enum conf_method {
	CONF_MBOX,
	CONF_MAILDIR,
	CONF_LMTP,
	CONF_MDA,
	CONF_EXPAND_ONLY,
	CONF_FORWARD_ONLY,
	CONF_RELAY
};

struct conf_action {
	TAILQ_ENTRY(conf_action) entry;
	struct conf_pos pos;
	char *name;
	enum conf_method method;
	char *target; /* maildir path, lmtp destination or mda command */
	bool junk, lmtp_rcpt_to;
	const struct conf_table *alias, *virt, *userbase;
	char *user;
	const struct conf_wrapper *wrapper;
	uint64_t ttl; /* seconds, 0: the queue's */
	/* relay */
	const struct conf_table *auth, *domain, *helo_src, *host, *src;
	bool backup, srs, tls, tls_no_verify;
	char *backup_mx, *ciphers, *protocols, *helo, *mail_from;
	const struct conf_filter *filter;
	const struct conf_ca *ca;
	const struct conf_pki *pki;
	unsigned given;
};

enum conf_test {
	CONF_TEST_TAG,
	CONF_TEST_FROM_ANY,
	CONF_TEST_FROM_LOCAL,
	CONF_TEST_FROM_SOCKET,
	CONF_TEST_FROM_SRC,
	CONF_TEST_FROM_RDNS,
	CONF_TEST_FROM_AUTH,
	CONF_TEST_FROM_MAIL_FROM,
	CONF_TEST_FOR_ANY,
	CONF_TEST_FOR_LOCAL,
	CONF_TEST_FOR_DOMAIN,
	CONF_TEST_FOR_RCPT_TO,
	CONF_TEST_HELO,
	CONF_TEST_AUTH,
	CONF_TEST_TLS,
	CONF_TEST_MAIL_FROM,
	CONF_TEST_RCPT_TO,
	CONF_TEST_COUNT
};

struct conf_criterion {
	bool present, negate, regex;
	const struct conf_table *table; /* NULL where none is needed */
};

struct conf_match {
	TAILQ_ENTRY(conf_match) entry;
	struct conf_pos pos;
	struct conf_criterion tests[CONF_TEST_COUNT];
	bool from_given, for_given;
	const struct conf_action *action; /* NULL: reject */
};

struct conf_limits {
	uint64_t max_mails, max_rcpt;
	uint64_t max_sessions, max_sessions_per_source;
	uint64_t mta_max_deferred;
	uint64_t mda_max_session, mda_max_session_per_user;
	uint64_t scheduler_max_inflight, scheduler_max_schedule;
};

/* What connections to other hosts are counted by. */
enum conf_conn {
	CONF_CONN_HOST,      /* an address of theirs */
	CONF_CONN_ROUTE,     /* an address of ours and one of theirs */
	CONF_CONN_SOURCE,    /* an address of ours */
	CONF_CONN_CONNECTOR, /* a relay and an address of ours */
	CONF_CONN_RELAY,     /* an action and a domain */
	CONF_CONN_DOMAIN,
	CONF_CONNS
};

/* The limits of relaying to one domain, or to all that have no own. */
struct conf_mta_limits {
	TAILQ_ENTRY(conf_mta_limits) entry;
	char *domain; /* NULL: the default */
	int family;   /* of addresses to connect to, or AF_UNSPEC */
	uint64_t max_conn[CONF_CONNS];
	uint64_t delay[CONF_CONNS];   /* seconds from one to the next */
	uint64_t reconnect_delay;     /* seconds from an end to the next */
	uint64_t mails, max_failures; /* of a session */
	uint64_t keepalive, transaction_delay; /* seconds */
};

/* A feature that the grammar knows and this program lacks. */
struct conf_lack {
	struct conf_pos pos;
	const char *what; /* a literal */
};

struct conf {
	TAILQ_HEAD(, conf_table) tables;
	TAILQ_HEAD(, conf_pki) pkis;
	TAILQ_HEAD(, conf_ca) cas;
	TAILQ_HEAD(, conf_wrapper) wrappers;
	TAILQ_HEAD(, conf_listen) listens;
	TAILQ_HEAD(, conf_action) actions;
	TAILQ_HEAD(, conf_match) matches;
	TAILQ_HEAD(, conf_proc) procs;
	TAILQ_HEAD(, conf_filter) filters;
	char **files;
	size_t n_files;
	struct conf_lack *lacks;
	size_t n_lacks;
	unsigned n_anonymous, n_listens;
	char *admd;
	uint64_t warn_at[CONF_WARN_MAX]; /* seconds; 0 ends the list */
	bool compression;
	char *encryption; /* NULL: none; else see conf_key_elsewhere() */
	uint64_t ttl;     /* seconds */
	uint64_t reserve; /* bytes of the disk that mail from outside leaves */
	char *smtp_ciphers;
	uint64_t max_message_size;
	char sub_addr_delim;
	char *srs_key, *srs_key_backup;
	uint64_t srs_ttl;
	struct conf_limits limits;
	struct conf_mta_limits mta;
	TAILQ_HEAD(, conf_mta_limits) mta_domains;
};

/*
 * Parse the file path out of source; macros are "name=value" texts, from -D.
 * NULL when there was any problem: problems then holds a line for each.
 */
struct conf *conf_parse(struct conf_source *source, const char *path,
    const char *const *macros, size_t n_macros, struct buf *problems);

/* Release c.  NULL is allowed. */
void conf_free(struct conf *c);

/* Whether encryption says where the queue's key comes from (CONF_KEY_STDIN, or
 * "": it is asked for), and is not the key. */
bool conf_key_elsewhere(const struct conf *c);

/* Whether t has passwords: of listeners, or for other hosts. */
bool conf_is_secret(const struct conf *c, const struct conf_table *t);

/* By name; NULL when there is none. */
struct conf_table *conf_find_table(const struct conf *c, const char *name);
struct conf_pki *conf_find_pki(const struct conf *c, const char *name);
struct conf_ca *conf_find_ca(const struct conf *c, const char *name);
struct conf_action *conf_find_action(const struct conf *c, const char *name);
struct conf_wrapper *conf_find_wrapper(const struct conf *c, const char *name);
struct conf_proc *conf_find_proc(const struct conf *c, const char *name);
struct conf_filter *conf_find_filter(const struct conf *c, const char *name);

/* Those for a domain, or for the host of that name. */
const struct conf_mta_limits *conf_find_mta_limits(
    const struct conf *c, const char *domain);

/* The words of smtpd.conf for a method, a test. */
const char *conf_method_name(enum conf_method m);
const char *conf_test_name(enum conf_test t);

/*
 * All of it in the words of smtpd.conf: what it parses to is this tree, but
 * for secrets (passwords, their hashes, keys), which are "***".
 */
void conf_print(const struct conf *c, struct buf *out);

/* One rule in the words of smtpd.conf, for smtpctl. */
void conf_print_match(const struct conf_match *m, struct buf *out);

#endif
