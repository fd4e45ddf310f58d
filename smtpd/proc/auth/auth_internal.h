/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * auth_internal: what the auth process's files share.
 */
#ifndef SMTPD_PROC_AUTH_AUTH_INTERNAL_H
#define SMTPD_PROC_AUTH_AUTH_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "smtpd/proc/auth/limit.h"
#include "smtpd/proc/authmsg.h"
#include "smtpd/smtp/sasl.h"

#define AUTH_HASH_MAX 512

struct auth_request {
	uint32_t id; /* the lookup's */
	enum auth_kind kind;
	char user[SASL_TEXT_MAX + 1], password[SASL_TEXT_MAX + 1];
	char hash[AUTH_HASH_MAX];
	char source[LIMIT_TEXT];
};

#endif
