/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"

#include "smtpd/deliver/methods.h"

#define MBOX_DIR "/var/mail"

static enum delivery_status
later(char *line, const char *what, const char *path)
{
	snprintf(line, DELIVERY_STATUS_MAX, "%s %.300s: %s", what, path,
	    strerror(errno));
	return DELIVERY_LATER;
}

/* The message in mbox form: a From line, and '>' before lines like it. */
static void
format_mbox(
    const struct delivery *d, const uint8_t *body, size_t len, struct buf *out)
{
	char text[ADDRESS_TEXT_LEN], when[32];
	time_t now = time(NULL);
	struct tm tm;
	size_t at = 0;

	address_text(&d->sender, text);
	strftime(
	    when, sizeof(when), "%a %b %e %H:%M:%S %Y", gmtime_r(&now, &tm));
	buf_printf(out, "From %s %s\n",
	    text[0] == '\0' ? "MAILER-DAEMON" : text, when);
	delivery_trace(d, out);
	while (at < len) {
		const uint8_t *lf = memchr(body + at, '\n', len - at);
		size_t n = lf == NULL ? len - at : (size_t)(lf - body) - at + 1;
		size_t mark = 0;

		while (mark < n && body[at + mark] == '>')
			mark++;
		if (n - mark >= 5 && memcmp(body + at + mark, "From ", 5) == 0)
			buf_add_u8(out, '>');
		buf_add(out, body + at, n);
		at += n;
	}
	if (len > 0 && body[len - 1] != '\n')
		buf_add_u8(out, '\n');
	buf_add_u8(out, '\n');
}

/* Append whole or not at all: what a failed write left is cut off. */
static enum delivery_status
append(int fd, const struct delivery *d, const char *path, char *line)
{
	struct buf out = { 0 }, keep = { 0 };
	const uint8_t *body;
	struct err e;
	size_t len;
	off_t end;
	enum delivery_status status = DELIVERY_OK;

	end = lseek(fd, 0, SEEK_END);
	if (end == -1 || !delivery_body(d, &keep, &body, &len)) {
		buf_free(&keep);
		return later(line, "read", path);
	}
	format_mbox(d, body, len, &out);
	if (fs_write_all(fd, out.data, out.len, &e) == -1 || fsync(fd) == -1) {
		status = later(line, "write", path);
		if (ftruncate(fd, end) == -1)
			status = later(line, "cut", path);
	}
	buf_free(&out);
	buf_free(&keep);
	return status;
}

static enum delivery_status
append_to(const struct delivery *d, const char *path, char *line)
{
	int fd = open(path,
	    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0600);
	enum delivery_status status;
	struct stat st;

	if (fd == -1)
		return later(line, "open", path);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
		snprintf(line, DELIVERY_STATUS_MAX,
		    "%.300s is not a plain file with one name", path);
		close(fd);
		return DELIVERY_LATER;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		status = later(line, "lock", path);
	else
		status = append(fd, d, path, line);
	close(fd);
	if (status == DELIVERY_OK)
		snprintf(line, DELIVERY_STATUS_MAX, "Delivered");
	return status;
}

enum delivery_status
mbox_deliver(const struct delivery *d, char *line)
{
	char path[512];

	if (strchr(d->user, '/') != NULL || d->user[0] == '.') {
		snprintf(line, DELIVERY_STATUS_MAX, "no mailbox of this name");
		return DELIVERY_FAILED;
	}
	snprintf(path, sizeof(path), MBOX_DIR "/%s", d->user);
	return append_to(d, path, line);
}

enum delivery_status
file_deliver(const struct delivery *d, char *line)
{
	return append_to(d, d->exec, line);
}
