/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store, bodies: in the log, or in files of their own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/record.h"
#include "smtpd/queue/seal.h"

#include "smtpd/queue/store_internal.h"

static void
body_name(uint32_t msgid, char name[16])
{
	snprintf(name, 16, "%08x", msgid);
}

int
store_body_file(struct store *s, struct err *e)
{
	int fd =
	    openat(s->bodies_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd == -1)
		err_sys(e, "a file in %s/bodies", s->dir);
	return fd;
}

/* All of a file, appended to out. */
static int
read_file(int fd, struct buf *out, struct err *e)
{
	struct stat st;
	size_t got;

	if (fstat(fd, &st) == -1) {
		err_sys(e, "a body");
		return -1;
	}
	if (fs_pread_full(fd, buf_reserve(out, (size_t)st.st_size + 1),
		(size_t)st.st_size, 0, &got, e) == -1)
		return -1;
	out->len += got;
	return 0;
}

/* Another file, with what the disk is to have of it; -1 after an error. */
static int
seal_file(
    struct store *s, uint32_t msgid, int fd, uint8_t *flags, struct err *e)
{
	struct buf plain = { 0 }, stored = { 0 };
	int to = store_body_file(s, e);

	if (to != -1 && read_file(fd, &plain, e) == 0) {
		seal_body(
		    s->seal, msgid, plain.data, plain.len, &stored, flags);
		if (fs_write_all(to, stored.data, stored.len, e) == 0)
			goto out;
	}
	if (to != -1)
		close(to);
	to = -1;
out:
	buf_free(&plain);
	buf_free(&stored);
	return to;
}

static int
link_file(struct store *s, uint32_t msgid, int fd, struct err *e)
{
	char from[64], name[16];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	body_name(msgid, name);
	if (fsync(fd) == -1 ||
	    linkat(AT_FDCWD, from, s->bodies_fd, name, AT_SYMLINK_FOLLOW) ==
		-1 ||
	    fsync(s->bodies_fd) == -1) {
		err_sys(e, "%s/bodies/%s", s->dir, name);
		return -1;
	}
	return 0;
}

int
store_body_link(
    struct store *s, uint32_t msgid, int fd, uint8_t *flags, struct err *e)
{
	int sealed, rc;

	*flags = 0;
	if (!seal_changes(s->seal))
		return link_file(s, msgid, fd, e);
	sealed = seal_file(s, msgid, fd, flags, e);
	if (sealed == -1)
		return -1;
	rc = link_file(s, msgid, sealed, e);
	close(sealed);
	return rc;
}

void
store_body_unlink(struct store *s, uint32_t msgid)
{
	char name[16];

	body_name(msgid, name);
	unlinkat(s->bodies_fd, name, 0);
}

uint64_t
store_body_len(struct store *s, uint32_t msgid)
{
	const struct store_message *m = store_find(s, msgid);

	return m == NULL ? 0 : m->body_len;
}

static int
get_inline(struct store *s, const struct store_message *m, struct buf *out,
    struct err *e)
{
	struct buf stored = { 0 };
	int rc;

	if ((m->flags & (RECORD_PACKED | RECORD_SEALED)) == 0)
		return store_read_at(
		    m->segment, m->body_offset, m->stored_len, out, e);
	rc = store_read_at(
	    m->segment, m->body_offset, m->stored_len, &stored, e);
	if (rc == 0)
		rc = unseal_body(s->seal, m->msgid, m->flags, stored.data,
		    stored.len, m->body_len, out, e);
	buf_free(&stored);
	return rc;
}

/* A file in memory, with the message as it came. */
static int
unseal_file(
    struct store *s, const struct store_message *m, int fd, struct err *e)
{
	struct buf stored = { 0 }, plain = { 0 };
	int to = memfd_create("body", MFD_CLOEXEC);

	if (to == -1)
		err_sys(e, "a body in memory");
	if (to == -1 || read_file(fd, &stored, e) == -1 ||
	    unseal_body(s->seal, m->msgid, m->flags, stored.data, stored.len,
		m->body_len, &plain, e) == -1 ||
	    fs_write_all(to, plain.data, plain.len, e) == -1) {
		if (to != -1)
			close(to);
		to = -1;
	} else {
		lseek(to, 0, SEEK_SET);
	}
	buf_free(&stored);
	buf_free(&plain);
	return to;
}

static int
open_file(struct store *s, const struct store_message *m, struct err *e)
{
	char name[16];
	int fd, plain;

	body_name(m->msgid, name);
	fd = openat(s->bodies_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		err_sys(e, "%s/bodies/%s", s->dir, name);
		return -1;
	}
	if ((m->flags & (RECORD_PACKED | RECORD_SEALED)) == 0)
		return fd;
	plain = unseal_file(s, m, fd, e);
	close(fd);
	return plain;
}

int
store_get_body(struct store *s, uint32_t msgid, struct buf *out, int *fd,
    uint64_t *len, struct err *e)
{
	const struct store_message *m = store_find(s, msgid);
	int rc;

	*fd = -1;
	if (m == NULL) {
		err_set(e, ERR_NOT_FOUND, "no message %08x", msgid);
		return -1;
	}
	*len = m->body_len;
	if ((m->flags & RECORD_EXTERNAL) == 0) {
		rc = get_inline(s, m, out, e);
	} else {
		*fd = open_file(s, m, e);
		rc = *fd == -1 ? -1 : 0;
	}
	if (rc == -1)
		err_wrap(e, "message %08x", msgid);
	return rc;
}
