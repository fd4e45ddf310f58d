/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * parent: the .forward files, which only their owners (and root) can read.
 * What could have been planted there by someone else is not heeded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/lookup/expand.h"

#include "smtpd/proc/parent/parent_internal.h"

#define FORWARD_MAX 4096

static bool
safe(const struct stat *st, uid_t uid)
{
	return (st->st_uid == uid || st->st_uid == 0) &&
	    (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The file, checked by its descriptor; -1 with *kind for none or not now. */
static int
open_forward(const char *home, uid_t uid, enum expand_forward *kind)
{
	struct stat st;
	int dir = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	*kind = EXPAND_NO_FORWARD;
	if (dir == -1)
		return -1;
	fd = openat(
	    dir, ".forward", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		if (errno != ENOENT)
			*kind = EXPAND_FORWARD_LATER;
		close(dir);
		return -1;
	}
	if (fstat(dir, &st) == -1 || !safe(&st, uid) ||
	    (st.st_mode & S_ISVTX) != 0 || fstat(fd, &st) == -1 ||
	    !S_ISREG(st.st_mode) || !safe(&st, uid) || st.st_nlink != 1 ||
	    st.st_size > FORWARD_MAX) {
		*kind = EXPAND_FORWARD_LATER;
		close(fd);
		fd = -1;
	}
	close(dir);
	return fd;
}

/* FORWARD: request u32, token u32, uid u32, home. */
void
forward_read(struct parent *pa, struct ipc_msg *m)
{
	enum expand_forward kind;
	struct buf b = { 0 };
	struct wire w;
	struct err e;
	size_t got = 0;
	uid_t uid;
	char *home;
	int fd;

	wire_init(&w, m->data, m->len);
	wire_put_u32(&b, wire_u32(&w));
	wire_put_u32(&b, wire_u32(&w));
	uid = wire_u32(&w);
	if (!wire_ok(&w)) {
		buf_free(&b);
		return;
	}
	home = xstrndup((const char *)m->data + 12, m->len - 12);
	fd = open_forward(home, uid, &kind);
	buf_reserve(&b, FORWARD_MAX + 1);
	if (fd != -1) {
		kind = fs_pread_full(fd, b.data + b.len + 1, FORWARD_MAX, 0,
			   &got, &e) == 0 ?
		    EXPAND_FORWARD_TEXT :
		    EXPAND_FORWARD_LATER;
		close(fd);
	}
	buf_add_u8(&b, (uint8_t)kind);
	b.len += got;
	parent_send(pa, PROC_LOOKUP, 0, MSG_FORWARDED, &b, -1);
	buf_free(&b);
	free(home);
}
