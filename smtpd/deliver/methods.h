/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * methods: how a message gets into a mailbox.
 *
 * Each runs as the user.  The line is DELIVERY_STATUS_MAX bytes, and says
 * what went wrong, or where the message is.
 */
#ifndef SMTPD_DELIVER_METHODS_H
#define SMTPD_DELIVER_METHODS_H

#include <stdbool.h>
#include <stddef.h>

#include "smtpd/deliver/delivery.h"

struct maildir_batch;

/*
 * Maildir deliveries are gathered: all files are written, synced together,
 * then renamed, and their directories synced.
 */
struct maildir_batch *maildir_batch_new(void);

/* Write one message to tmp/.  DELIVERY_OK: wait for maildir_batch_end(). */
enum delivery_status maildir_add(
    struct maildir_batch *b, const struct delivery *d, char *line);

/* Sync and rename all; cb is told the end of each that was added. */
typedef void maildir_cb(
    uint64_t id, enum delivery_status status, const char *line, void *arg);
void maildir_batch_end(struct maildir_batch *b, maildir_cb *cb, void *arg);

enum delivery_status mbox_deliver(const struct delivery *d, char *line);

/* To a plain file named by a .forward or an alias. */
enum delivery_status file_deliver(const struct delivery *d, char *line);

enum delivery_status mda_deliver(const struct delivery *d, char *line);

/* One connection a worker is kept and used again. */
struct lmtp;
enum delivery_status lmtp_deliver(
    struct lmtp **kept, const struct delivery *d, char *line);
void lmtp_close(struct lmtp *l);

#endif
