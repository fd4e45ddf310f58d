/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * setup: all that a process is told when it starts and at a reload.
 *
 * Ownership: counted, since sessions live on with the one they began with.
 */
#ifndef SMTPD_PROC_SETUP_H
#define SMTPD_PROC_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/attr.h"

#define SETUP_HOSTNAME_MAX 255
#define SETUP_USER         "_smtpd"
#define SETUP_QUEUE_USER   "_smtpq"
#define SETUP_EMPTY_DIR    "/var/empty"
#define SETUP_SPOOL        "/var/spool/smtpd"
#define SETUP_OFFLINE      "offline" /* in the spool: mail that waits */

struct buf;
struct conf;
struct conf_source;
struct err;

enum setup_paused {
	SETUP_PAUSE_MDA = 1,
	SETUP_PAUSE_MTA = 2,
	SETUP_PAUSE_SMTP = 4
};

struct setup {
	unsigned refs;
	struct conf *conf;
	struct conf_source *source;
	size_t n_conf_files; /* of source's; certificates come after them */
	char *conf_path;
	char **macros;
	size_t n_macros;
	char hostname[SETUP_HOSTNAME_MAX + 1];
	char *spool, *socket;
	char *queue_key; /* the parent's only, and the queue's when told */
	bool foreground;
	bool privileged; /* started by root: users are changed */
	bool verbose;
	unsigned paused; /* enum setup_paused */
	unsigned trace;  /* proc/trace.h */
	unsigned n_dispatchers;
	unsigned filter_time;  /* seconds for an answer of a filter */
	unsigned session_time; /* seconds that a client has for a command */
	unsigned table_time;   /* seconds for an answer of a table's program */
	unsigned generation;   /* how often it was read anew */
	uid_t uid, queue_uid;
	gid_t gid, queue_gid;
};

/*
 * Read and check the configuration.  NULL after a problem; problems then has
 * a line for each.  Without one, it has warnings.
 */
struct setup *setup_read(const char *conf_path, const char *const *macros,
    size_t n_macros, struct buf *problems);

/* Where the spool and the socket are: see smtpd(8), ENVIRONMENT. */
void setup_paths(char **spool, char **socket);

/* certificates: also those that the configuration names, and the system's. */
void setup_encode(const struct setup *s, bool certificates, struct buf *out);
struct setup *setup_decode(const void *data, size_t len, struct err *e);

struct setup *setup_ref(struct setup *s);
void setup_unref(struct setup *s);

#endif
