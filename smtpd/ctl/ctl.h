/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ctl: the faces of smtpd that people use: smtpctl, mailq, sendmail,
 * newaliases, makemap.  Which one is told by the name it is called by.
 */
#ifndef SMTPD_CTL_CTL_H
#define SMTPD_CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/opt.h"

#define CTL_ALIASES "/etc/mail/aliases" /* of newaliases */

/* Whether name is one of theirs; then *status is how it ended. */
bool ctl_main(const char *name, int argc, char **argv, int *status);

/* What they take, letters only: for the completions of shells. */
extern const struct opt ctl_sendmail_options[], ctl_makemap_options[];

/* A table as getopt() wants it, and what else there is to say to that. */
void ctl_letters(
    const struct opt *table, const char *others, char *out, size_t size);

int ctl_sendmail(int argc, char **argv);
int ctl_makemap(int argc, char **argv, bool newaliases);

#endif
