/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * carry: messages out of the queue into a directory, and from there, or from
 * the spool of an OpenSMTPD, into the queue.
 *
 * Shape:  DIR/MSGID/message and DIR/MSGID/EVPID for each envelope.
 * Errors: each message is whole or not there; what is wrong with one is told
 *         and the others go on, then -1.
 * Source: doc/formats/smtpd-export.md.
 */
#ifndef SMTPD_CTL_CARRY_H
#define SMTPD_CTL_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/attr.h"
#include "lib/buf.h"

#define CARRY_MESSAGE  "message"
#define CARRY_LEFT     "offline"   /* in the spool of an OpenSMTPD */
#define CARRY_IMPORTED ".imported" /* ids that were taken out of a directory */

#define CARRY_ANSWER   32

struct envelope;
struct err;

/* A message for smtpd: its envelopes, encoded one after the other. */
struct carry {
	uint32_t msgid;
	struct buf envelopes;
	size_t n;
};

void carry_add(struct carry *c, const struct envelope *ev);

/*
 * Give smtpd the message with the text of fd.  answer: the id that it has
 * now, or "here" when it was there.  After 0 it is on smtpd's disk.
 */
int carry_hand_over(const struct carry *c, int fd, char answer[CARRY_ANSWER],
    struct err *e) ATTR_CHECKED;

/*
 * A message that the sendmail of an OpenSMTPD has left in its spool, in
 * offline: whether it can be one, by its name; and hand it in, as the user
 * who owns it.
 */
bool carry_is_left(const char *name);
int carry_submit_left(int fd, struct err *e) ATTR_CHECKED;

/* Remove the directory dir, whose name in parent is name, and its files. */
int carry_remove(int parent, const char *name, int dir);

/* "export DIR [ID]", "import DIR", "discover ID". */
int carry_export(int argc, char **argv, struct err *e) ATTR_CHECKED;
int carry_import(int argc, char **argv, struct err *e) ATTR_CHECKED;
int carry_discover(int argc, char **argv, struct err *e) ATTR_CHECKED;

/* "uncorrupt [NAME]" */
int carry_uncorrupt(int argc, char **argv, struct err *e) ATTR_CHECKED;

#endif
