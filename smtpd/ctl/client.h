/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * client: the other end of smtpd's control socket.
 *
 * A question is one frame, with a descriptor perhaps; the answer is lines and
 * then an end, which may tell a problem (proc/control).
 *
 * Errors: they say what to do next: start smtpd, or be somebody else.
 */
#ifndef SMTPD_CTL_CLIENT_H
#define SMTPD_CTL_CLIENT_H

#include <stddef.h>

#include "lib/attr.h"

#include "smtpd/proc/proc.h"

struct buf;
struct err;

/* A piece of an answer, as it came: without a line end, mostly. */
typedef void client_cb(const char *text, size_t len, void *arg);

/* A connection to the control socket, or -1. */
int client_connect(struct err *e) ATTR_CHECKED;

/*
 * Ask, and give what comes back to cb.  fd (-1: none) is passed along and
 * stays the caller's.  -1 with *e for a problem that smtpd told (ERR_NOT_FOUND)
 * or that came up here.
 */
int client_ask(unsigned type, const void *data, size_t len, int fd,
    client_cb *cb, void *arg, struct err *e) ATTR_CHECKED;

/* Ask in words, as request_message() and control.c know them. */
int client_say(
    const char *words, client_cb *cb, void *arg, struct err *e) ATTR_CHECKED;

/* A client_cb: to standard output, as lines; or as it is. */
void client_print(const char *text, size_t len, void *arg);
void client_print_raw(const char *text, size_t len, void *arg);

#endif
