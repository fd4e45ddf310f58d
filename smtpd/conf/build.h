/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conf_build: what the grammar of smtpd.conf calls to make the tree.
 *
 * Each call adds to the tree or checks what was said; build_at() first tells
 * where, for the error message.  Texts are copied.  `what' is a keyword's
 * token of the grammar.
 */
#ifndef SMTPD_CONF_BUILD_H
#define SMTPD_CONF_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/conf/conf.h"

struct buf;
struct conf_lexer;

struct conf_builder {
	struct conf *conf;
	const struct conf_lexer *lexer;
	size_t next; /* token */
	struct buf *problems;
	struct conf_pos pos;
	bool failed;
	/* what is being built */
	struct conf_table *table;
	struct conf_pki *pki;
	struct conf_listen *listen;
	struct conf_action *action;
	struct conf_match *match;
	struct conf_proc *proc;
	struct conf_filter *filter;
	struct conf_limit *limits;
	size_t n_limits;
	struct conf_mta_limits *mta_limits; /* of the line */
};

struct conf_limit {
	struct conf_pos pos;
	const char *name, *value;
};

struct conf_builder *build_at(struct conf_builder *b, struct conf_pos pos);
void build_problem(struct conf_builder *b, const char *fmt, ...)
    ATTR_PRINTF(2, 3);
void build_syntax_error(
    struct conf_builder *b, const char *const *expected, size_t n, bool more);
void build_lack(struct conf_builder *b, const char *what);

uint64_t build_delay(struct conf_builder *b, const char *text);
uint64_t build_count(struct conf_builder *b, const char *text);
uint64_t build_size(struct conf_builder *b, const char *text);

void build_table(struct conf_builder *b, const char *name);
void build_anonymous(struct conf_builder *b);
void build_table_value(
    struct conf_builder *b, const char *key, const char *value);
struct conf_table *build_table_end(struct conf_builder *b);
void build_table_path(
    struct conf_builder *b, const char *name, const char *path);
struct conf_table *build_table_ref(struct conf_builder *b, const char *name);
void build_builtin_tables(struct conf_builder *b);

void build_admd(struct conf_builder *b, const char *id);
void build_warn_reset(struct conf_builder *b);
void build_warn(struct conf_builder *b, uint64_t delay);
void build_ca(struct conf_builder *b, const char *name, const char *cert);
void build_pki(struct conf_builder *b, const char *name);
void build_pki_set(struct conf_builder *b, int what, const char *value);
void build_wrapper(
    struct conf_builder *b, const char *name, const char *command);
void build_limit(struct conf_builder *b, const char *name, const char *value);
void build_limits(struct conf_builder *b, int what);
void build_mta_limits(struct conf_builder *b);
void build_mta_domain(struct conf_builder *b, const char *domain);
void build_mta_family(struct conf_builder *b, int what);
void build_max_deferred(struct conf_builder *b, const char *text);
void build_queue_compression(struct conf_builder *b);
/* A key, "stdin", "-", or "" for one that is asked for. */
void build_queue_key(struct conf_builder *b, const char *key);
/* "reserve" is a word here only, so that it may be a name elsewhere. */
void build_queue_size(struct conf_builder *b, const char *what, uint64_t size);
void build_queue_ttl(struct conf_builder *b, uint64_t ttl);
void build_smtp_ciphers(struct conf_builder *b, const char *ciphers);
void build_message_size(struct conf_builder *b, uint64_t size);
void build_delimiter(struct conf_builder *b, const char *text);
void build_srs_key(struct conf_builder *b, const char *key, bool backup);
void build_srs_ttl(struct conf_builder *b, uint64_t ttl);

void build_listen(struct conf_builder *b, const char *where);
void build_listen_family(struct conf_builder *b, int what);
void build_listen_text(struct conf_builder *b, int what, const char *text);
void build_listen_tls(struct conf_builder *b, int what, bool verify);
void build_listen_pki(struct conf_builder *b, const char *name);
void build_listen_ca(struct conf_builder *b, const char *name);
void build_listen_auth(
    struct conf_builder *b, int what, struct conf_table *table);
void build_listen_hostnames(struct conf_builder *b, struct conf_table *table);
void build_listen_senders(
    struct conf_builder *b, struct conf_table *table, bool masquerade);
void build_listen_flag(struct conf_builder *b, int what);
void build_listen_end(struct conf_builder *b);

void build_action(struct conf_builder *b, const char *name);
void build_method(
    struct conf_builder *b, enum conf_method method, const char *target);
void build_action_ttl(struct conf_builder *b, uint64_t ttl);
void build_action_flag(struct conf_builder *b, int what);
void build_action_text(struct conf_builder *b, int what, const char *text);
void build_action_table(
    struct conf_builder *b, int what, struct conf_table *table);
void build_action_wrapper(struct conf_builder *b, const char *name);
void build_action_ca(struct conf_builder *b, const char *name);
void build_action_pki(struct conf_builder *b, const char *name);
void build_action_end(struct conf_builder *b);

void build_match(struct conf_builder *b);
void build_test(struct conf_builder *b, enum conf_test test, bool negate,
    bool regex, struct conf_table *table);
void build_match_action(struct conf_builder *b, const char *name);

void build_proc(struct conf_builder *b, const char *name, const char *command);
void build_proc_option(struct conf_builder *b, int what, const char *value);
void build_filter(struct conf_builder *b, const char *name);
void build_filter_proc(struct conf_builder *b, const char *name);
void build_filter_exec(struct conf_builder *b, const char *command);
void build_filter_chain(struct conf_builder *b);
void build_filter_member(struct conf_builder *b, const char *name);
/* A phase whose name is no keyword: starttls, as OpenSMTPD's grammar lacks it. */
enum filter_phase build_filter_phase_word(
    struct conf_builder *b, const char *word);
void build_filter_phase(struct conf_builder *b, enum filter_phase phase);
void build_filter_test(struct conf_builder *b, enum conf_filter_test test,
    bool negate, bool regex, struct conf_table *table);
void build_filter_decision(struct conf_builder *b, int what, const char *text);
void build_filter_anonymous(struct conf_builder *b);
const struct conf_filter *build_filter_ref(
    struct conf_builder *b, const char *name);
void build_listen_filter(struct conf_builder *b, const struct conf_filter *f);
void build_action_filter(struct conf_builder *b, const struct conf_filter *f);

/* What can only be checked when all has been read. */
void build_end(struct conf_builder *b);

#endif
