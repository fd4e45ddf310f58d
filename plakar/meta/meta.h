/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * meta: everything about one file but its content, as an entry.
 *
 * Attributes: all that the system lists, of every namespace: ACLs and file
 *             capabilities are among them.
 * Inode flags: those in META_FLAGS.  Left out are the flags that a file
 *             system sets for itself (extents, hash index, encrypted,
 *             verity ...), and that of project quotas, whose ids are not
 *             kept.
 * Errors:     what can't be read is said in the entry's error, separated by
 *             "; ", and the rest is there.
 */
#ifndef PLAKAR_META_META_H
#define PLAKAR_META_META_H

#include <linux/fs.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "plakar/format/entry.h"

#define META_FLAGS                                                             \
	((uint32_t)(FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL |      \
	    FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL |    \
	    FS_NOCOMP_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL | FS_DIRSYNC_FL | \
	    FS_TOPDIR_FL | FS_NOCOW_FL | FS_DAX_FL | FS_CASEFOLD_FL))

struct buf;
struct err;
struct statx;

/* What st is of. */
enum entry_type meta_type(const struct statx *st);

/*
 * Fill in ent from st and from the file itself: name relative to dirfd, and
 * fd, if it is open for reading already; else -1.  storage is overwritten
 * with what ent points to.  The attribute set is in ent->xattrs whatever its
 * length (at most XATTRSET_MAX).  Content is not looked at.
 * Fails only where no entry can be made: a link whose target can't be read.
 */
int meta_capture(int dirfd, const char *name, int fd, const struct statx *st,
    struct entry *ent, struct buf *storage, struct err *e) ATTR_CHECKED;

/*
 * Add a reason to the error of an entry that meta_capture() made, before it
 * is pointed anywhere but into storage.
 */
void meta_add_error(struct entry *ent, struct buf *storage, const char *reason);

#endif
