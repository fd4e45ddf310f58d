/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * objname: between an object's SHA-256 and its name in a store.
 */
#ifndef PLAKAR_REPO_OBJNAME_H
#define PLAKAR_REPO_OBJNAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/attr.h"
#include "plakar/format/ids.h"
#include "plakar/store/store.h"

/* "data/9f86d0..." */
void object_path(enum store_kind kind, const struct object_name *name,
    char path[STORE_NAME_MAX]);

/* The SHA-256 in the name of an object other than config. */
bool object_parse(const char *path, struct object_name *name) ATTR_CHECKED;

/* The name of the object that these bytes are. */
void object_name_of(const void *data, size_t len, struct object_name *name);

#endif
