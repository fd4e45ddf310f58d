/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * spoolfile: an envelope as a text, to carry queues from one smtpd to another
 * and to take in what OpenSMTPD has left in its spool.
 *
 * Shape:  lines "field: value", each field once, in any order.  The id is the
 *         name of the file, not in it.
 * Limits: SPOOLFILE_MAX bytes; a value as in envelope.h.  Control bytes, NUL
 *         among them, are refused: no value can forge a field.
 * Errors: ERR_CORRUPT with the line; ERR_UNSUPPORTED for what is well formed
 *         and has no meaning here.
 * Source: doc/formats/smtpd-export.md.
 */
#ifndef SMTPD_QUEUE_SPOOLFILE_H
#define SMTPD_QUEUE_SPOOLFILE_H

#include <stddef.h>

#include "lib/attr.h"

#define SPOOLFILE_MAX (64u << 10)

struct buf;
struct envelope;
struct err;

/* Append ev to out. */
void spoolfile_print(const struct envelope *ev, struct buf *out);

/* ev is initialised by the call, its id 0; and empty after an error. */
int spoolfile_parse(const void *data, size_t len, struct envelope *ev,
    struct err *e) ATTR_CHECKED;

#endif
