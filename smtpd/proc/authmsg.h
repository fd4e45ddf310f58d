/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * authmsg: the numbers in messages about who speaks, between dispatcher,
 * lookup and auth.
 */
#ifndef SMTPD_PROC_AUTHMSG_H
#define SMTPD_PROC_AUTHMSG_H

/* Of VERIFY: what the hash is. */
enum auth_kind {
	AUTH_UNKNOWN, /* no such user: it is somebody else's */
	AUTH_HASH,
	AUTH_SYSTEM, /* none: PAM knows */
	AUTH_GRANTED /* none: a table's program has said yes */
};

/* Of VERIFIED and AUTHED. */
enum auth_status {
	AUTH_OK,
	AUTH_WRONG,
	AUTH_LATER,
	AUTH_TOO_MANY
};

/* Of TABLE_ASK: which question. */
enum table_ask {
	TABLE_ASK_SENDER = 's',
	TABLE_ASK_HOSTNAME = 'h'
};

enum table_told {
	TABLE_NO,
	TABLE_YES,
	TABLE_LATER
};

#endif
