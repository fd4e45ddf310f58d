/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * fs: files, written so that they are whole or not there at all.
 *
 * Errors: ERR_SYSTEM with the path in the message.
 */
#ifndef LIB_FS_H
#define LIB_FS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/attr.h"

struct buf;
struct err;

/* Read or write all len bytes, whatever the system returns in between. */
int fs_write_all(
    int fd, const void *data, size_t len, struct err *e) ATTR_CHECKED;

/* *got is less than len only at the end of the file. */
int fs_pread_full(int fd, void *data, size_t len, uint64_t offset, size_t *got,
    struct err *e) ATTR_CHECKED;

/* Append the content of path to out.  ERR_LIMIT above max bytes. */
int fs_read_file(
    const char *path, size_t max, struct buf *out, struct err *e) ATTR_CHECKED;

/* Make path and what is missing above it. */
int fs_mkdir_all(const char *path, mode_t mode, struct err *e) ATTR_CHECKED;

/* Sync the directory itself: the names in it are then on disk. */
int fs_sync_dir(const char *path, struct err *e) ATTR_CHECKED;

/*
 * Replace the file path by data: temporary name, sync, rename, sync of the
 * directory.  After a crash, the old content or the new, never a mixture.
 */
int fs_replace_file(const char *path, const void *data, size_t len, mode_t mode,
    struct err *e) ATTR_CHECKED;

/* "base/name", owned by the caller; base may end with a slash. */
char *fs_join(const char *base, const char *name);

#endif
