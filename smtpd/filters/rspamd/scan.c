/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/filters/http/http.h"
#include "smtpd/filters/libfilter/filter.h"
#include "smtpd/filters/rspamd/edit.h"
#include "smtpd/filters/rspamd/scan.h"
#include "smtpd/filters/rspamd/spool.h"
#include "smtpd/filters/rspamd/verdict.h"

#define CHUNK_LEN 65536
#define UNKNOWN   "<unknown>"

/* What rspamd is told about the session and the transaction. */
enum fact {
	FACT_IP,
	FACT_HOSTNAME,
	FACT_HELO,
	FACT_MTA_NAME,
	FACT_USER,
	FACT_TLS_VERSION,
	FACT_TLS_CIPHER,
	FACT_QUEUE_ID,
	FACT_FROM,
	FACTS,
};
#define FACT_TX FACT_QUEUE_ID /* from here on, of the transaction */

static const char *const fact_headers[FACTS] = {
	[FACT_IP] = "Ip",
	[FACT_HOSTNAME] = "Hostname",
	[FACT_HELO] = "Helo",
	[FACT_MTA_NAME] = "MTA-Name",
	[FACT_USER] = "User",
	[FACT_TLS_VERSION] = "TLS-Version",
	[FACT_TLS_CIPHER] = "TLS-Cipher",
	[FACT_QUEUE_ID] = "Queue-Id",
	[FACT_FROM] = "From",
};

struct scan {
	TAILQ_ENTRY(scan) entry; /* of env->giving, while giving */
	struct scan_env *env;
	uint64_t session;
	char *fact[FACTS];
	char **rcpt;
	size_t n_rcpt;

	struct spool spool;
	bool damaged; /* the spool failed: what is in it is not all */
	struct filter_token token;
	struct http_request *request;
	enum scan_result result;
	struct verdict verdict;

	struct edit *edit;
	bool giving;
	uint64_t given_at; /* offset in the spool */
	struct buf carry;  /* the spool's bytes that made no line yet */
};

void
scan_env_init(struct scan_env *env, struct filter *f, const char *settings,
    const char *spool)
{
	env->filter = f;
	env->settings = settings;
	env->spool = spool;
	TAILQ_INIT(&env->giving);
}

struct scan *
scan_new(struct scan_env *env, uint64_t session)
{
	struct scan *s = xcalloc(1, sizeof(*s));

	s->env = env;
	s->session = session;
	s->spool.dir = env->spool;
	s->spool.fd = -1;
	s->result = SCAN_DAMAGED;
	return s;
}

static void
set_fact(struct scan *s, enum fact which, const char *value, size_t len)
{
	free(s->fact[which]);
	s->fact[which] = len == 0 ? NULL : xstrndup(value, len);
}

/* Forget the message, not the transaction. */
static void
drop_message(struct scan *s)
{
	if (s->giving)
		TAILQ_REMOVE(&s->env->giving, s, entry);
	s->giving = false;
	http_request_free(s->request);
	s->request = NULL;
	edit_free(s->edit);
	s->edit = NULL;
	spool_clear(&s->spool);
	buf_free(&s->carry);
	s->given_at = 0;
}

static void
drop_transaction(struct scan *s)
{
	drop_message(s);
	verdict_clear(&s->verdict);
	s->result = SCAN_DAMAGED;
	s->damaged = false;
	for (int i = FACT_TX; i < FACTS; i++)
		set_fact(s, (enum fact)i, NULL, 0);
	for (size_t i = 0; i < s->n_rcpt; i++)
		free(s->rcpt[i]);
	free(s->rcpt);
	s->rcpt = NULL;
	s->n_rcpt = 0;
}

void
scan_free(struct scan *s)
{
	if (s == NULL)
		return;
	drop_transaction(s);
	for (int i = 0; i < FACTS; i++)
		set_fact(s, (enum fact)i, NULL, 0);
	free(s);
}

/* "1.2.3.4:25", "[::1]:25"; who comes by a UNIX socket is of this machine. */
static void
set_source(struct scan *s, const char *source)
{
	const char *colon = strrchr(source, ':');

	if (strncmp(source, "unix:", 5) == 0 || strcmp(source, "local") == 0)
		set_fact(s, FACT_IP, "127.0.0.1", strlen("127.0.0.1"));
	else if (source[0] == '[')
		set_fact(s, FACT_IP, source + 1, strcspn(source + 1, "]"));
	else
		set_fact(s, FACT_IP, source,
		    colon == NULL ? strlen(source) : (size_t)(colon - source));
}

/* VERSION:CIPHER:BITS */
static void
set_tls(struct scan *s, const char *text)
{
	size_t version = strcspn(text, ":");

	set_fact(s, FACT_TLS_VERSION, text, version);
	if (text[version] == ':') {
		text += version + 1;
		set_fact(s, FACT_TLS_CIPHER, text, strcspn(text, ":"));
	}
}

static void
add_rcpt(struct scan *s, const char *address)
{
	s->rcpt = xreallocarray(s->rcpt, s->n_rcpt + 1, sizeof(*s->rcpt));
	s->rcpt[s->n_rcpt++] = xstrdup(address);
}

void
scan_report(struct scan *s, const struct filter_line *l)
{
	const char *event = l->event, *const *f = l->field;

	if (strcmp(event, "link-connect") == 0) {
		if (strcmp(f[0], UNKNOWN) != 0)
			set_fact(s, FACT_HOSTNAME, f[0], strlen(f[0]));
		set_source(s, f[2]);
	} else if (strcmp(event, "link-greeting") == 0) {
		set_fact(s, FACT_MTA_NAME, f[0], strlen(f[0]));
	} else if (strcmp(event, "link-identify") == 0) {
		set_fact(s, FACT_HELO, f[1], strlen(f[1]));
	} else if (strcmp(event, "link-tls") == 0) {
		set_tls(s, f[0]);
	} else if (strcmp(event, "link-auth") == 0) {
		set_fact(s, FACT_USER, f[1],
		    strcmp(f[0], "pass") == 0 ? strlen(f[1]) : 0);
	} else if (strcmp(event, "tx-reset") == 0) {
		drop_transaction(s);
	} else if (strcmp(event, "tx-begin") == 0) {
		drop_transaction(s);
		set_fact(s, FACT_QUEUE_ID, f[0], strlen(f[0]));
	} else if (strcmp(event, "tx-mail") == 0) {
		if (strcmp(f[1], "ok") == 0)
			set_fact(s, FACT_FROM, f[2], strlen(f[2]));
	} else if (strcmp(event, "tx-rcpt") == 0) {
		if (strcmp(f[1], "ok") == 0)
			add_rcpt(s, f[2]);
	}
}

/* Give a line back, its dot stuffed. */
static void
give_line(struct scan *s, const char *line)
{
	struct buf stuffed = { 0 };

	if (line[0] == '.') {
		buf_printf(&stuffed, ".%s", line);
		line = buf_str(&stuffed);
	}
	filter_dataline(s->env->filter, &s->token, line);
	buf_free(&stuffed);
}

/* More of the spool into carry; false at its end, or when it fails. */
static bool
fill_carry(struct scan *s)
{
	struct err e = { 0 };
	size_t got;

	if (spool_read(&s->spool, s->given_at,
		buf_reserve(&s->carry, CHUNK_LEN), CHUNK_LEN, &got, &e) == -1) {
		log_error("a message is refused: %s", e.msg);
		s->damaged = true;
		return false;
	}
	s->carry.len += got;
	s->given_at += got;
	return got > 0;
}

/* Hand each whole line of carry to take, until it says no. */
static bool
cut_lines(struct scan *s, bool (*take)(struct scan *s, const char *line))
{
	size_t done = 0;
	bool more = true;

	while (more && done < s->carry.len) {
		char *line = (char *)s->carry.data + done;
		char *lf = memchr(line, '\n', s->carry.len - done);

		if (lf == NULL)
			break;
		*lf = '\0';
		done += (size_t)(lf - line) + 1;
		more = take(s, line);
	}
	buf_consume(&s->carry, done);
	return more;
}

static bool
take_line(struct scan *s, const char *line)
{
	if (s->edit == NULL || edit_keeps(s->edit, line))
		give_line(s, line);
	return !filter_is_full(s->env->filter);
}

static bool
count_line(struct scan *s, const char *line)
{
	return edit_count(s->edit, line);
}

/* Give lines back until smtpd has enough of them, or they end. */
static void
give_some(struct scan *s)
{
	while (cut_lines(s, take_line))
		if (!fill_carry(s))
			break;
	if (filter_is_full(s->env->filter)) {
		if (!s->giving)
			TAILQ_INSERT_TAIL(&s->env->giving, s, entry);
		s->giving = true;
		return;
	}
	filter_dataline(s->env->filter, &s->token, ".");
	if (s->damaged)
		s->result = SCAN_DAMAGED;
	drop_message(s);
}

void
scan_drain(struct scan_env *env)
{
	struct scan *s;

	while (!filter_is_full(env->filter) &&
	    (s = TAILQ_FIRST(&env->giving)) != NULL) {
		TAILQ_REMOVE(&env->giving, s, entry);
		s->giving = false;
		give_some(s);
	}
}

/* Put the verdict's headers first, and see what is to be taken out. */
static void
apply_verdict(struct scan *s)
{
	const char *headers = buf_str(&s->verdict.headers);

	for (; *headers != '\0'; headers += strcspn(headers, "\n") + 1) {
		char *line = xstrndup(headers, strcspn(headers, "\n"));

		give_line(s, line);
		free(line);
	}
	if (s->verdict.n_remove == 0)
		return;
	s->edit = edit_new(&s->verdict);
	if (!edit_wants_count(s->edit))
		return;
	while (cut_lines(s, count_line))
		if (!fill_carry(s))
			break;
	buf_reset(&s->carry);
	s->given_at = 0;
}

static void
on_done(void *arg, const char *body, size_t len, const char *problem)
{
	struct scan *s = arg;
	struct err e = { 0 };

	s->result = SCAN_UNJUDGED;
	if (problem != NULL)
		log_warn("rspamd: %s", problem);
	else if (verdict_parse(body, len, &s->verdict, &e) == -1)
		log_warn("rspamd: %s", e.msg);
	else
		s->result = SCAN_JUDGED;
	http_request_free(s->request);
	s->request = NULL;
	/* What is refused needs no headers. */
	if (s->result == SCAN_JUDGED && s->verdict.reply == NULL)
		apply_verdict(s);
	give_some(s);
}

static int
on_read(void *arg, uint64_t offset, char *out, size_t len, size_t *got)
{
	struct scan *s = arg;
	struct err e = { 0 };

	if (spool_read(&s->spool, offset, out, len, got, &e) == 0)
		return 0;
	log_error("a message is not sent to rspamd: %s", e.msg);
	return -1;
}

static void
add_facts(const struct scan *s)
{
	http_request_header(s->request, "Content-Type", "message/rfc822");
	http_request_header(s->request, "Pass", "All");
	for (int i = 0; i < FACTS; i++)
		if (s->fact[i] != NULL)
			http_request_header(
			    s->request, fact_headers[i], s->fact[i]);
	if (s->fact[FACT_FROM] == NULL)
		http_request_header(s->request, "From", "<>");
	for (size_t i = 0; i < s->n_rcpt; i++)
		http_request_header(s->request, "Rcpt", s->rcpt[i]);
	if (s->env->settings != NULL)
		http_request_header(
		    s->request, "Settings-ID", s->env->settings);
}

/* The message is whole. */
static void
send_message(struct scan *s)
{
	static const struct http_ops ops = { .read = on_read, .done = on_done };
	struct err e = { 0 };

	if (s->damaged) {
		give_some(s);
		return;
	}
	s->request = http_request_new(s->env->http, &ops, s);
	add_facts(s);
	if (http_request_send(s->request, spool_len(&s->spool), &e) == -1)
		on_done(s, NULL, 0, e.msg);
}

void
scan_data_line(struct scan *s, const struct filter_line *l)
{
	const char *line = l->field[0];
	struct err e = { 0 };

	if (s->request != NULL || s->giving)
		return; /* smtpd speaks after the end: nobody's line */
	s->token = l->token;
	if (strcmp(line, ".") == 0) {
		send_message(s);
		return;
	}
	if (line[0] == '.')
		line++;
	if (!s->damaged && spool_add_line(&s->spool, line, &e) == -1) {
		log_error("a message is refused: %s", e.msg);
		s->damaged = true;
		spool_clear(&s->spool);
	}
}

enum scan_result
scan_result(const struct scan *s, const char **reply)
{
	*reply = s->verdict.reply;
	return s->result;
}
