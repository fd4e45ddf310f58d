/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * err: what went wrong, carried from where it was found to the one place
 * that reports it.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and takes
 * a last "struct err *e", never NULL.  err_set() where the fault is found,
 * err_wrap() adds the noun on the way up; the reader sees
 * "snapshot 1a2b: pack 9f: record 3: extent past end of pack".
 *
 * Messages: lower case, no full stop, no function name, name the object.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#include "lib/attr.h"

#define ERR_MSG_LEN 1024

enum err_kind {
	ERR_NONE,
	ERR_SYSTEM,      /* a system call or an allocation; errnum says which */
	ERR_CORRUPT,     /* bytes that are not what their format promises */
	ERR_LIMIT,       /* more than this program accepts */
	ERR_USAGE,       /* the person asked for something impossible */
	ERR_NOT_FOUND,   /* the thing named does not exist */
	ERR_EXISTS,      /* the thing to be made is there already */
	ERR_DENIED,      /* wrong passphrase or key, or a role that may not */
	ERR_UNSUPPORTED, /* a newer format, or a feature this build lacks */
	ERR_CANCELLED,   /* stopped by a signal or by a peer */
};

struct err {
	enum err_kind kind;
	int errnum; /* errno for ERR_SYSTEM, else 0 */
	char msg[ERR_MSG_LEN];
};

/* No error yet: kind ERR_NONE, empty message. */
void err_clear(struct err *e);

/* Replace whatever e holds. */
void err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    ATTR_PRINTF(3, 4);

/*
 * A failed system call: kind ERR_SYSTEM, errnum from errno, and the message
 * followed by ": " and the system's words.
 */
void err_sys(struct err *e, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* Put "noun: " before the message, keeping kind and errnum. */
void err_wrap(struct err *e, const char *fmt, ...) ATTR_PRINTF(2, 3);

#endif
