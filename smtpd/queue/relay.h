/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * relay: what the queue, the lookup and the dispatcher tell each other about
 * mail that goes on to another host.
 *
 * Shape:  a text is its length (varint) and bytes; numbers are varints.
 * Errors: a decoder returns false for what doesn't decode; nothing is to be
 *         cleared then.
 */
#ifndef SMTPD_QUEUE_RELAY_H
#define SMTPD_QUEUE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/smtp/address.h"

#define RELAY_RCPTS 100 /* of one transaction (RFC 5321, 4.5.3.1.8) */

struct buf;

struct relay_rcpt {
	uint64_t id; /* of its envelope */
	unsigned notify;
	struct address to;
	char *orcpt;
};

/* Of a task's flags: hosts that are left alone are tried, too. */
#define RELAY_INSIST (1u << 31)

/* One transaction to be: a message for recipients that go the same way. */
struct relay_task {
	uint32_t number, msgid;
	uint64_t body_len;
	uint32_t flags; /* enum envelope_flag, RELAY_INSIST */
	unsigned ret;   /* enum dsn_ret */
	char *action;
	char *domain; /* "": the action's host takes all */
	char *envid;
	struct address from;
	struct relay_rcpt *rcpts;
	size_t n;
};

void relay_task_encode(const struct relay_task *t, struct buf *out);
bool relay_task_decode(
    const void *data, size_t len, struct relay_task *t) ATTR_CHECKED;
void relay_task_clear(struct relay_task *t);

enum relay_status {
	RELAY_OK, /* and the next host tells the sender, if asked to */
	RELAY_LATER,
	RELAY_FAILED,
	RELAY_OK_NO_DSN, /* the next host can't tell: we do */
	RELAY_STATUSES
};

/* What became of a recipient. */
struct relay_result {
	uint64_t id, session;
	enum relay_status status;
	char *source, *remote, *line;
};

void relay_result_encode(const struct relay_result *r, struct buf *out);
bool relay_result_decode(
    const void *data, size_t len, struct relay_result *r) ATTR_CHECKED;
void relay_result_clear(struct relay_result *r);

enum relay_way_kind {
	RELAY_WAY_TARGET, /* key: the domain; for all below */
	RELAY_WAY_HELO,   /* key: our address; for helo */
	RELAY_WAY_KINDS
};

/* A question to the lookup; its answer has the same request. */
struct relay_ask {
	uint32_t request;
	enum relay_way_kind kind;
	char *action, *key;
};

/* The tables' part of the way; "" stands for nothing. */
struct relay_way {
	uint32_t request;
	enum relay_status status;
	char *line; /* why, unless OK */
	char *url, *user, *password, *source, *helo;
};

void relay_ask_encode(const struct relay_ask *a, struct buf *out);
bool relay_ask_decode(
    const void *data, size_t len, struct relay_ask *a) ATTR_CHECKED;
void relay_ask_clear(struct relay_ask *a);
void relay_way_encode(const struct relay_way *w, struct buf *out);
bool relay_way_decode(
    const void *data, size_t len, struct relay_way *w) ATTR_CHECKED;
void relay_way_clear(struct relay_way *w);

#endif
