/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <ctype.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/attr.h"
#include "lib/buf.h"
#include "lib/conv.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/conf/conf.h"
#include "smtpd/lookup/aliases.h"
#include "smtpd/lookup/ruleset.h"
#include "smtpd/lookup/table.h"
#include "smtpd/smtp/srs.h"

#include "smtpd/lookup/expand.h"

#define INCLUDE_MAX     (1 << 20)
#define ALIAS_USER_NAME "_smtpd" /* runs what an alias table names */

#define TEMPFAIL        "451 4.3.0 Temporary failure"
#define PROBLEM         "524 5.2.4 Mailing list expansion problem"

struct node {
	TAILQ_ENTRY(node) entry;
	enum alias_kind kind;
	struct address dest;
	char *text; /* user, path, command */
	const struct conf_action *action;
	unsigned depth, token;
	bool final;
	char *from_alias;        /* the user whose alias led here, or NULL */
	char *from_forward;      /* the user whose .forward led here, or NULL */
	struct expand_user user; /* while its .forward is awaited */
};

struct expand_state {
	TAILQ_HEAD(, node) todo, waiting;
	struct envelope *evs;
	size_t n;
	char reply[EXPAND_REPLY_MAX];
	unsigned next_token;
	bool running;
};

static void
free_node(struct node *n)
{
	free(n->text);
	free(n->from_alias);
	free(n->from_forward);
	free(n);
}

/* The first failure decides; a temporary one before a permanent one. */
static void ATTR_PRINTF(2, 3) fail(struct expansion *x, const char *fmt, ...)
{
	struct expand_state *st = x->state;
	char reply[EXPAND_REPLY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reply, sizeof(reply), fmt, ap);
	va_end(ap);
	if (st->reply[0] == '\0' || (st->reply[0] == '5' && reply[0] == '4'))
		memcpy(st->reply, reply, sizeof(reply));
}

static void ATTR_PRINTF(2, 3) trace(struct expansion *x, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	if (x->trace == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_printf(x->trace, "%s\n", line);
}

static char *
copy_or_null(const char *s)
{
	return s == NULL ? NULL : xstrdup(s);
}

static struct node *
add_node(struct expansion *x, enum alias_kind kind, const char *text,
    const struct node *parent)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	n->text = copy_or_null(text);
	if (parent != NULL) {
		n->depth = parent->depth + 1;
		n->action = parent->action;
		n->dest = parent->dest;
		n->from_alias = copy_or_null(parent->from_alias);
		n->from_forward = copy_or_null(parent->from_forward);
	}
	TAILQ_INSERT_TAIL(&x->state->todo, n, entry);
	return n;
}

/* Whether this very delivery is in the list already. */
static bool
is_duplicate(const struct expand_state *st, const struct envelope *ev)
{
	for (size_t i = 0; i < st->n; i++) {
		const struct envelope *o = &st->evs[i];

		if (o->type == ev->type &&
		    strcmp(envelope_text(o, ENVELOPE_ACTION),
			envelope_text(ev, ENVELOPE_ACTION)) == 0 &&
		    strcmp(envelope_text(o, ENVELOPE_MDA_USER),
			envelope_text(ev, ENVELOPE_MDA_USER)) == 0 &&
		    strcmp(envelope_text(o, ENVELOPE_MDA_EXEC),
			envelope_text(ev, ENVELOPE_MDA_EXEC)) == 0 &&
		    (ev->type == ENVELOPE_MDA ||
			address_equal(&o->dest, &ev->dest)))
			return true;
	}
	return false;
}

static void
emit(struct expansion *x, const struct node *n, enum envelope_type type,
    const char *user, const char *exec)
{
	struct expand_state *st = x->state;
	struct envelope ev;

	if (st->n == EXPAND_ENVELOPES) {
		fail(x, PROBLEM);
		return;
	}
	envelope_copy(x->base, &ev);
	ev.type = type;
	ev.dest = n->dest;
	ev.ttl = n->action->ttl != 0 ? n->action->ttl : x->conf->ttl;
	if (n->depth > 0)
		ev.flags |= ENVELOPE_INTERNAL;
	envelope_set_text(&ev, ENVELOPE_ACTION, n->action->name);
	envelope_set_text(&ev, ENVELOPE_MDA_USER, user);
	envelope_set_text(&ev, ENVELOPE_MDA_EXEC, exec);
	if (is_duplicate(st, &ev)) {
		envelope_clear(&ev);
		return;
	}
	if ((st->n & (st->n - 1)) == 0)
		st->evs = xreallocarray(
		    st->evs, st->n == 0 ? 1 : st->n * 2, sizeof(*st->evs));
	st->evs[st->n++] = ev;
}

/* Children for each target of a list. */
static void
add_targets(struct expansion *x, const struct node *parent,
    const struct alias_list *l, const char *alias_of, const char *forward_of)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct alias_target *t = &l->targets[i];
		struct node *n;

		if (t->kind == ALIAS_ERROR) {
			fail(x, "%s", t->text);
			continue;
		}
		n = add_node(x, t->kind, t->text, parent);
		n->final = t->final;
		if (t->kind == ALIAS_ADDRESS)
			n->dest = t->address;
		if (alias_of != NULL) {
			free(n->from_alias);
			n->from_alias = xstrdup(alias_of);
		}
		if (forward_of != NULL) {
			free(n->from_forward);
			n->from_forward = xstrdup(forward_of);
		}
	}
}

/* Something of ours failed: the sender learns nothing, the log all. */
static void
fail_later(struct expansion *x, const struct err *e)
{
	log_warn("lookup: %s", e->msg);
	trace(x, "%s", e->msg);
	fail(x, TEMPFAIL);
}

/* Look key up as an alias; 1 when it was there and its targets were added. */
static int
try_alias(struct expansion *x, const struct node *n,
    const struct conf_table *ct, const char *key)
{
	struct alias_list list = { 0 };
	struct buf value = { 0 };
	struct err e;
	int rc = table_lookup(
	    tables_get(x->tables, ct), TABLE_ALIAS, key, &value, &e);

	if (rc == -1) {
		fail_later(x, &e);
	} else if (rc == 1) {
		trace(x, "%s is an alias of: %s", key, buf_str(&value));
		if (aliases_parse(buf_str(&value), value.len, &list, &e) ==
			-1 ||
		    list.n == 0)
			fail(x, PROBLEM);
		else
			add_targets(x, n, &list,
			    n->kind == ALIAS_USER ? n->text : NULL, NULL);
	}
	alias_list_free(&list);
	buf_free(&value);
	return rc == -1 ? 1 : rc;
}

static void
expand_virtual(struct expansion *x, const struct node *n)
{
	const struct conf_table *ct = n->action->virt;
	char base[ADDRESS_LOCAL_MAX + 1], key[ADDRESS_TEXT_LEN];
	struct address stripped;
	bool tagged =
	    *address_split(&n->dest, x->conf->sub_addr_delim, base) != '\0';

	if (try_alias(x, n, ct, address_text(&n->dest, key)) == 1)
		return;
	memcpy(&stripped, &n->dest, sizeof(stripped));
	memcpy(stripped.local, base, sizeof(base));
	address_text(&stripped, key);
	if (tagged && try_alias(x, n, ct, key) == 1)
		return;
	if (try_alias(x, n, ct, n->dest.local) == 1 ||
	    (tagged && try_alias(x, n, ct, base) == 1))
		return;
	snprintf(key, sizeof(key), "@%s", n->dest.domain);
	if (try_alias(x, n, ct, key) == 1 || try_alias(x, n, ct, "@") == 1)
		return;
	fail(x, "550 5.1.1 Invalid recipient: <%s>",
	    address_text(&n->dest, key));
}

static void
expand_address(struct expansion *x, struct node *n)
{
	const struct conf_match *m = NULL;
	char text[ADDRESS_TEXT_LEN];
	struct envelope ev;
	enum rule_result rc;
	struct node *user;
	struct err e;

	envelope_copy(x->base, &ev);
	ev.dest = n->dest;
	if (n->depth > 0)
		ev.flags |= ENVELOPE_INTERNAL;
	address_text(&n->dest, text);
	trace(x, "%s%s", text, n->depth == 0 ? "" : " (from an expansion)");
	rc = ruleset_match(x->conf, x->tables, &ev, x->tls, &m, x->trace, &e);
	envelope_clear(&ev);
	if (rc == RULE_ERROR) {
		fail_later(x, &e);
		return;
	}
	if (rc == RULE_NONE || m->action == NULL) {
		fail(x, "550 5.1.1 Invalid recipient: <%s>", text);
		return;
	}
	n->action = m->action;
	trace(x, "action \"%s\": %s", m->action->name,
	    conf_method_name(m->action->method));
	if (m->action->method == CONF_RELAY) {
		emit(x, n, ENVELOPE_MTA, NULL, NULL);
	} else if (m->action->virt != NULL) {
		expand_virtual(x, n);
	} else {
		user = add_node(x, ALIAS_USER, n->dest.local, n);
		user->depth = n->depth;
	}
}

static bool
same_user(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcasecmp(a, b) == 0;
}

static int
parse_userinfo(char *text, struct expand_user *out)
{
	char *save = NULL, *uid = strtok_r(text, ":", &save);
	char *gid = strtok_r(NULL, ":", &save), *home = save;
	uint64_t u, g;

	if (uid == NULL || gid == NULL || home == NULL || home[0] != '/' ||
	    strlen(home) >= sizeof(out->home) ||
	    !conv_u64(uid, 0, UINT32_MAX - 1, &u) ||
	    !conv_u64(gid, 0, UINT32_MAX - 1, &g))
		return -1;
	out->uid = (uid_t)u;
	out->gid = (gid_t)g;
	memcpy(out->home, home, strlen(home) + 1);
	return 1;
}

int
expand_find_user(struct tables *t, const struct conf_action *a,
    const char *user, struct expand_user *out, struct err *e)
{
	struct buf value = { 0 };
	struct passwd *pw;
	int rc;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; user[i] != '\0' && i < ADDRESS_LOCAL_MAX; i++)
		out->name[i] = (char)tolower((unsigned char)user[i]);
	if (a->userbase != NULL && !a->userbase->builtin) {
		rc = table_lookup(tables_get(t, a->userbase), TABLE_USERINFO,
		    out->name, &value, e);
		if (rc == 1) {
			char *text = xstrdup(buf_str(&value));

			rc = parse_userinfo(text, out);
			free(text);
			if (rc == -1)
				err_set(e, ERR_CORRUPT,
				    "user %s: not uid:gid:home", out->name);
		}
		buf_free(&value);
		return rc;
	}
	pw = getpwnam(out->name);
	if (pw == NULL || strlen(pw->pw_dir) >= sizeof(out->home))
		return 0;
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
	memcpy(out->home, pw->pw_dir, strlen(pw->pw_dir) + 1);
	return 1;
}

/* No .forward, or none to be heeded: the user's own mailbox. */
static void
deliver_to(struct expansion *x, struct node *n, const char *user)
{
	if (n->action->method == CONF_FORWARD_ONLY)
		fail(x, PROBLEM);
	else
		emit(x, n, ENVELOPE_MDA, user, NULL);
}

/* True when n now waits for a .forward. */
static bool
expand_user(struct expansion *x, struct node *n)
{
	struct address a = { 0 };
	char base[ADDRESS_LOCAL_MAX + 1], text[ADDRESS_TEXT_LEN];
	struct err e;
	int rc;

	snprintf(a.local, sizeof(a.local), "%s", n->text);
	address_split(&a, x->conf->sub_addr_delim, base);
	if (n->action->alias != NULL && !same_user(n->from_alias, n->text) &&
	    !n->final) {
		if (try_alias(x, n, n->action->alias, a.local) == 1 ||
		    (strcmp(a.local, base) != 0 &&
			try_alias(x, n, n->action->alias, base) == 1))
			return false;
	}
	if (n->action->method == CONF_EXPAND_ONLY) {
		fail(x, PROBLEM);
		return false;
	}
	rc = expand_find_user(x->tables, n->action, base, &n->user, &e);
	if (rc == -1) {
		fail_later(x, &e);
		return false;
	}
	if (rc == 0) {
		fail(x, "550 5.1.1 Invalid recipient: <%s>",
		    address_text(&n->dest, text));
		return false;
	}
	trace(x, "user %s, home %s", n->user.name, n->user.home);
	if (n->final || same_user(n->from_forward, n->user.name)) {
		deliver_to(x, n, n->user.name);
		return false;
	}
	return true;
}

/* Targets that stand in a file named by an alias. */
static void
expand_include(struct expansion *x, const struct node *n)
{
	struct alias_list list = { 0 };
	struct buf text = { 0 };
	struct err e;

	if (n->from_forward != NULL || n->text[0] != '/')
		return;
	if (fs_read_file(n->text, INCLUDE_MAX, &text, &e) == -1)
		fail_later(x, &e);
	else if (aliases_parse_file(
		     (const char *)text.data, text.len, &list, &e) == -1)
		fail(x, PROBLEM);
	else
		add_targets(x, n, &list, NULL, NULL);
	alias_list_free(&list);
	buf_free(&text);
}

/* A command or a file: as the user whose .forward says so, else as ours. */
static void
emit_exec(struct expansion *x, const struct node *n)
{
	char *exec =
	    xasprintf("%s%s", n->kind == ALIAS_COMMAND ? "|" : "", n->text);

	if (strlen(exec) > ENVELOPE_TEXT_MAX ||
	    (n->from_forward != NULL && n->user.uid == 0 &&
		strcmp(n->from_forward, "root") == 0))
		fail(x, PROBLEM);
	else
		emit(x, n, ENVELOPE_MDA,
		    n->from_forward != NULL ? n->from_forward : ALIAS_USER_NAME,
		    exec);
	free(exec);
}

static void
expand_node(struct expansion *x, struct node *n)
{
	if (n->depth > EXPAND_DEPTH) {
		fail(x, PROBLEM);
		free_node(n);
		return;
	}
	switch (n->kind) {
	case ALIAS_ADDRESS:
		expand_address(x, n);
		break;
	case ALIAS_USER:
		if (expand_user(x, n)) {
			n->token = ++x->state->next_token;
			TAILQ_INSERT_TAIL(&x->state->waiting, n, entry);
			x->ops->forward(x, n->token, &n->user);
			return;
		}
		break;
	case ALIAS_INCLUDE:
		expand_include(x, n);
		break;
	case ALIAS_COMMAND:
	case ALIAS_FILE:
		emit_exec(x, n);
		break;
	case ALIAS_ERROR:
		break;
	}
	free_node(n);
}

static void
run(struct expansion *x)
{
	struct expand_state *st = x->state;
	struct node *n;

	if (st->running)
		return;
	st->running = true;
	while ((n = TAILQ_FIRST(&st->todo)) != NULL) {
		TAILQ_REMOVE(&st->todo, n, entry);
		expand_node(x, n);
	}
	st->running = false;
	if (!TAILQ_EMPTY(&st->waiting))
		return;
	if (st->n == 0 && st->reply[0] == '\0')
		fail(x, PROBLEM);
	x->ops->done(x, st->reply, st->evs, st->n);
}

/* Where a notice for a sender that we rewrote goes, if it is for one. */
static bool
find_srs(const struct expansion *x, struct address *dest)
{
	const struct conf *c = x->conf;
	const struct srs_key key = { c->srs_key, c->srs_key_backup,
		c->srs_ttl };

	return c->srs_key != NULL && address_is_null(&x->base->sender) &&
	    srs_reverse(&key, &x->base->rcpt, (uint64_t)time(NULL), dest);
}

void
expand_start(struct expansion *x)
{
	struct expand_state *st = xcalloc(1, sizeof(*st));
	struct node *n;

	TAILQ_INIT(&st->todo);
	TAILQ_INIT(&st->waiting);
	x->state = st;
	n = add_node(x, ALIAS_ADDRESS, NULL, NULL);
	n->dest = x->base->rcpt;
	if (find_srs(x, &n->dest)) {
		n->depth = 1;
		trace(x, "SRS: a sender that was rewritten here");
	}
	run(x);
}

void
expand_forward(struct expansion *x, unsigned token, enum expand_forward kind,
    const char *text, size_t len)
{
	struct alias_list list = { 0 };
	struct node *n;
	struct err e;

	TAILQ_FOREACH(n, &x->state->waiting, entry) {
		if (n->token == token)
			break;
	}
	if (n == NULL)
		return;
	TAILQ_REMOVE(&x->state->waiting, n, entry);
	switch (kind) {
	case EXPAND_NO_FORWARD:
		deliver_to(x, n, n->user.name);
		break;
	case EXPAND_FORWARD_LATER:
		fail(x, "424 4.2.4 The user's .forward can't be used");
		break;
	case EXPAND_FORWARD_TEXT:
		if (aliases_parse_file(text, len, &list, &e) == -1)
			fail(x, "424 4.2.4 The user's .forward is malformed");
		else if (list.n == 0)
			deliver_to(x, n, n->user.name);
		else
			add_targets(x, n, &list, NULL, n->user.name);
		alias_list_free(&list);
		break;
	}
	free_node(n);
	run(x);
}

void
expand_end(struct expansion *x)
{
	struct expand_state *st = x->state;
	struct node *n;

	while ((n = TAILQ_FIRST(&st->todo)) != NULL) {
		TAILQ_REMOVE(&st->todo, n, entry);
		free_node(n);
	}
	while ((n = TAILQ_FIRST(&st->waiting)) != NULL) {
		TAILQ_REMOVE(&st->waiting, n, entry);
		free_node(n);
	}
	for (size_t i = 0; i < st->n; i++)
		envelope_clear(&st->evs[i]);
	free(st->evs);
	free(st);
	x->state = NULL;
}
