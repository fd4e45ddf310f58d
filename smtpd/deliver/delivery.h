/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * delivery: all that a delivery worker is told about one message for one
 * user, and how it is done.
 *
 * A worker runs as its user and is trusted with nothing else: no
 * configuration, no other mail.
 *
 * Errors: a method returns a status, and a line that says why.
 */
#ifndef SMTPD_DELIVER_DELIVERY_H
#define SMTPD_DELIVER_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/attr.h"

#include "smtpd/conf/conf.h"
#include "smtpd/smtp/address.h"

#define DELIVERY_STATUS_MAX 512
#define DELIVERY_LOOP       "Mail loop" /* begins the result of one */
#define DELIVERY_BODY_MAX   (1u << 20)  /* larger bodies come as a file */

enum delivery_status {
	DELIVERY_OK,
	DELIVERY_LATER,
	DELIVERY_FAILED
};

struct buf;

struct delivery {
	uint64_t id;
	enum conf_method method;
	bool junk, lmtp_rcpt_to;
	char *target, *wrapper, *exec; /* NULL: none */
	char *user, *home, *hostname;
	uid_t uid;
	gid_t gid;
	char delimiter;
	struct address sender, rcpt, dest;
	const uint8_t *body; /* borrowed; or */
	size_t body_len;
	int body_fd; /* -1 when body holds it */
};

/* The body is last in the encoding. */
void delivery_encode(const struct delivery *d, struct buf *out);

/* The body is borrowed from data. */
bool delivery_decode(
    const void *data, size_t len, struct delivery *d) ATTR_CHECKED;
void delivery_clear(struct delivery *d);

/* The fields that go before the message. */
void delivery_trace(const struct delivery *d, struct buf *out);

/* The header, or its first DELIVERY_HEAD bytes; keep holds what comes from a
 * file.  Returns its length. */
#define DELIVERY_HEAD (64 * 1024)
size_t delivery_header(
    const struct delivery *d, struct buf *keep, const char **header);

/* Whether the message has been delivered to this address before. */
bool delivery_loops(const struct delivery *d);

/* The body in memory; what comes as a file is read whole into keep. */
bool delivery_body(const struct delivery *d, struct buf *keep,
    const uint8_t **body, size_t *len) ATTR_CHECKED;

/*
 * Expand %{...} in text.  With shell, a value becomes a quoted reference to
 * an environment variable, appended to env as "SMTPD_n=value" with a NUL, so
 * that no shell ever reads a value.  False for an unknown specifier.
 */
bool delivery_format(const struct delivery *d, const char *text,
    struct buf *out, struct buf *env) ATTR_CHECKED;

#endif
