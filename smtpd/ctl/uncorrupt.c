/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * carry, back: messages out of what the queue has set aside as damaged.
 *
 * What is read there has not checked: it may be anything that its sender has
 * written.  So a record is looked for only where one began; its envelopes are
 * suspended, for a person to look at; and none that runs a command is taken.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wire.h"

#include "smtpd/queue/envelope.h"
#include "smtpd/queue/record.h"

#include "smtpd/proc/setup.h"

#include "smtpd/ctl/carry.h"

#define FILE_MAX (2 * RECORD_MAX)
#define TAKEN    ".taken"

struct salvage {
	struct record_message m;
	const uint8_t *payload;
	struct carry carry; /* the envelopes that can be taken */
	char answer[CARRY_ANSWER];
};

/* One envelope, suspended; false: not to be taken. */
static bool
add_envelope(struct salvage *s, const struct record_span *span)
{
	struct envelope ev;
	struct err e;
	bool ok;

	if (envelope_decode(s->payload + span->offset, span->len, &ev, &e) ==
	    -1)
		return false;
	ok = envelope_msgid(ev.id) == s->m.msgid && ev.id == span->id &&
	    envelope_text(&ev, ENVELOPE_MDA_EXEC)[0] == '\0';
	if (ok) {
		ev.flags |= ENVELOPE_HOLD;
		carry_add(&s->carry, &ev);
	}
	envelope_clear(&ev);
	return ok;
}

/* The record that the file begins with, as far as it can be read. */
static int
read_record(struct salvage *s, const uint8_t *p, size_t len, struct err *e)
{
	struct record r = { .type = RECORD_MESSAGE };

	if (len < RECORD_HEADER_LEN || memcmp(p, "MQRK", 4) != 0 ||
	    p[4] != RECORD_MESSAGE) {
		err_set(e, ERR_CORRUPT, "it does not begin with a message");
		return -1;
	}
	r.payload = s->payload = p + RECORD_HEADER_LEN;
	r.len = len - RECORD_HEADER_LEN;
	if (wire_load32(p + 8) < r.len)
		r.len = wire_load32(p + 8);
	if (!record_message_parse(&r, &s->m)) {
		err_set(e, ERR_CORRUPT, "the message can't be read any more");
		return -1;
	}
	if (s->m.flags != 0) {
		err_set(e, ERR_UNSUPPORTED,
		    "message %08x: its text is elsewhere, or not plain",
		    s->m.msgid);
		return -1;
	}
	for (size_t i = 0; i < s->m.n_envelopes; i++) {
		if (!add_envelope(s, &s->m.envelopes[i]))
			fprintf(stderr,
			    "smtpctl: %016llx: left, for it can't be read or "
			    "runs a command\n",
			    (unsigned long long)s->m.envelopes[i].id);
	}
	s->carry.msgid = s->m.msgid;
	if (s->carry.n > 0)
		return 0;
	err_set(e, ERR_CORRUPT, "message %08x: no envelope can be taken",
	    s->m.msgid);
	return -1;
}

static int
hand_over(struct salvage *s, struct err *e)
{
	int fd = memfd_create("message", MFD_CLOEXEC), rc;

	if (fd == -1) {
		err_sys(e, "a file in memory");
		return -1;
	}
	rc =
	    fs_write_all(fd, s->payload + s->m.body_offset, s->m.stored_len, e);
	if (rc == 0)
		rc = carry_hand_over(&s->carry, fd, s->answer, e);
	close(fd);
	return rc;
}

/* What was taken is kept, under a name that is not looked at again. */
static int
put_away(const char *path, struct err *e)
{
	char *kept = xasprintf("%s" TAKEN, path);
	int rc = rename(path, kept);

	if (rc == -1)
		err_sys(e, "%s", path);
	free(kept);
	return rc;
}

static int
give_back(const char *dir, const char *name, struct err *e)
{
	struct salvage s = { 0 };
	struct buf text = { 0 };
	char *path = fs_join(dir, name);
	int rc = fs_read_file(path, FILE_MAX, &text, e);

	if (rc == 0) {
		rc = read_record(&s, text.data, text.len, e);
		if (rc == 0)
			rc = hand_over(&s, e);
		if (rc == 0)
			rc = put_away(path, e);
		if (rc == -1)
			err_wrap(e, "%s", name);
	}
	if (rc == 0 && strcmp(s.answer, "here") == 0)
		printf("%08x is in the queue already\n", s.m.msgid);
	else if (rc == 0)
		printf("%s is suspended in the queue: show it, then resume or "
		       "remove it\n",
		    s.answer);
	record_message_clear(&s.m);
	buf_free(&s.carry.envelopes);
	buf_free(&text);
	free(path);
	return rc;
}

static bool
is_taken(const char *name)
{
	size_t len = strlen(name), n = strlen(TAKEN);

	return name[0] == '.' ||
	    (len > n && strcmp(name + len - n, TAKEN) == 0);
}

/* Give all of them back; or just print their names. */
static int
each(const char *dir, bool give, struct err *e)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	size_t n_failed = 0, n = 0;

	if (d == NULL) {
		err_sys(e, "%s", dir);
		return -1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (is_taken(entry->d_name))
			continue;
		n++;
		if (!give) {
			puts(entry->d_name);
		} else if (give_back(dir, entry->d_name, e) == -1) {
			fprintf(stderr, "smtpctl: %s\n", e->msg);
			n_failed++;
		}
	}
	closedir(d);
	if (n_failed == 0)
		return 0;
	err_set(e, ERR_CORRUPT,
	    "%zu of %zu can't be given back: they stay in "
	    "%s",
	    n_failed, n, dir);
	return -1;
}

int
carry_uncorrupt(int argc, char **argv, struct err *e)
{
	char *spool, *socket, *dir;
	int rc;

	if (argc > 1 || (argc == 1 && strchr(argv[0], '/') != NULL)) {
		err_set(e, ERR_USAGE, "usage: smtpctl uncorrupt [NAME]");
		return -1;
	}
	setup_paths(&spool, &socket);
	dir = fs_join(spool, "corrupt");
	if (argc == 0 || strcmp(argv[0], "all") == 0)
		rc = each(dir, argc == 1, e);
	else
		rc = give_back(dir, argv[0], e);
	free(dir);
	free(spool);
	free(socket);
	return rc;
}
