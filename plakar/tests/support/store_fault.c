/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/store/store_ops.h"

#include "plakar/tests/support/store_fault.h"

struct fault {
	struct store base;
	struct store *inner;
	pthread_mutex_t lock;
	unsigned long calls;
	unsigned long fail_at; /* 0: never */
	int errnum;
	bool for_good;
};

struct fault_put {
	struct store_put base;
	struct store_put *inner;
};

/* Count one call of what; -1 if it is to fail. */
static int
step(struct store *s, const char *what, struct err *e)
{
	struct fault *f = (struct fault *)s;
	bool fail;

	pthread_mutex_lock(&f->lock);
	f->calls++;
	fail = f->fail_at != 0 &&
	    (f->calls == f->fail_at || (f->for_good && f->calls > f->fail_at));
	pthread_mutex_unlock(&f->lock);
	if (!fail)
		return 0;
	errno = f->errnum;
	err_sys(e, "%s (injected)", what);
	return -1;
}

static struct store *
inner_of(struct store *s)
{
	return ((struct fault *)s)->inner;
}

static void
fault_close(struct store *s)
{
	struct fault *f = (struct fault *)s;

	store_close(f->inner);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int
fault_put_begin(struct store *s, struct store_put **out, struct err *e)
{
	struct fault_put *p;

	if (step(s, "put_begin", e) == -1)
		return -1;
	p = xcalloc(1, sizeof(*p));
	p->base.store = s;
	if (store_put_begin(inner_of(s), &p->inner, e) == -1) {
		free(p);
		return -1;
	}
	*out = &p->base;
	return 0;
}

static int
fault_put_write(
    struct store_put *base, const void *data, size_t len, struct err *e)
{
	if (step(base->store, "put_write", e) == -1)
		return -1;
	return store_put_write(((struct fault_put *)base)->inner, data, len, e);
}

static void
fault_put_abort(struct store_put *base)
{
	struct fault_put *p = (struct fault_put *)base;

	store_put_abort(p->inner);
	free(p);
}

static int
fault_put_commit(struct store_put *base, const char *name, struct err *e)
{
	struct fault_put *p = (struct fault_put *)base;
	int rc;

	if (step(base->store, "put_commit", e) == -1) {
		fault_put_abort(base);
		return -1;
	}
	rc = store_put_commit(p->inner, name, e);
	free(p);
	return rc;
}

static int
fault_sync(struct store *s, struct err *e)
{
	if (step(s, "sync", e) == -1)
		return -1;
	return store_sync(inner_of(s), e);
}

static int
fault_get(struct store *s, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	if (step(s, "get", e) == -1)
		return -1;
	return store_get(inner_of(s), name, max, out, e);
}

static int
fault_get_range(struct store *s, const char *name, uint64_t offset, size_t len,
    void *dst, struct err *e)
{
	if (step(s, "get_range", e) == -1)
		return -1;
	return store_get_range(inner_of(s), name, offset, len, dst, e);
}

static int
fault_size(struct store *s, const char *name, uint64_t *size, struct err *e)
{
	if (step(s, "size", e) == -1)
		return -1;
	return store_size(inner_of(s), name, size, e);
}

static int
fault_list(struct store *s, enum store_kind kind, store_list_cb cb, void *arg,
    struct err *e)
{
	if (step(s, "list", e) == -1)
		return -1;
	return store_list(inner_of(s), kind, cb, arg, e);
}

static int
fault_delete(struct store *s, const char *name, struct err *e)
{
	if (step(s, "delete", e) == -1)
		return -1;
	return store_delete(inner_of(s), name, e);
}

static const struct store_ops fault_ops = {
	.close = fault_close,
	.put_begin = fault_put_begin,
	.put_write = fault_put_write,
	.put_commit = fault_put_commit,
	.put_abort = fault_put_abort,
	.sync = fault_sync,
	.get = fault_get,
	.get_range = fault_get_range,
	.size = fault_size,
	.list = fault_list,
	.delete = fault_delete,
};

struct store *
store_fault_new(struct store *inner)
{
	struct fault *f = xcalloc(1, sizeof(*f));

	f->base.ops = &fault_ops;
	f->base.location = xstrdup(store_location(inner));
	f->inner = inner;
	pthread_mutex_init(&f->lock, NULL);
	return &f->base;
}

void
store_fault_arm(struct store *s, unsigned long n, int errnum, bool for_good)
{
	struct fault *f = (struct fault *)s;

	pthread_mutex_lock(&f->lock);
	f->calls = 0;
	f->fail_at = n;
	f->errnum = errnum;
	f->for_good = for_good;
	pthread_mutex_unlock(&f->lock);
}

unsigned long
store_fault_calls(struct store *s)
{
	struct fault *f = (struct fault *)s;
	unsigned long calls;

	pthread_mutex_lock(&f->lock);
	calls = f->calls;
	pthread_mutex_unlock(&f->lock);
	return calls;
}
