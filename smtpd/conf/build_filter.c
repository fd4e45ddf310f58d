/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conf_build, third part: filters and the programs that they are.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#include "smtpd/conf/grammar.h"
#include "smtpd/conf/lex.h"

#include "smtpd/conf/build.h"

/* Programs */

void
build_proc(struct conf_builder *b, const char *name, const char *command)
{
	struct conf_proc *p = xcalloc(1, sizeof(*p));

	if (strlen(name) >= CONF_NAME_MAX)
		build_problem(b, "the name is too long");
	if (strchr(name, '|') != NULL)
		build_problem(b, "a filter's name holds no |");
	if (conf_find_proc(b->conf, name) != NULL)
		build_problem(b, "the proc \"%s\" is there already", name);
	if (command[strspn(command, " \t")] == '\0')
		build_problem(b, "the proc \"%s\" has no command", name);
	p->name = xstrdup(name);
	p->command = xstrdup(command);
	p->pos = b->pos;
	TAILQ_INSERT_TAIL(&b->conf->procs, p, entry);
	b->proc = p;
}

void
build_proc_option(struct conf_builder *b, int what, const char *value)
{
	char **where = what == USER ? &b->proc->user :
	    what == GROUP           ? &b->proc->group :
				      &b->proc->chroot;
	const char *name = what == USER ? "user" :
	    what == GROUP               ? "group" :
					  "chroot";

	if (*where != NULL)
		build_problem(b, "%s given twice", name);
	if (what == CHROOT && value[0] != '/')
		build_problem(b, "\"%s\" is not an absolute path", value);
	free(*where);
	*where = xstrdup(value);
}

/* Filters */

static struct conf_filter *
new_filter(struct conf_builder *b, const char *name)
{
	struct conf_filter *f = xcalloc(1, sizeof(*f));

	f->name = xstrdup(name);
	f->pos = b->pos;
	f->members[0] = f;
	f->n_members = 1;
	TAILQ_INSERT_TAIL(&b->conf->filters, f, entry);
	return f;
}

void
build_filter(struct conf_builder *b, const char *name)
{
	if (strlen(name) >= CONF_NAME_MAX)
		build_problem(b, "the filter's name is too long");
	if (strchr(name, '|') != NULL)
		build_problem(b, "a filter's name holds no |");
	if (conf_find_filter(b->conf, name) != NULL)
		build_problem(b, "the filter \"%s\" is there already", name);
	b->filter = new_filter(b, name);
}

void
build_filter_proc(struct conf_builder *b, const char *name)
{
	b->filter->kind = CONF_FILTER_PROC;
	b->filter->proc = conf_find_proc(b->conf, name);
	if (b->filter->proc == NULL)
		build_problem(
		    b, "the proc \"%s\" is not declared above this line", name);
}

void
build_filter_exec(struct conf_builder *b, const char *command)
{
	build_proc(b, b->filter->name, command);
	b->filter->kind = CONF_FILTER_PROC;
	b->filter->proc = b->proc;
}

void
build_filter_chain(struct conf_builder *b)
{
	b->filter->kind = CONF_FILTER_CHAIN;
	b->filter->n_members = 0;
}

void
build_filter_member(struct conf_builder *b, const char *name)
{
	struct conf_filter *f = b->filter;
	const struct conf_filter *m = conf_find_filter(b->conf, name);

	if (m == NULL || m == f) {
		build_problem(b,
		    "the filter \"%s\" is not declared above this line", name);
		return;
	}
	if (m->kind == CONF_FILTER_CHAIN)
		build_problem(
		    b, "\"%s\" is a chain: a chain holds no chain", name);
	if (f->n_members == CONF_CHAIN_MAX) {
		build_problem(
		    b, "more than %d filters in a chain", CONF_CHAIN_MAX);
		return;
	}
	for (size_t i = 0; i < f->n_members; i++) {
		if (f->members[i] == m)
			build_problem(b,
			    "the filter \"%s\" is in the chain already", name);
		else if (m->proc != NULL && f->members[i]->proc == m->proc)
			build_problem(b,
			    "\"%s\" and \"%s\" are of the same proc: a chain "
			    "asks it once",
			    f->members[i]->name, name);
	}
	f->members[f->n_members++] = m;
}

enum filter_phase
build_filter_phase_word(struct conf_builder *b, const char *word)
{
	if (strcmp(word, "starttls") != 0)
		build_problem(b,
		    "\"%s\" is not a phase: expected connect, helo, ehlo, "
		    "starttls, auth, mail-from, rcpt-to, data or commit",
		    word);
	return FILTER_STARTTLS;
}

void
build_filter_phase(struct conf_builder *b, enum filter_phase phase)
{
	b->filter->kind = CONF_FILTER_RULE;
	b->filter->phase = phase;
}

/* The first phase where a test can be made; rcpt-to only in its own. */
static bool
known_by(enum conf_filter_test test, enum filter_phase phase)
{
	switch (test) {
	case CONF_FILTER_FCRDNS:
	case CONF_FILTER_RDNS:
	case CONF_FILTER_SRC:
		return true;
	case CONF_FILTER_HELO:
		return phase != FILTER_CONNECT;
	case CONF_FILTER_AUTH:
		return phase != FILTER_CONNECT && phase != FILTER_HELO &&
		    phase != FILTER_EHLO && phase != FILTER_STARTTLS;
	case CONF_FILTER_MAIL_FROM:
		return phase == FILTER_MAIL_FROM || phase == FILTER_RCPT_TO ||
		    phase == FILTER_DATA || phase == FILTER_COMMIT;
	case CONF_FILTER_RCPT_TO:
		return phase == FILTER_RCPT_TO;
	}
	return false;
}

void
build_filter_test(struct conf_builder *b, enum conf_filter_test test,
    bool negate, bool regex, struct conf_table *table)
{
	static const char *const names[] = { "fcrdns", "rdns", "src", "helo",
		"auth", "mail-from", "rcpt-to" };
	struct conf_filter *f = b->filter;

	if (!known_by(test, f->phase))
		build_problem(b, "%s is not known in phase %s", names[test],
		    filter_phase_name(f->phase));
	f->test = test;
	f->negate = negate;
	f->regex = regex;
	f->table = table;
}

static enum conf_filter_decision
decision_of(int what)
{
	switch (what) {
	case BYPASS:
		return CONF_FILTER_BYPASS;
	case DISCONNECT:
		return CONF_FILTER_DISCONNECT;
	case JUNK:
		return CONF_FILTER_JUNK;
	case REJECT:
		return CONF_FILTER_REJECT;
	case REPORT:
		return CONF_FILTER_SAY;
	default:
		return CONF_FILTER_REWRITE;
	}
}

void
build_filter_decision(struct conf_builder *b, int what, const char *text)
{
	struct conf_filter *f = b->filter;
	bool refuses = what == REJECT || what == DISCONNECT;

	f->decision = decision_of(what);
	if (what == JUNK && f->phase == FILTER_COMMIT)
		build_problem(b, "junk comes too late in phase commit");
	if (what == REWRITE &&
	    (f->phase == FILTER_CONNECT || f->phase == FILTER_STARTTLS ||
		f->phase == FILTER_DATA || f->phase == FILTER_COMMIT))
		build_problem(b, "there is nothing to rewrite in phase %s",
		    filter_phase_name(f->phase));
	if (refuses && !filter_reply_valid(text))
		build_problem(b,
		    "\"%s\" is not a reply: expected 4NN or 5NN, a space and "
		    "a text",
		    text);
	for (const char *p = text == NULL ? "" : text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			build_problem(b, "a text of printable bytes only");
			break;
		}
	}
	f->text = text == NULL ? NULL : xstrdup(text);
}

/* What a listener or a relay says */

void
build_filter_anonymous(struct conf_builder *b)
{
	char *name = xasprintf("anonymous:%u", ++b->conf->n_anonymous);

	b->filter = new_filter(b, name);
	b->filter->kind = CONF_FILTER_CHAIN;
	b->filter->n_members = 0;
	free(name);
}

const struct conf_filter *
build_filter_ref(struct conf_builder *b, const char *name)
{
	const struct conf_filter *f = conf_find_filter(b->conf, name);

	if (f == NULL)
		build_problem(b,
		    "the filter \"%s\" is not declared above this line", name);
	return f;
}

void
build_listen_filter(struct conf_builder *b, const struct conf_filter *f)
{
	if (b->listen->filter != NULL)
		build_problem(b, "filter given twice");
	b->listen->filter = f;
}

void
build_action_filter(struct conf_builder *b, const struct conf_filter *f)
{
	struct conf_action *a = b->action;

	if (a->filter != NULL)
		build_problem(b, "filter given twice");
	if (a->method != CONF_RELAY)
		build_problem(b, "filter does not go with %s",
		    conf_method_name(a->method));
	a->filter = f;
}
