/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * conf_source: the bytes of smtpd.conf, of the files it includes, and of the
 * certificates it names.
 *
 * Shape:  a list of (path, bytes).  One made by conf_source_disk() reads a
 *         file when it is first asked for and keeps it; one made by
 *         conf_source_decode() has what was sent and reads nothing.
 * Limits: CONF_SOURCE_MAX bytes a file, CONF_SOURCE_FILES files.
 */
#ifndef SMTPD_CONF_SOURCE_H
#define SMTPD_CONF_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"

#define CONF_SOURCE_MAX   (1 << 20)
#define CONF_SOURCE_FILES 256

struct buf;
struct err;
struct conf_source;

struct conf_source *conf_source_disk(void);

/* One file of given bytes: for tests. */
struct conf_source *conf_source_memory(
    const char *path, const void *data, size_t len);

/*
 * The bytes of path, borrowed from s.  A file that its group or others may
 * write is refused (ERR_DENIED).
 */
int conf_source_get(struct conf_source *s, const char *path,
    const uint8_t **data, size_t *len, struct err *e) ATTR_CHECKED;

/*
 * The paths that a shell pattern means, sorted: on disk, or among the files
 * that were sent.  The texts and the array are the caller's.
 */
void conf_source_glob(
    struct conf_source *s, const char *pattern, char ***paths, size_t *n);

/* Put x for each byte of text wherever it stands; returns how often. */
size_t conf_source_hide(struct conf_source *s, const char *text);

/* How many files have been read so far. */
size_t conf_source_count(const struct conf_source *s);

/* The first n files that were read, as bytes and back. */
void conf_source_encode(const struct conf_source *s, size_t n, struct buf *out);
struct conf_source *conf_source_decode(
    const void *data, size_t len, struct err *e);

/* Release s.  NULL is allowed. */
void conf_source_free(struct conf_source *s);

#endif
