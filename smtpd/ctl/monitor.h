/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * monitor: the counters of smtpd, a line a second.
 *
 * Source: smtpctl(8), "monitor".
 */
#ifndef SMTPD_CTL_MONITOR_H
#define SMTPD_CTL_MONITOR_H

#include "lib/attr.h"

struct err;

/* Until smtpd is gone, or nobody reads any more. */
int monitor_run(int argc, char **argv, struct err *e) ATTR_CHECKED;

#endif
