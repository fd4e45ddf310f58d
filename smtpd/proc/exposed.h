/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * exposed: passwords that every user of the machine may read.
 */
#ifndef SMTPD_PROC_EXPOSED_H
#define SMTPD_PROC_EXPOSED_H

struct buf;
struct conf;

/*
 * A line to out for each table of passwords whose file, or that stands in a
 * file, which all may read; and for a key of the queue in conf_path.
 */
void exposed_tell(const struct conf *c, const char *conf_path, struct buf *out);

#endif
