/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * scan: one session, and the message of it that is being judged.
 *
 * Flow:    report and data lines come in; at the message's last line it is
 *          sent to rspamd; with the verdict it is given back, as fast as
 *          smtpd takes it: scan_drain() goes on where that stopped.
 * Errors:  who asks no scan_result() before the message is out hears that it
 *          is damaged.  Each failure is logged once.
 */
#ifndef SMTPD_FILTERS_RSPAMD_SCAN_H
#define SMTPD_FILTERS_RSPAMD_SCAN_H

#include <bsd/sys/queue.h>
#include <stdint.h>

struct filter;
struct filter_line;
struct http;
struct scan;
TAILQ_HEAD(scans, scan);

/* What all scans share; everything in it is borrowed. */
struct scan_env {
	struct filter *filter;
	struct http *http;
	const char *settings; /* rspamd's settings to use, or NULL */
	const char *spool;    /* the folder for large messages */
	struct scans giving;  /* with more lines than smtpd would take */
};

enum scan_result {
	SCAN_JUDGED,   /* by rspamd, *reply NULL or the refusal */
	SCAN_UNJUDGED, /* the message is as it came */
	SCAN_DAMAGED,  /* lines of it are lost: it must not be accepted */
};

void scan_env_init(struct scan_env *env, struct filter *f, const char *settings,
    const char *spool);

struct scan *scan_new(struct scan_env *env, uint64_t session);
void scan_free(struct scan *s);

/* A report of the session. */
void scan_report(struct scan *s, const struct filter_line *l);

/* A line of its message. */
void scan_data_line(struct scan *s, const struct filter_line *l);

/* What became of the message; *reply is borrowed until the next report. */
enum scan_result scan_result(const struct scan *s, const char **reply);

/* smtpd takes lines again. */
void scan_drain(struct scan_env *env);

#endif
