/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * transaction: a submission as a client of smtpd's own local socket says it.
 *
 * It blocks: for sendmail(8), and for the process that hands in what waited.
 */
#ifndef SMTPD_SUBMIT_TRANSACTION_H
#define SMTPD_SUBMIT_TRANSACTION_H

#include "lib/attr.h"

struct address;
struct err;
struct submission;
struct submit;

enum submit_result {
	SUBMIT_OK,
	SUBMIT_LATER,   /* a 4xx, or the connection went after the message */
	SUBMIT_REFUSED, /* a 5xx: nobody gets it */
	SUBMIT_LOST /* the connection went, or 421, before it was all sent */
};

/* A reply that stands against it, of one line; rcpt NULL: for all. */
typedef void submit_cb(void *arg, const struct address *rcpt, const char *line);

/* A session over fd, which is the session's; it tells cb of refusals. */
struct submit *submit_new(int fd, submit_cb *cb, void *arg, struct err *e);
void submit_free(struct submit *d); /* NULL is allowed */

/* The banner and EHLO. */
enum submit_result submit_greet(struct submit *d) ATTR_CHECKED;

/* One transaction; after a refusal, the session is ready for another. */
enum submit_result submit_send(
    struct submit *d, const struct submission *s) ATTR_CHECKED;

void submit_quit(struct submit *d);

#endif
