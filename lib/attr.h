/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * attr: the function attributes that we use, under names that say why.
 */
#ifndef LIB_ATTR_H
#define LIB_ATTR_H

/* The result says whether the call failed: ignoring it is a bug. */
#define ATTR_CHECKED __attribute__((warn_unused_result))

/* Argument fmt is a printf format, its values start at argument first. */
#define ATTR_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

#define ATTR_NORETURN           __attribute__((noreturn))

#endif
