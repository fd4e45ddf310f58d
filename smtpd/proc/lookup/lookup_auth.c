/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/conf/conf.h"
#include "smtpd/lookup/ruleset.h"
#include "smtpd/lookup/table.h"
#include "smtpd/proc/authmsg.h"
#include "smtpd/proc/proc.h"
#include "smtpd/proc/trace.h"

#include "smtpd/proc/lookup/lookup_auth.h"

/* For tables that can't show a hash of theirs: bcrypt, of cost 10. */
static const char some_hash[] = "$2b$10$abcdefghijklmnopqrstuu"
				"0123456789012345678901234567890";

struct auth_question {
	TAILQ_ENTRY(auth_question) entry;
	struct proc_peer from;
	uint32_t number; /* of its session */
	uint32_t id;     /* ours: never that of an earlier dispatcher's */
};

/* AUTHED: number u32, status u8. */
static void
tell(struct proc *p, struct proc_peer to, uint32_t number,
    enum auth_status status)
{
	struct buf b = { 0 };

	wire_put_u32(&b, number);
	buf_add_u8(&b, (uint8_t)status);
	proc_send(p, to.id, to.instance, MSG_AUTHED, &b, -1);
	buf_free(&b);
}

/* A text with its NUL, borrowed; NULL when there is none. */
static const char *
take(struct wire *w)
{
	const char *text = (const char *)w->p;
	const void *nul = w->left == 0 ? NULL : memchr(w->p, '\0', w->left);

	if (nul == NULL)
		return NULL;
	wire_bytes(w, (size_t)((const char *)nul - text) + 1);
	return text;
}

/* A dispatcher may ask of a table only what a listener says it may. */
static const struct conf_table *
find_table(const struct conf *c, const char *name, char kind)
{
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &c->listens, entry) {
		const struct conf_table *t = kind == 'a' ? l->auth_table :
		    kind == TABLE_ASK_SENDER             ? l->senders :
		    kind == TABLE_ASK_HOSTNAME           ? l->hostnames :
							   NULL;

		if (t != NULL && strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

/* "user:hash" or "hash". */
static const char *
hash_of(const char *value)
{
	const char *colon = strchr(value, ':');

	return colon == NULL ? value : colon + 1;
}

/* Ask a program that keeps passwords to itself; the kind, or -1. */
static int
ask_program(struct table *table, const char *user, const char *password,
    struct buf *hash)
{
	char *pair = xasprintf("%s:%s", user, password);
	struct err e;
	int rc = table_lookup(table, TABLE_AUTH, pair, NULL, &e);

	explicit_bzero(pair, strlen(pair));
	free(pair);
	buf_add(hash, some_hash, strlen(some_hash) + 1);
	if (rc == -1)
		log_warn("lookup: %s", e.msg);
	return rc == -1 ? -1 : rc == 1 ? AUTH_GRANTED : AUTH_UNKNOWN;
}

/* Whose hash, if anybody's; the kind, or -1 when the table fails. */
static int
find_hash(const struct conf *c, struct tables *t, const char *name,
    const char *user, const char *password, struct buf *hash)
{
	const struct conf_table *ct = find_table(c, name, 'a');
	struct table *table = ct == NULL ? NULL : tables_get(t, ct);
	struct buf value = { 0 };
	const char *text = some_hash, *other = NULL;
	struct err e;
	int rc = -1;

	if (name[0] == '\0') {
		buf_add_u8(hash, '\0');
		return AUTH_SYSTEM;
	}
	if (table != NULL && table_offers(table, TABLE_AUTH))
		return ask_program(table, user, password, hash);
	if (table != NULL)
		rc = table_lookup(table, TABLE_CREDENTIALS, user, &value, &e);
	else
		err_set(&e, ERR_NOT_FOUND, "no table %s for auth", name);
	if (rc == -1)
		log_warn("lookup: %s", e.msg);
	if (rc == 1)
		text = buf_str(&value);
	else if (rc == 0 && table_program(table) == NULL)
		other = table_fetch(table, TABLE_CREDENTIALS, &e);
	if (other != NULL)
		text = other;
	text = hash_of(text);
	buf_add(hash, text, strlen(text) + 1);
	buf_free(&value);
	return rc == -1 ? -1 : rc == 1 ? AUTH_HASH : AUTH_UNKNOWN;
}

static uint32_t
add_question(struct auth_questions *qs, struct proc_peer from, uint32_t number)
{
	struct auth_question *q = xcalloc(1, sizeof(*q));
	const struct auth_question *last = TAILQ_LAST(qs, auth_questions);

	q->from = from;
	q->number = number;
	q->id = last == NULL ? arc4random() : last->id + 1;
	TAILQ_INSERT_TAIL(qs, q, entry);
	return q->id;
}

static void
end_question(struct auth_questions *qs, struct auth_question *q)
{
	TAILQ_REMOVE(qs, q, entry);
	free(q);
}

void
lookup_auth(struct proc *p, struct auth_questions *qs, struct tables *t,
    struct proc_peer from, struct ipc_msg *m)
{
	struct buf b = { 0 }, hash = { 0 };
	const char *table, *user, *password, *source;
	struct wire w;
	uint32_t number;
	int kind;

	wire_init(&w, m->data, m->len);
	number = wire_u32(&w);
	table = take(&w);
	user = take(&w);
	password = take(&w);
	source = take(&w);
	if (source == NULL || !wire_done(&w)) {
		log_warn("lookup: an authentication that does not decode");
		return;
	}
	kind = find_hash(p->setup->conf, t, table, user, password, &hash);
	trace(TRACE_LOOKUP, "lookup: credentials of \"%s\" in table %s %s",
	    user, table[0] == '\0' ? "of the system" : table,
	    kind == -1               ? "failed" :
		kind == AUTH_UNKNOWN ? "not-found" :
				       "asked");
	if (kind == -1) {
		tell(p, from, number, AUTH_LATER);
	} else {
		/* All of it at once: no copy is left when it grows. */
		buf_reserve(&b, m->len + hash.len + 16);
		wire_put_u32(&b, add_question(qs, from, number));
		buf_add_u8(&b, (uint8_t)kind);
		buf_add(&b, user, strlen(user) + 1);
		buf_add(&b, password, strlen(password) + 1);
		buf_add(&b, hash.data, hash.len);
		buf_add(&b, source, strlen(source) + 1);
		if (!proc_send_secret(p, PROC_AUTH, 0, MSG_VERIFY, &b))
			lookup_auth_gone(p, qs);
		explicit_bzero(b.data, b.len);
	}
	buf_free(&b);
	buf_free(&hash);
}

void
lookup_verified(struct proc *p, struct auth_questions *qs, struct ipc_msg *m)
{
	struct auth_question *q;
	struct wire w;
	unsigned status;
	uint32_t id;

	wire_init(&w, m->data, m->len);
	id = wire_u32(&w);
	status = wire_u8(&w);
	if (!wire_done(&w) || status > AUTH_TOO_MANY)
		return;
	TAILQ_FOREACH(q, qs, entry) {
		if (q->id == id)
			break;
	}
	if (q == NULL)
		return;
	tell(p, q->from, q->number, status);
	end_question(qs, q);
}

void
lookup_auth_forget(struct auth_questions *qs, unsigned instance)
{
	struct auth_question *q, *next;

	for (q = TAILQ_FIRST(qs); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		if (q->from.instance == instance)
			end_question(qs, q);
	}
}

void
lookup_auth_gone(struct proc *p, struct auth_questions *qs)
{
	struct auth_question *q;

	while ((q = TAILQ_FIRST(qs)) != NULL) {
		tell(p, q->from, q->number, AUTH_LATER);
		end_question(qs, q);
	}
}

/* Whether one of the addresses, between commas, covers the sender. */
static bool
may_send(struct buf *list, const char *sender)
{
	char *copy = xstrdup(buf_str(list)), *rest = copy, *one;
	bool found = false;

	while (!found && (one = strsep(&rest, ",")) != NULL) {
		one += strspn(one, " \t");
		one[strcspn(one, " \t")] = '\0';
		found = one[0] != '\0' && table_match_mailaddr(one, sender);
	}
	free(copy);
	return found;
}

void
lookup_table_ask(
    struct proc *p, struct tables *t, struct proc_peer from, struct ipc_msg *m)
{
	const struct conf_table *ct;
	struct buf b = { 0 }, found = { 0 };
	const char *name, *key, *value;
	struct wire w;
	struct err e;
	uint32_t number;
	uint8_t kind;
	int rc = -1;

	wire_init(&w, m->data, m->len);
	number = wire_u32(&w);
	kind = wire_u8(&w);
	name = take(&w);
	key = take(&w);
	value = take(&w);
	if (value == NULL || !wire_done(&w)) {
		log_warn("lookup: a question of a table that does not decode");
		return;
	}
	ct = find_table(p->setup->conf, name, (char)kind);
	if (ct == NULL)
		err_set(&e, ERR_NOT_FOUND, "no table %s for that", name);
	else
		rc = table_lookup(tables_get(t, ct),
		    kind == TABLE_ASK_SENDER ? TABLE_MAILADDRMAP :
					       TABLE_ADDRNAME,
		    key, &found, &e);
	if (rc == -1)
		log_warn("lookup: %s", e.msg);
	if (rc == 1 && kind == TABLE_ASK_SENDER)
		rc = may_send(&found, value);
	wire_put_u32(&b, number);
	buf_add_u8(&b, kind);
	buf_add_u8(&b, rc == 1 ? TABLE_YES : rc == 0 ? TABLE_NO : TABLE_LATER);
	if (rc == 1 && kind == TABLE_ASK_HOSTNAME)
		buf_add(&b, found.data, found.len);
	proc_send(p, from.id, from.instance, MSG_TABLE_TOLD, &b, -1);
	buf_free(&found);
	buf_free(&b);
}
