/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * queue, the files that waited for smtpd: each becomes a message once.
 *
 * Before the commit, the file gets the message's id behind its name; after
 * the commit, and before any of it can be delivered, it is removed.  So at
 * a start a file with an id is a message that the store has, or one that was
 * never committed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conv.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/hex.h"
#include "lib/log.h"
#include "lib/wire.h"

#include "smtpd/submit/submission.h"

#include "smtpd/proc/queue/queue_internal.h"

#define NAME_MAX_LEN (SUBMISSION_NAME_LEN + 10) /* and ".", id, NUL */

static int
open_dir(const struct queue *q)
{
	char *path = fs_join(q->proc->setup->spool, SETUP_OFFLINE);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	free(path);
	return fd;
}

static void
taken_name(const struct reception *r, char out[NAME_MAX_LEN])
{
	snprintf(out, NAME_MAX_LEN, "%s.%08x", r->offline, r->msgid);
}

/* Rename or, to NULL, remove; durably. */
static bool
move(int dir, const char *from, const char *to)
{
	int rc =
	    to != NULL ? renameat(dir, from, dir, to) : unlinkat(dir, from, 0);

	return rc == 0 && fsync(dir) == 0;
}

static bool
change(struct queue *q, const char *from, const char *to)
{
	int dir = open_dir(q);
	bool ok = dir != -1 && move(dir, from, to);

	if (!ok)
		log_warn("queue: the waiting file %s can't be %s", from,
		    to == NULL ? "removed" : "taken");
	if (dir != -1)
		close(dir);
	return ok;
}

bool
offline_take(struct queue *q, const struct reception *r)
{
	char taken[NAME_MAX_LEN];

	taken_name(r, taken);
	return r->offline[0] == '\0' || change(q, r->offline, taken);
}

void
offline_taken(struct queue *q, const struct reception *r, bool ok)
{
	char taken[NAME_MAX_LEN];

	taken_name(r, taken);
	if (r->offline[0] != '\0')
		change(q, taken, ok ? NULL : r->offline);
}

/* The id behind a name; 0 when there is none. */
static uint32_t
taken_id(const char *name, char own[SUBMISSION_NAME_LEN + 1])
{
	uint8_t id[4];

	if (strlen(name) != NAME_MAX_LEN - 1 ||
	    name[SUBMISSION_NAME_LEN] != '.' ||
	    !hex_decode(name + SUBMISSION_NAME_LEN + 1, 8, id, 4))
		return 0;
	memcpy(own, name, SUBMISSION_NAME_LEN);
	own[SUBMISSION_NAME_LEN] = '\0';
	return submission_name_valid(own) ? (uint32_t)id[0] << 24 |
		(uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3] :
					    0;
}

void
offline_recover(struct queue *q)
{
	const struct dirent *entry;
	int fd = open_dir(q);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char own[SUBMISSION_NAME_LEN + 1];
		uint32_t id = taken_id(entry->d_name, own);

		if (id != 0 &&
		    !move(fd, entry->d_name,
			store_has_message(q->store, id) ? NULL : own))
			log_warn("queue: the waiting file %s can't be removed",
			    entry->d_name);
	}
	closedir(dir);
}
