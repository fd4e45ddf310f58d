/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * server: the control socket: lines in, lines out, and subscribers.
 *
 * Nothing here blocks: who does not read what it asked for is dropped.  Only
 * the same user gets in.
 *
 * Limits: SERVER_* below.
 */
#ifndef FION_CONTROL_SERVER_H
#define FION_CONTROL_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"

#define SERVER_PEERS 128
#define SERVER_QUEUE (4U << 20) /* bytes that wait for one peer */

struct err;
struct server;

/* A line that waits for its answer; all zero at first. */
struct server_wait {
	unsigned tries; /* to answer it, so far */
	unsigned kept;  /* for who answers */
};

/*
 * The answer to a line, owned by the server; *subscribe: events from now.
 * NULL: not yet; it is asked again at the next server_serve().
 */
typedef char *(*server_line_cb)(void *ctx, const char *line, size_t len,
    struct server_wait *w, bool *subscribe);

/* Listen at path; what a dead fion left there is replaced. */
struct server *server_open(
    const char *path, server_line_cb line, void *ctx, struct err *e);
void server_close(struct server *s);

/* Room for SERVER_PEERS + 1; how many were filled. */
size_t server_polls(const struct server *s, struct pollfd *p);

/* Act on what poll() said of them. */
void server_serve(struct server *s, const struct pollfd *p, size_t n);

/* A line to all subscribers. */
void server_publish(struct server *s, const char *line);
bool server_has_subscribers(const struct server *s);

#endif
