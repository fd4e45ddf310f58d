/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * The face of all stores: finds the one that a location asks for, and lets no
 * bad name through to it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/hex.h"
#include "lib/mem.h"

#include "plakar/store/store.h"
#include "plakar/store/store_ops.h"

#define ID_TEXT_LEN 64

static const char *const kind_names[STORE_KINDS] = {
	[STORE_CONFIG] = "config",
	[STORE_DATA] = "data",
	[STORE_INDEX] = "index",
	[STORE_KEYS] = "keys",
	[STORE_LOCKS] = "locks",
	[STORE_SNAPSHOTS] = "snapshots",
};

/* Schemes of stores that are written with one colon, not with "://". */
static const char *const short_schemes[] = { "rest", "rclone", "s3", "sftp" };

const char *
store_kind_name(enum store_kind kind)
{
	return kind_names[kind];
}

bool
store_name_parse(const char *name, enum store_kind *kind)
{
	const char *slash = strchr(name, '/');

	if (slash == NULL) {
		*kind = STORE_CONFIG;
		return strcmp(name, kind_names[STORE_CONFIG]) == 0;
	}
	if (strlen(slash + 1) != ID_TEXT_LEN || !hex_valid(slash + 1))
		return false;
	for (int k = STORE_CONFIG + 1; k < STORE_KINDS; k++) {
		size_t len = strlen(kind_names[k]);

		if (len == (size_t)(slash - name) &&
		    memcmp(name, kind_names[k], len) == 0) {
			*kind = (enum store_kind)k;
			return true;
		}
	}
	return false;
}

static int
check_name(const char *name, struct err *e)
{
	enum store_kind kind;

	if (store_name_parse(name, &kind))
		return 0;
	err_set(e, ERR_USAGE, "\"%s\" is no object's name", name);
	return -1;
}

/* The length of the scheme that location begins with, 0 for a path. */
static size_t
scheme_len(const char *location)
{
	size_t len = strspn(location, "abcdefghijklmnopqrstuvwxyz0123456789+-");

	if (location[len] != ':')
		return 0;
	if (strncmp(location + len, "://", 3) == 0)
		return len;
	for (size_t i = 0; i < sizeof(short_schemes) / sizeof(short_schemes[0]);
	     i++) {
		if (strlen(short_schemes[i]) == len &&
		    memcmp(location, short_schemes[i], len) == 0)
			return len;
	}
	return 0;
}

/* The path that location means; borrowed from it. */
static const char *
location_path(const char *location, struct err *e)
{
	size_t len = scheme_len(location);

	if (location[0] == '\0') {
		err_set(e, ERR_USAGE, "the location is empty");
		return NULL;
	}
	if (len == 0)
		return location;
	if (len != 4 || memcmp(location, "file", 4) != 0) {
		err_set(e, ERR_UNSUPPORTED,
		    "%.*s%s is not supported by this build", (int)len, location,
		    location[len + 1] == '/' ? "://" : ":");
		return NULL;
	}
	if (location[len + 3] != '/') {
		err_set(e, ERR_USAGE,
		    "%s: a file location is file:///path, without a host",
		    location);
		return NULL;
	}
	return location + len + 3;
}

int
store_open(const char *location, struct store **out, struct err *e)
{
	const char *path = location_path(location, e);

	if (path == NULL || store_fs_open(path, out, e) == -1)
		return -1;
	(*out)->location = xstrdup(location);
	return 0;
}

int
store_create(const char *location, struct store **out, struct err *e)
{
	const char *path = location_path(location, e);

	if (path == NULL || store_fs_create(path, out, e) == -1)
		return -1;
	(*out)->location = xstrdup(location);
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	free(s->location);
	s->ops->close(s);
}

const char *
store_location(const struct store *s)
{
	return s->location;
}

const char *
store_path(const struct store *s)
{
	struct err e;

	return location_path(s->location, &e);
}

int
store_put_begin(struct store *s, struct store_put **out, struct err *e)
{
	return s->ops->put_begin(s, out, e);
}

int
store_put_write(
    struct store_put *p, const void *data, size_t len, struct err *e)
{
	return p->store->ops->put_write(p, data, len, e);
}

int
store_put_commit(struct store_put *p, const char *name, struct err *e)
{
	if (check_name(name, e) == -1) {
		store_put_abort(p);
		return -1;
	}
	return p->store->ops->put_commit(p, name, e);
}

void
store_put_abort(struct store_put *p)
{
	p->store->ops->put_abort(p);
}

int
store_put(struct store *s, const char *name, const void *data, size_t len,
    struct err *e)
{
	struct store_put *p;

	if (check_name(name, e) == -1 || store_put_begin(s, &p, e) == -1)
		return -1;
	if (store_put_write(p, data, len, e) == -1) {
		store_put_abort(p);
		return -1;
	}
	return store_put_commit(p, name, e);
}

int
store_sync(struct store *s, struct err *e)
{
	return s->ops->sync(s, e);
}

int
store_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	if (check_name(name, e) == -1)
		return -1;
	return s->ops->get(s, name, max, out, e);
}

int
store_get_range(struct store *s, const char *name, uint64_t offset, size_t len,
    void *dst, struct err *e)
{
	if (check_name(name, e) == -1)
		return -1;
	return s->ops->get_range(s, name, offset, len, dst, e);
}

int
store_size(struct store *s, const char *name, uint64_t *size, struct err *e)
{
	if (check_name(name, e) == -1)
		return -1;
	return s->ops->size(s, name, size, e);
}

int
store_exists(struct store *s, const char *name, bool *exists, struct err *e)
{
	uint64_t size;

	*exists = store_size(s, name, &size, e) == 0;
	if (*exists)
		return 0;
	if (e->kind != ERR_NOT_FOUND)
		return -1;
	err_clear(e);
	return 0;
}

int
store_list(struct store *s, enum store_kind kind, store_list_cb cb, void *arg,
    struct err *e)
{
	return s->ops->list(s, kind, cb, arg, e);
}

int
store_delete(struct store *s, const char *name, struct err *e)
{
	if (check_name(name, e) == -1)
		return -1;
	return s->ops->delete (s, name, e);
}
