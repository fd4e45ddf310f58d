/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * envelope: one recipient of one message, and what has become of it.
 *
 * Shape:  id is the message's id (32 bits) above a number within it.
 * Limits: ENVELOPE_TEXT_MAX bytes a text; no control bytes in any of them,
 *         so that no reply, name or address can forge another field.
 * Errors: ERR_CORRUPT for bytes that don't decode.
 * Source: doc/formats/smtpd-queue.md, "Envelope".
 */
#ifndef SMTPD_QUEUE_ENVELOPE_H
#define SMTPD_QUEUE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#include "smtpd/smtp/address.h"

#define ENVELOPE_TEXT_MAX 1024
#define ENVELOPE_VERSION  1

enum envelope_type {
	ENVELOPE_MDA,
	ENVELOPE_MTA
};

enum envelope_flag {
	ENVELOPE_AUTHENTICATED = 1,
	ENVELOPE_INTERNAL = 2, /* made by expansion: counts as local */
	ENVELOPE_BOUNCE = 4,   /* a notice of ours */
	ENVELOPE_HOLD = 8,     /* suspended by the operator */
	ENVELOPE_FAILED = 16,  /* for good; its bounce is still to be written */
	ENVELOPE_UTF8 = 32,
	ENVELOPE_8BIT = 64,
	ENVELOPE_DELIVERED = 128, /* the sender is still to be told */
};

enum envelope_text {
	ENVELOPE_ACTION,
	ENVELOPE_TAG,
	ENVELOPE_SMTPNAME,
	ENVELOPE_HELO,
	ENVELOPE_HOSTNAME,
	ENVELOPE_SOURCE,
	ENVELOPE_USERNAME,
	ENVELOPE_ERROR,
	ENVELOPE_ENVID,
	ENVELOPE_ORCPT,
	ENVELOPE_MDA_USER,
	ENVELOPE_MDA_EXEC,
	ENVELOPE_TEXTS
};

struct envelope {
	uint64_t id;
	enum envelope_type type;
	uint32_t flags;
	struct address sender;
	struct address rcpt; /* as the client said */
	struct address dest; /* after expansion */
	uint64_t created_at, last_try_at, last_bounce_at; /* Unix seconds */
	uint64_t ttl;
	uint32_t retry;              /* attempts so far */
	unsigned notify, ret;        /* smtp/command.h */
	char *texts[ENVELOPE_TEXTS]; /* NULL stands for "" */
};

void envelope_init(struct envelope *ev);
void envelope_clear(struct envelope *ev);
void envelope_copy(const struct envelope *from, struct envelope *to);

/* Never NULL. */
const char *envelope_text(const struct envelope *ev, enum envelope_text which);

/* Control bytes become '?', and what is too long is cut. */
void envelope_set_text(
    struct envelope *ev, enum envelope_text which, const char *text);

uint32_t envelope_msgid(uint64_t id);

/* Append ev to out. */
struct buf;
void envelope_encode(const struct envelope *ev, struct buf *out);

/* ev is initialised by the call, and empty after an error. */
struct err;
int envelope_decode(const void *data, size_t len, struct envelope *ev,
    struct err *e) ATTR_CHECKED;

#endif
