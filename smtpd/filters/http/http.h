/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * http: POST a body and hear the answer, many at once in one event loop.
 *
 * Connections are kept and used again.  Neither proxies nor redirects are
 * followed: the answer comes from whom the operator named, or not at all.
 *
 * Limits:    an answer of more than HTTP_ANSWER_MAX bytes is a failure.
 * Ownership: a request belongs to the caller, before, while and after it is
 *            under way, and is freed (and so cancelled) before its struct
 *            http.  It may be freed in its own callback.
 * Source:    libcurl's multi interface, driven by sockets and timer.
 */
#ifndef SMTPD_FILTERS_HTTP_HTTP_H
#define SMTPD_FILTERS_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define HTTP_ANSWER_MAX 4194304

struct err;
struct event_base;
struct http;
struct http_request;

struct http_ops {
	/* Up to len bytes of the body at offset; -1: it cannot be read. */
	int (*read)(
	    void *arg, uint64_t offset, char *out, size_t len, size_t *got);
	/* The answer, borrowed for the call; or its absence, and why. */
	void (*done)(
	    void *arg, const char *body, size_t len, const char *problem);
};

/*
 * Speak to url ("http://HOST:PORT", "https://...", or the path of a UNIX
 * socket), and ask there for path.  A request ends within timeout_s.
 * ERR_USAGE: not such a url.  ERR_SYSTEM.
 */
struct http *http_new(struct event_base *base, const char *url,
    const char *path, unsigned timeout_s, struct err *e) ATTR_CHECKED;
void http_free(struct http *h);

/* A request to come; ops is borrowed. */
struct http_request *http_request_new(
    struct http *h, const struct http_ops *ops, void *arg);

/* A header of it; value has neither CR nor LF. */
void http_request_header(
    struct http_request *r, const char *name, const char *value);

/* Send it with a body of len bytes; done is called once, later. */
int http_request_send(
    struct http_request *r, uint64_t len, struct err *e) ATTR_CHECKED;
void http_request_free(struct http_request *r);

#endif
