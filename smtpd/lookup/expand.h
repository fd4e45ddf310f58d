/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * expand: one recipient into the envelopes that it comes to.
 *
 * An address meets a rule; its action says what the local part is: a virtual
 * user, an alias, a user with perhaps a .forward; each may lead to further
 * addresses, users, commands and files.
 *
 * Limits: EXPAND_DEPTH steps from the recipient, EXPAND_ENVELOPES in all.
 * Shape:  a .forward is read by the parent, so an expansion waits: the
 *         callbacks of struct expand_ops ask for it and tell the end.
 */
#ifndef SMTPD_LOOKUP_EXPAND_H
#define SMTPD_LOOKUP_EXPAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "smtpd/queue/envelope.h"

#define EXPAND_DEPTH     10
#define EXPAND_ENVELOPES 1000
#define EXPAND_REPLY_MAX 512

struct buf;
struct conf;
struct conf_action;
struct err;
struct tables;

struct expand_user {
	char name[ADDRESS_LOCAL_MAX + 1];
	uid_t uid;
	gid_t gid;
	char home[1024];
};

enum expand_forward {
	EXPAND_NO_FORWARD,
	EXPAND_FORWARD_TEXT,
	EXPAND_FORWARD_LATER
};

struct expansion;

struct expand_ops {
	/* Ask for the .forward of a user; expand_forward() answers. */
	void (*forward)(struct expansion *x, unsigned token,
	    const struct expand_user *user);
	/* All is known: reply is "" for success.  Frees nothing. */
	void (*done)(struct expansion *x, const char *reply,
	    const struct envelope *evs, size_t n);
};

struct expansion {
	const struct expand_ops *ops;
	const struct conf *conf;
	struct tables *tables;
	const struct envelope *base; /* what the session knows */
	bool tls;
	void *arg;
	struct buf *trace; /* or NULL: told what happens, for explain */
	struct expand_state *state;
};

/* Start; done() may be called before this returns. */
void expand_start(struct expansion *x);

/* The answer to a forward() request. */
void expand_forward(struct expansion *x, unsigned token,
    enum expand_forward kind, const char *text, size_t len);

/* Drop an expansion that has not ended, or what it kept. */
void expand_end(struct expansion *x);

/* Who user is, by the action's userbase.  1 found, 0 unknown, -1 error. */
int expand_find_user(struct tables *t, const struct conf_action *a,
    const char *user, struct expand_user *out, struct err *e) ATTR_CHECKED;

#endif
