/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * edit: which lines of a message stay when headers are taken out of it.
 *
 * The message's lines are shown twice: first the header's, to count those
 * of each name, then all of them, to be told which stay.
 *
 * Shape:   a line has no LF and, in the message, no dot too many; the first
 *          empty line ends the header.
 */
#ifndef SMTPD_FILTERS_RSPAMD_EDIT_H
#define SMTPD_FILTERS_RSPAMD_EDIT_H

#include <stdbool.h>
#include <stddef.h>

struct edit;
struct verdict;

/* v is borrowed. */
struct edit *edit_new(const struct verdict *v);
void edit_free(struct edit *d);

/* Whether the lines need to be counted at all. */
bool edit_wants_count(const struct edit *d);

/* Count a line; false: the header is over, no more is wanted. */
bool edit_count(struct edit *d, const char *line);

/* Whether this line, the next one, stays. */
bool edit_keeps(struct edit *d, const char *line);

#endif
