/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * replay: give a recording of smtpd's lines to a filter, with no server.
 *
 * The recording is what filter-eventlog keeps, or has a server's requests in
 * it too.  Where it has none, they are made from the reports: what a client
 * said is what a filter would have been asked.
 *
 * Flow:    as smtpd does, the next line of a recording waits for the answer
 *          to a request; the lines of a message do not wait.
 * Errors:  a filter that does not answer in REPLAY_PATIENCE_S seconds, or
 *          answers what it was not asked, is ERR_CORRUPT.
 * Source:  smtpd-filters(7).
 */
#ifndef SMTPD_CTL_REPLAY_H
#define SMTPD_CTL_REPLAY_H

#include "lib/attr.h"

#define REPLAY_PATIENCE_S 300

struct err;

/* smtpctl replay FILE [--] FILTER [ARG ...] */
int ctl_replay(int argc, char **argv, struct err *e) ATTR_CHECKED;

#endif
