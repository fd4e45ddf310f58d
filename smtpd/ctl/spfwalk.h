/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * spfwalk: "smtpctl spf walk": the networks that domains send mail from.
 */
#ifndef SMTPD_CTL_SPFWALK_H
#define SMTPD_CTL_SPFWALK_H

#include "lib/attr.h"

struct err;

/*
 * Domains on standard input, networks on standard output, each once, in
 * order.  argv may hold -4 or -6.  What could not be followed is told on
 * standard error; -1 when any of it was not a name without an answer.
 */
int ctl_spf_walk(int argc, char **argv, struct err *e) ATTR_CHECKED;

#endif
