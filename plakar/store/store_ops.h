/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * store_ops: what a store is made of, for those who write one.
 *
 * A store begins with a struct store, a put with a struct store_put.  Names
 * have been checked before they come here; store.h says what each operation
 * promises.
 */
#ifndef PLAKAR_STORE_STORE_OPS_H
#define PLAKAR_STORE_STORE_OPS_H

#include "plakar/store/store.h"

struct store_ops {
	void (*close)(struct store *s);
	int (*put_begin)(
	    struct store *s, struct store_put **out, struct err *e);
	int (*put_write)(
	    struct store_put *p, const void *data, size_t len, struct err *e);
	int (*put_commit)(struct store_put *p, const char *name, struct err *e);
	void (*put_abort)(struct store_put *p);
	int (*sync)(struct store *s, struct err *e);
	int (*get)(struct store *s, const char *name, size_t max,
	    struct buf *out, struct err *e);
	int (*get_range)(struct store *s, const char *name, uint64_t offset,
	    size_t len, void *dst, struct err *e);
	int (*size)(
	    struct store *s, const char *name, uint64_t *size, struct err *e);
	int (*list)(struct store *s, enum store_kind kind, store_list_cb cb,
	    void *arg, struct err *e);
	int (*delete)(struct store *s, const char *name, struct err *e);
};

struct store {
	const struct store_ops *ops;
	char *location; /* owned; freed by store_close() */
};

struct store_put {
	struct store *store;
};

/* The store in a directory. */
int store_fs_open(
    const char *path, struct store **out, struct err *e) ATTR_CHECKED;
int store_fs_create(
    const char *path, struct store **out, struct err *e) ATTR_CHECKED;

#endif
