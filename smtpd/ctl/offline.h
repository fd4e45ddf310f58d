/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * offline: messages that wait, as files, for an smtpd to run.
 *
 * Anyone may add a file to the directory; only its owner and smtpd see what
 * is in it.
 *
 * Source: doc/adr/0210-mail-waits-without-privileges.md.
 */
#ifndef SMTPD_CTL_OFFLINE_H
#define SMTPD_CTL_OFFLINE_H

#include "lib/attr.h"

struct err;
struct submission;

/* After 0 it is on disk, under its name. */
int offline_write(const struct submission *s, struct err *e) ATTR_CHECKED;

/* How many wait; -1 when that can't be seen. */
long offline_count(void);

#endif
