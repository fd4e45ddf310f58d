/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * spool: a message that waits, in memory while it is small, then in a file
 * without a name.
 *
 * Limits:    SPOOL_MEMORY bytes and one line are in memory, at most.
 * Ownership: a spool owns its file; "= {0}" with fd -1 starts an empty one,
 *            spool_clear() releases it and leaves it empty.
 */
#ifndef SMTPD_FILTERS_RSPAMD_SPOOL_H
#define SMTPD_FILTERS_RSPAMD_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"

#define SPOOL_MEMORY 262144

struct err;

struct spool {
	const char *dir; /* where the file would be; borrowed */
	int fd;          /* -1: no file */
	uint64_t filed;  /* bytes of it, which come first */
	struct buf mem;  /* what comes after them */
};

/* Add a line and a LF.  ERR_SYSTEM: the file cannot take it. */
int spool_add_line(
    struct spool *s, const char *line, struct err *e) ATTR_CHECKED;

uint64_t spool_len(const struct spool *s);

/* Up to len bytes at offset; *got is 0 at the end alone. */
int spool_read(const struct spool *s, uint64_t offset, void *out, size_t len,
    size_t *got, struct err *e) ATTR_CHECKED;

void spool_clear(struct spool *s);

#endif
