/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * carry, out.  A message is written beside its place, synced, and renamed.
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

#include "smtpd/ctl/client.h"

#include "smtpd/ctl/carry.h"

struct export
{
	int dir;     /* where the messages go */
	int message; /* the directory of the one that is written */
	int fd;      /* its text */
	struct err e;
	bool failed;
	uint32_t *msgids;
	size_t n, n_done, n_failed;
};

/* The first problem of a message; the answer is read to its end. */
static void
fail(struct export *x, const char *what)
{
	if (!x->failed)
		err_sys(&x->e, "%s", what);
	x->failed = true;
}

/* A client_cb: evpids, ascending. */
static void
take_id(const char *text, size_t len, void *arg)
{
	struct export *x = arg;
	char digits[9] = "";
	uint32_t msgid;

	if (len < 8)
		return;
	memcpy(digits, text, 8);
	msgid = (uint32_t)strtoul(digits, NULL, 16);
	if (x->n > 0 && x->msgids[x->n - 1] == msgid)
		return;
	if ((x->n & (x->n - 1)) == 0)
		x->msgids = xreallocarray(
		    x->msgids, x->n == 0 ? 1 : x->n * 2, sizeof(*x->msgids));
	x->msgids[x->n++] = msgid;
}

static int
create(struct export *x, const char *name)
{
	return openat(x->message, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void
write_and_sync(
    struct export *x, int fd, const char *name, const char *text, size_t len)
{
	struct err e;

	if (fd == -1 || fs_write_all(fd, text, len, &e) == -1 ||
	    fsync(fd) == -1)
		fail(x, name);
	if (fd != -1)
		close(fd);
}

/* A client_cb: an id, a line end, an envelope. */
static void
take_envelope(const char *text, size_t len, void *arg)
{
	struct export *x = arg;
	char name[17] = "";

	if (len < 17 || x->failed)
		return;
	memcpy(name, text, 16);
	write_and_sync(x, create(x, name), name, text + 17, len - 17);
}

/* A client_cb: a piece of the message. */
static void
take_text(const char *text, size_t len, void *arg)
{
	struct export *x = arg;
	struct err e;

	if (!x->failed && fs_write_all(x->fd, text, len, &e) == -1)
		fail(x, CARRY_MESSAGE);
}

int
carry_remove(int parent, const char *name, int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (d == NULL)
		return -1;
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			rc = unlinkat(dir, entry->d_name, 0);
	}
	closedir(d);
	return rc == -1 ? -1 : unlinkat(parent, name, AT_REMOVEDIR);
}

/* Both parts of msgid, into the directory that is open; -1: told in x->e. */
static int
write_parts(struct export *x, uint32_t msgid)
{
	char words[64];
	int rc;

	x->fd = create(x, CARRY_MESSAGE);
	if (x->fd == -1) {
		err_sys(&x->e, CARRY_MESSAGE);
		return -1;
	}
	snprintf(words, sizeof(words), "show-message %08x", msgid);
	rc = client_say(words, take_text, x, &x->e);
	if (rc == 0 && !x->failed && fsync(x->fd) == -1)
		fail(x, CARRY_MESSAGE);
	close(x->fd);
	if (rc == -1 || x->failed)
		return -1;
	snprintf(words, sizeof(words), "export %08x", msgid);
	rc = client_say(words, take_envelope, x, &x->e);
	if (rc == 0 && !x->failed && fsync(x->message) == -1)
		fail(x, ".");
	return rc == -1 || x->failed ? -1 : 0;
}

static int
export_one(struct export *x, uint32_t msgid)
{
	char name[16], temporary[32];
	int rc;

	snprintf(name, sizeof(name), "%08x", msgid);
	snprintf(temporary, sizeof(temporary), ".%s.%ld", name, (long)getpid());
	x->failed = false;
	if (faccessat(x->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		err_set(&x->e, ERR_EXISTS, "it is there already");
		return -1;
	}
	if (mkdirat(x->dir, temporary, 0700) == -1) {
		err_sys(&x->e, "%s", temporary);
		return -1;
	}
	x->message =
	    openat(x->dir, temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->message == -1) {
		err_sys(&x->e, "%s", temporary);
		return -1;
	}
	rc = write_parts(x, msgid);
	if (rc == 0 && renameat(x->dir, temporary, x->dir, name) == -1) {
		err_sys(&x->e, "%s", name);
		rc = -1;
	}
	/* What is left there of a failure is of no use. */
	if (rc == -1)
		carry_remove(x->dir, temporary, x->message);
	close(x->message);
	return rc;
}

/* Delivered, or removed, since it was listed. */
static bool
is_gone(const struct err *e)
{
	return e->kind == ERR_NOT_FOUND &&
	    (strncmp(e->msg, "no message", 10) == 0 ||
		strncmp(e->msg, "no such envelope", 16) == 0);
}

static void
export_all(struct export *x)
{
	for (size_t i = 0; i < x->n; i++) {
		if (export_one(x, x->msgids[i]) == 0) {
			x->n_done++;
		} else if (!is_gone(&x->e)) {
			fprintf(stderr, "smtpctl: %08x: %s\n", x->msgids[i],
			    x->e.msg);
			x->n_failed++;
		}
	}
}

int
carry_export(int argc, char **argv, struct err *e)
{
	struct export x = { .dir = -1 };
	char *words;
	int rc = -1;

	if (argc < 1 || argc > 2) {
		err_set(e, ERR_USAGE, "usage: smtpctl export DIR [ID]");
		return -1;
	}
	words = xasprintf("list %s", argc == 2 ? argv[1] : "all");
	if (client_say(words, take_id, &x, e) == -1)
		goto out;
	if (mkdir(argv[0], 0700) == -1 && errno != EEXIST) {
		err_sys(e, "%s", argv[0]);
		goto out;
	}
	x.dir = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x.dir == -1) {
		err_sys(e, "%s", argv[0]);
		goto out;
	}
	export_all(&x);
	if (fsync(x.dir) == -1) {
		err_sys(e, "%s", argv[0]);
	} else if (x.n_failed > 0) {
		err_set(e, ERR_SYSTEM, "%zu written, %zu could not be",
		    x.n_done, x.n_failed);
	} else {
		printf("%zu message%s in %s\n", x.n_done,
		    x.n_done == 1 ? " is" : "s are", argv[0]);
		rc = 0;
	}
out:
	if (x.dir != -1)
		close(x.dir);
	free(x.msgids);
	free(words);
	return rc;
}
