/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ops: whole operations on a repository without a passphrase, for tests that
 * do them by the thousand.
 *
 * Errors: 0; 1 when it was done and something was found or missing, said in
 *         e; -1 when it could not be done.
 */
#ifndef PLAKAR_TESTS_SUPPORT_OPS_H
#define PLAKAR_TESTS_SUPPORT_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"

struct err;

#define OPS_ID_LEN 33 /* of a snapshot, with the NUL */

int ops_init(const char *repo, struct err *e) ATTR_CHECKED;

/* id: of the snapshot that was made. */
int ops_push(const char *repo, const char *source, char id[OPS_ID_LEN],
    struct err *e) ATTR_CHECKED;

/* Structure; with data, also all that the packs hold. */
int ops_check(const char *repo, bool data, struct err *e) ATTR_CHECKED;
int ops_check_keyless(const char *repo, struct err *e) ATTR_CHECKED;

int ops_pull(const char *repo, const char *id, const char *to,
    struct err *e) ATTR_CHECKED;
int ops_trash(const char *repo, const char *id, struct err *e) ATTR_CHECKED;

/* Call cb with the id of each snapshot that is shown, oldest first. */
int ops_list(const char *repo, void (*cb)(void *arg, const char *id), void *arg,
    struct err *e) ATTR_CHECKED;

#endif
