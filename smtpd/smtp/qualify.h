/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * qualify: addresses of a header that lack a domain get one.
 *
 * A person's own machine may write "To: root"; anybody else's must not see
 * it.  Of the fields that name people, and of the forms that are plainly an
 * address without a domain; all other bytes stay as they are, and so does a
 * field that can't be understood.  A line that would become too long by what
 * is added is folded after a comma.
 *
 * Source: RFC 5322, 3.4 and 3.6; RFC 6409, 8.1 and 6.3.
 */
#ifndef SMTPD_SMTP_QUALIFY_H
#define SMTPD_SMTP_QUALIFY_H

#include <stddef.h>

struct buf;

/* Copy the header of len bytes at text, with @domain where one is missing. */
void qualify_header(
    const char *text, size_t len, const char *domain, struct buf *out);

#endif
