/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ctl: the faces of smtpd that people use: smtpctl, mailq, sendmail,
 * newaliases, makemap.  Which one is told by the name it is called by.
 */
#ifndef SMTPD_CTL_CTL_H
#define SMTPD_CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "smtpd/proc/ipc.h"

struct buf;
struct err;

/* Whether name is one of theirs; then *status is how it ended. */
bool ctl_main(const char *name, int argc, char **argv, int *status);

/* A connection to the control socket, or -1. */
int ctl_connect(struct err *e);

/*
 * Send one frame and print the lines that come back.  -1 with *e for a
 * problem that smtpd told or that came up here.
 */
int ctl_ask(unsigned type, const struct buf *payload, struct err *e);

int ctl_sendmail(int argc, char **argv);
int ctl_makemap(int argc, char **argv, bool newaliases);

#endif
