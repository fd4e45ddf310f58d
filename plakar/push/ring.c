/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/mem.h"

#include "plakar/push/ring.h"

#define SLOTS     4096
#define BYTES_MAX (8u << 20) /* of keys */

struct ring {
	struct pending *slots[SLOTS]; /* walking thread's */
	size_t first, count, bytes;
	pthread_mutex_t lock; /* of done in all pendings */
	pthread_cond_t done;
	bool woken;
};

struct dirref {
	int fd;
	atomic_uint refs;
};

struct ring *
ring_new(void)
{
	struct ring *r = xcalloc(1, sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->done, NULL);
	return r;
}

static void
pending_free(struct pending *p)
{
	buf_free(&p->key);
	buf_free(&p->encoded);
	buf_free(&p->storage);
	dirref_unref(p->dir);
	free(p->path);
	free(p->problem);
	free(p);
}

void
ring_free(struct ring *r)
{
	if (r == NULL)
		return;
	while (r->count > 0)
		ring_drop(r);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->done);
	free(r);
}

bool
ring_has_room(const struct ring *r, size_t key_len)
{
	return r->count < SLOTS &&
	    (r->count == 0 || r->bytes + key_len <= BYTES_MAX);
}

bool
ring_empty(const struct ring *r)
{
	return r->count == 0;
}

struct pending *
ring_add(struct ring *r, const void *key, size_t key_len)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	buf_reserve(&p->key, key_len + 1);
	buf_add(&p->key, key, key_len);
	r->slots[(r->first + r->count++) % SLOTS] = p;
	r->bytes += key_len;
	return p;
}

void
pending_done(struct ring *r, struct pending *p)
{
	pthread_mutex_lock(&r->lock);
	p->done = true;
	pthread_cond_signal(&r->done);
	pthread_mutex_unlock(&r->lock);
}

struct pending *
ring_first(struct ring *r, bool wait)
{
	struct pending *p;
	bool done;

	if (r->count == 0)
		return NULL;
	p = r->slots[r->first];
	pthread_mutex_lock(&r->lock);
	while (!p->done && wait && !r->woken)
		pthread_cond_wait(&r->done, &r->lock);
	done = p->done;
	pthread_mutex_unlock(&r->lock);
	return done ? p : NULL;
}

void
ring_wake(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	r->woken = true;
	pthread_cond_signal(&r->done);
	pthread_mutex_unlock(&r->lock);
}

void
ring_drop(struct ring *r)
{
	struct pending *p = r->slots[r->first];

	r->bytes -= p->key.len;
	r->first = (r->first + 1) % SLOTS;
	r->count--;
	pending_free(p);
}

struct dirref *
dirref_new(int dirfd)
{
	struct dirref *d = xcalloc(1, sizeof(*d));

	d->fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	atomic_init(&d->refs, 1);
	return d;
}

struct dirref *
dirref_ref(struct dirref *d)
{
	atomic_fetch_add(&d->refs, 1);
	return d;
}

void
dirref_unref(struct dirref *d)
{
	if (d == NULL || atomic_fetch_sub(&d->refs, 1) > 1)
		return;
	if (d->fd != -1)
		close(d->fd);
	free(d);
}

int
dirref_fd(const struct dirref *d)
{
	return d->fd;
}
