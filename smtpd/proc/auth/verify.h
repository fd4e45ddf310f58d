/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * verify: is this the password?
 *
 * Each runs for as long as a hash or a PAM module takes, so in a process of
 * its own, which ends with the answer.
 */
#ifndef SMTPD_PROC_AUTH_VERIFY_H
#define SMTPD_PROC_AUTH_VERIFY_H

#include "smtpd/proc/auth/auth_internal.h"

/*
 * By crypt(3).  A hash of no user's (AUTH_UNKNOWN) costs the same work and
 * never matches.
 */
enum auth_status verify_hash(const struct auth_request *r);

/* By PAM, of the service "smtpd". */
enum auth_status verify_system(const struct auth_request *r);

#endif
