/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "plakar/hash/sha256.h"

#include "plakar/repo/objname.h"

void
object_path(enum store_kind kind, const struct object_name *name,
    char path[STORE_NAME_MAX])
{
	char hex[2 * OBJECT_NAME_LEN + 1];

	hex_encode(name->bytes, OBJECT_NAME_LEN, hex);
	snprintf(path, STORE_NAME_MAX, "%s/%s", store_kind_name(kind), hex);
}

bool
object_parse(const char *path, struct object_name *name)
{
	const char *slash = strchr(path, '/');

	return slash != NULL &&
	    hex_decode(
		slash + 1, strlen(slash + 1), name->bytes, OBJECT_NAME_LEN);
}

void
object_name_of(const void *data, size_t len, struct object_name *name)
{
	sha256(data, len, name->bytes);
}
