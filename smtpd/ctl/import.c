/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * carry, in.  Every envelope of a message is read before anything of it is
 * given to smtpd; what smtpd has taken is written down before the next, so
 * that a second run, or one after an interruption, brings nothing twice.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/spoolfile.h"

#include "smtpd/ctl/client.h"

#include "smtpd/ctl/carry.h"

#define DEPTH_MAX 3 /* queue/12/12345678 */

struct import {
	int done_fd;   /* the list of what was taken; -1: none is kept */
	char *done;    /* its text, as it was */
	bool remove;   /* what was taken: discover */
	uint32_t only; /* 0: all */
	size_t n_taken, n_here, n_failed;
};

struct parcel {
	struct carry carry;
	int dir, text;
};

/* Eight or sixteen lower-case digits, and nothing else. */
static bool
parse_digits(const char *name, size_t digits, uint64_t *out)
{
	if (strlen(name) != digits ||
	    strspn(name, "0123456789abcdef") != digits)
		return false;
	*out = strtoull(name, NULL, 16);
	return *out != 0;
}

static int
open_regular(int dir, const char *name, struct err *e)
{
	int fd =
	    openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd == -1) {
		err_sys(e, "%s", name);
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	err_set(e, ERR_CORRUPT, "%s is no file", name);
	close(fd);
	return -1;
}

static int
read_envelope(
    struct parcel *p, int dir, const char *name, uint64_t id, struct err *e)
{
	struct buf text = { 0 };
	struct envelope ev;
	int fd = open_regular(dir, name, e), rc = -1;
	size_t got;

	if (fd == -1)
		return -1;
	if (fs_pread_full(fd, buf_reserve(&text, SPOOLFILE_MAX + 1),
		SPOOLFILE_MAX + 1, 0, &got, e) == 0)
		rc = spoolfile_parse(text.data, got, &ev, e);
	if (rc == 0) {
		ev.id = id;
		carry_add(&p->carry, &ev);
		envelope_clear(&ev);
	} else {
		err_wrap(e, "%s", name);
	}
	close(fd);
	buf_free(&text);
	return rc;
}

static DIR *
list(int dir, struct err *e)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);

	if (d == NULL)
		err_sys(e, "a directory");
	return d;
}

/* All files beside the message; any that is no envelope of it is refused. */
static int
read_envelopes(struct parcel *p, int dir, struct err *e)
{
	DIR *d = list(dir, e);
	const struct dirent *entry;
	int rc = d == NULL ? -1 : 0;

	while (rc == 0 && (entry = readdir(d)) != NULL) {
		uint64_t id;

		if (entry->d_name[0] == '.' ||
		    strcmp(entry->d_name, CARRY_MESSAGE) == 0)
			continue;
		if (!parse_digits(entry->d_name, 16, &id) ||
		    envelope_msgid(id) != p->carry.msgid) {
			err_set(e, ERR_CORRUPT,
			    "%s is no envelope of this message", entry->d_name);
			rc = -1;
		} else {
			rc = read_envelope(p, dir, entry->d_name, id, e);
		}
	}
	if (d != NULL)
		closedir(d);
	if (rc == 0 && p->carry.n == 0) {
		err_set(e, ERR_CORRUPT, "it has no envelope");
		rc = -1;
	}
	return rc;
}

/* What OpenSMTPD makes of a message with compression or encryption on. */
static int
check_text(int fd, struct err *e)
{
	uint8_t head[2] = { 0 };
	size_t got;

	if (fs_pread_full(fd, head, 2, 0, &got, e) == -1)
		return -1;
	if (got == 0)
		err_set(e, ERR_CORRUPT, "the message is empty");
	else if (head[0] == 0x1f && head[1] == 0x8b)
		err_set(e, ERR_UNSUPPORTED,
		    "the message is compressed: unpack it with gzip first");
	else if (head[0] < ' ' && head[0] != '\n' && head[0] != '\r' &&
	    head[0] != '\t')
		err_set(e, ERR_UNSUPPORTED,
		    "the message is encrypted, or none: it begins with byte "
		    "%u",
		    head[0]);
	else
		return 0;
	return -1;
}

/* A client_cb: the id that it has now, or "here". */
static void
take_answer(const char *text, size_t len, void *arg)
{
	if (len < CARRY_ANSWER) {
		memcpy(arg, text, len);
		((char *)arg)[len] = '\0';
	}
}

int
carry_hand_over(
    const struct carry *c, int fd, char answer[CARRY_ANSWER], struct err *e)
{
	struct buf b = { 0 };
	int rc;

	answer[0] = '\0';
	wire_put_u32(&b, c->msgid);
	wire_put_varint(&b, c->n);
	buf_add(&b, c->envelopes.data, c->envelopes.len);
	rc = client_ask(MSG_IMPORT, b.data, b.len, fd, take_answer, answer, e);
	buf_free(&b);
	return rc;
}

void
carry_add(struct carry *c, const struct envelope *ev)
{
	struct buf one = { 0 };

	envelope_encode(ev, &one);
	wire_put_varint(&c->envelopes, one.len);
	buf_add(&c->envelopes, one.data, one.len);
	c->n++;
	buf_free(&one);
}

static int
note_done(struct import *im, const char *name, struct err *e)
{
	char *line = xasprintf("%s\n", name);
	int rc = fs_write_all(im->done_fd, line, strlen(line), e);

	free(line);
	if (rc == 0 && fsync(im->done_fd) == 0)
		return 0;
	err_sys(e, "it was taken in, and that can't be written to %s",
	    CARRY_IMPORTED);
	return -1;
}

static int
import_message(struct import *im, int parent, const char *name,
    struct parcel *p, struct err *e)
{
	char answer[CARRY_ANSWER];
	int rc;

	p->text = open_regular(p->dir, CARRY_MESSAGE, e);
	if (p->text == -1)
		return -1;
	rc = check_text(p->text, e);
	if (rc == 0)
		rc = read_envelopes(p, p->dir, e);
	if (rc == 0)
		rc = carry_hand_over(&p->carry, p->text, answer, e);
	close(p->text);
	if (rc == -1)
		return -1;
	if (strcmp(answer, "here") == 0)
		im->n_here++;
	else
		im->n_taken++;
	if (!im->remove)
		return note_done(im, name, e);
	rc = carry_remove(parent, name, p->dir);
	if (rc == -1)
		err_sys(e, "it was taken in, and can't be removed");
	return rc;
}

static bool
was_done(const struct import *im, const char *name)
{
	const char *at = im->done;
	size_t len = strlen(name);

	while (at != NULL && (at = strstr(at, name)) != NULL) {
		if ((at == im->done || at[-1] == '\n') && at[len] == '\n')
			return true;
		at++;
	}
	return false;
}

static void walk(struct import *im, int dir, const char *where, int depth);

static void
visit(struct import *im, int parent, const char *where, const char *name,
    int depth)
{
	struct parcel p = { .dir = -1, .text = -1 };
	uint64_t id;
	struct err e;

	p.dir = openat(
	    parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (p.dir == -1) {
		fprintf(stderr, "smtpctl: %s/%s: %s\n", where, name,
		    strerror(errno));
		im->n_failed++;
		return;
	}
	if (!parse_digits(name, 8, &id)) {
		char *path = fs_join(where, name);

		walk(im, p.dir, path, depth + 1);
		free(path);
	} else if (im->only != 0 && im->only != id) {
		/* not asked for */
	} else if (was_done(im, name)) {
		im->n_here++;
	} else {
		p.carry.msgid = (uint32_t)id;
		if (import_message(im, parent, name, &p, &e) == -1) {
			fprintf(
			    stderr, "smtpctl: %s/%s: %s\n", where, name, e.msg);
			im->n_failed++;
		}
	}
	buf_free(&p.carry.envelopes);
	close(p.dir);
}

static void
take_left(struct import *im, int dir, const char *name, const char *path)
{
	int fd = -1;
	struct err e;

	if (was_done(im, name)) {
		im->n_here++;
		return;
	}
	fd = open_regular(dir, name, &e);
	if (fd != -1 && carry_submit_left(fd, &e) == 0 &&
	    note_done(im, name, &e) == 0) {
		im->n_taken++;
	} else {
		fprintf(stderr, "smtpctl: %s/%s: %s\n", path, name, e.msg);
		im->n_failed++;
	}
	if (fd != -1)
		close(fd);
}

/* What was sent while OpenSMTPD was down. */
static void
visit_left(struct import *im, int parent, const char *where)
{
	int dir = openat(parent, CARRY_LEFT,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char *path = fs_join(where, CARRY_LEFT);
	struct err e;
	DIR *d = NULL;
	const struct dirent *entry;

	if (dir == -1)
		err_sys(&e, "a directory");
	else
		d = list(dir, &e);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (carry_is_left(entry->d_name))
			take_left(im, dir, entry->d_name, path);
	}
	if (d != NULL) {
		closedir(d);
	} else {
		fprintf(stderr, "smtpctl: %s: %s\n", path, e.msg);
		im->n_failed++;
	}
	if (dir != -1)
		close(dir);
	free(path);
}

/* Messages, and where OpenSMTPD has them: "queue", and two digits. */
static void
walk(struct import *im, int dir, const char *where, int depth)
{
	struct err e;
	DIR *d = list(dir, &e);
	const struct dirent *entry;
	uint64_t id;

	if (d == NULL) {
		fprintf(stderr, "smtpctl: %s: %s\n", where, e.msg);
		im->n_failed++;
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		const char *name = entry->d_name;

		if (depth == 0 && !im->remove && strcmp(name, CARRY_LEFT) == 0)
			visit_left(im, dir, where);
		else if (parse_digits(name, 8, &id) ||
		    (depth < DEPTH_MAX &&
			((depth == 0 && strcmp(name, "queue") == 0) ||
			    (strlen(name) == 2 &&
				strspn(name, "0123456789abcdef") == 2))))
			visit(im, dir, where, name, depth);
	}
	closedir(d);
}

static int
finish(const struct import *im, struct err *e)
{
	if (im->n_failed > 0) {
		err_set(e, ERR_CORRUPT,
		    "taken in: %zu; there before: %zu; left where they are, for "
		    "the reasons above: %zu",
		    im->n_taken, im->n_here, im->n_failed);
		return -1;
	}
	if (im->n_taken + im->n_here == 0) {
		err_set(e, ERR_NOT_FOUND, "there is no message");
		return -1;
	}
	printf("taken in: %zu; there before: %zu\n", im->n_taken, im->n_here);
	return 0;
}

/* The list of what was taken out of this directory before. */
static int
open_done(struct import *im, int dir, const char *where, struct err *e)
{
	struct buf text = { 0 };
	struct stat st;
	size_t got;
	int rc;

	im->done_fd = openat(dir, CARRY_IMPORTED,
	    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (im->done_fd == -1 || fstat(im->done_fd, &st) == -1 ||
	    !S_ISREG(st.st_mode) || fsync(dir) == -1) {
		err_sys(e, "%s/%s, which says what was taken in", where,
		    CARRY_IMPORTED);
		return -1;
	}
	rc = fs_pread_full(im->done_fd,
	    buf_reserve(&text, (size_t)st.st_size + 1), (size_t)st.st_size, 0,
	    &got, e);
	if (rc == 0)
		im->done = xstrndup((const char *)text.data, got);
	buf_free(&text);
	return rc;
}

static int
run(struct import *im, const char *where, struct err *e)
{
	int dir = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;

	if (dir == -1 && im->remove && errno == ENOENT)
		err_set(e, ERR_NOT_FOUND,
		    "there is no %s: messages to take in are put there", where);
	else if (dir == -1)
		err_sys(e, "%s", where);
	else if (im->remove || open_done(im, dir, where, e) == 0) {
		walk(im, dir, where, 0);
		rc = finish(im, e);
	}
	if (dir != -1)
		close(dir);
	if (im->done_fd != -1)
		close(im->done_fd);
	free(im->done);
	return rc;
}

int
carry_import(int argc, char **argv, struct err *e)
{
	struct import im = { .done_fd = -1 };

	if (argc == 1)
		return run(&im, argv[0], e);
	err_set(e, ERR_USAGE, "usage: smtpctl import DIR");
	return -1;
}

int
carry_discover(int argc, char **argv, struct err *e)
{
	struct import im = { .done_fd = -1, .remove = true };
	char *spool, *socket, *where, digits[9] = "";
	uint64_t id = 0;
	int rc;

	if (argc == 1)
		snprintf(digits, sizeof(digits), "%s", argv[0]);
	if (argc != 1 ||
	    (strcmp(argv[0], "all") != 0 && !parse_digits(digits, 8, &id))) {
		err_set(e, ERR_USAGE, "usage: smtpctl discover ID");
		return -1;
	}
	im.only = (uint32_t)id;
	setup_paths(&spool, &socket);
	where = fs_join(spool, "discover");
	rc = run(&im, where, e);
	free(where);
	free(spool);
	free(socket);
	return rc;
}
