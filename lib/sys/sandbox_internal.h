/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * sandbox_internal: between the two halves of the Linux sandbox.
 */
#ifndef LIB_SYS_SANDBOX_INTERNAL_H
#define LIB_SYS_SANDBOX_INTERNAL_H

#include "lib/attr.h"

/*
 * A build with AddressSanitizer looks for leaks when it ends: it reads
 * /proc/self and traces itself from a child.  Only such a build may.
 */
#ifdef __SANITIZE_ADDRESS__
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

struct err;
struct sandbox;

/* Confine the process to the system calls that sb needs. */
int sandbox_seccomp(const struct sandbox *sb, struct err *e) ATTR_CHECKED;

#endif
