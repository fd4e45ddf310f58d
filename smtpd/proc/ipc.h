/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ipc: framed messages over a socket pair, with file descriptors.
 *
 * Shape:  length u32 (of the payload), type u16, flags u16 (1: a descriptor
 *         comes with it; 2: wipe it), payload.
 * Limits: IPC_PAYLOAD_MAX; a longer frame, or one whose descriptor is
 *         missing, ends the connection: the callback then gets NULL, as when
 *         the other side closes.
 * Ownership: a received descriptor belongs to the callback; it is closed
 *         after it unless the callback takes it with ipc_take_fd().
 */
#ifndef SMTPD_PROC_IPC_H
#define SMTPD_PROC_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define IPC_PAYLOAD_MAX (4u << 20)

struct buf;
struct event_base;
struct ipc;

struct ipc_msg {
	unsigned type;
	const uint8_t *data;
	size_t len;
	int fd; /* -1: none */
};

typedef void ipc_cb(struct ipc *ipc, struct ipc_msg *m, void *arg);

/* Takes fd, which becomes non-blocking. */
struct ipc *ipc_new(struct event_base *base, int fd, ipc_cb *cb, void *arg);

/* Close and release; may be called from the callback.  NULL is allowed. */
void ipc_free(struct ipc *ipc);

/*
 * Queue a frame.  Takes fd (-1: none).  False: it is too large, which is
 * logged, and nothing is sent.
 */
bool ipc_send(
    struct ipc *ipc, unsigned type, const void *data, size_t len, int fd);

/*
 * Likewise, for what must not stay in memory: sent at once if it can be, and
 * wiped on both sides after use.
 */
bool ipc_send_secret(
    struct ipc *ipc, unsigned type, const void *data, size_t len);

/* Bytes that the other side has not read yet, of our queue. */
size_t ipc_queued(const struct ipc *ipc);

/* Write all that is queued, waiting for it: before an exit. */
void ipc_flush(struct ipc *ipc);

/*
 * Send a frame and wait for the one that answers it, appended to answer; only
 * on a connection that carries nothing else.  -1: none came in time.
 */
int ipc_ask(struct ipc *ipc, unsigned type, const void *data, size_t len,
    struct buf *answer, int timeout_ms) ATTR_CHECKED;

int ipc_take_fd(struct ipc_msg *m);

#endif
