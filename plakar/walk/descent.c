/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"

#include "plakar/walk/descent.h"

#define KEEP_DEEPEST 32

#define OPEN_FLAGS   (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static_assert(KEEP_DEEPEST + 2 <= DESCENT_OPEN_MAX, "the header's promise");

void
descent_init(struct descent *d, int fd)
{
	*d = (struct descent){ .cap = 16 };
	d->levels = xcalloc(d->cap, sizeof(*d->levels));
	d->levels[0].fd = fd;
}

static void
close_level(struct descent_level *level)
{
	if (level->fd != -1)
		close(level->fd);
	level->fd = -1;
}

void
descent_clear(struct descent *d)
{
	for (size_t i = 0; d->levels != NULL && i <= d->depth; i++)
		close_level(&d->levels[i]);
	free(d->levels);
	buf_free(&d->stem);
	*d = (struct descent){ 0 };
}

/* Give the level's descriptor up, noting which directory it was. */
static int
give_up(struct descent_level *level)
{
	struct stat st;

	if (level->fd == -1)
		return 0;
	if (fstat(level->fd, &st) == -1)
		return -1;
	level->dev = st.st_dev;
	level->ino = st.st_ino;
	close_level(level);
	return 0;
}

int
descent_enter(struct descent *d, const char *name, int fd)
{
	if (fd == -1) {
		int dir = descent_fd(d);

		fd = dir == -1 ? -1 : openat(dir, name, OPEN_FLAGS);
		if (fd == -1)
			return -1;
	}
	if (d->depth > KEEP_DEEPEST &&
	    give_up(&d->levels[d->depth - KEEP_DEEPEST]) == -1) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	d->depth++;
	if (d->depth == d->cap) {
		d->cap *= 2;
		d->levels =
		    xreallocarray(d->levels, d->cap, sizeof(*d->levels));
	}
	buf_add(&d->stem, name, strlen(name) + 1);
	d->levels[d->depth] =
	    (struct descent_level){ .fd = fd, .stem_len = d->stem.len };
	return 0;
}

/* Keep fd as the level's if it is the directory that was given up. */
static bool
regain(struct descent_level *level, int fd)
{
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1 || st.st_dev != level->dev ||
	    st.st_ino != level->ino) {
		if (fd != -1)
			close(fd);
		return false;
	}
	level->fd = fd;
	return true;
}

/* The directory steps above fd, opened; or -1. */
static int
climb(int fd, size_t steps)
{
	int above = fd;

	for (; steps > 0 && above != -1; steps--) {
		int next = openat(above, "..", OPEN_FLAGS);

		if (above != fd)
			close(above);
		above = next;
	}
	return above;
}

/* The present directory, opened from the base; or -1. */
static int
dive(const struct descent *d)
{
	int fd = d->levels[0].fd;

	for (size_t i = 1; i <= d->depth && fd != -1; i++) {
		const uint8_t *name = d->stem.data + d->levels[i - 1].stem_len;
		int next = openat(fd, (const char *)name, OPEN_FLAGS);

		if (fd != d->levels[0].fd)
			close(fd);
		fd = next;
	}
	return fd;
}

void
descent_leave(struct descent *d, size_t depth)
{
	struct descent_level *to = &d->levels[depth];
	size_t open = depth;

	assert(depth <= d->depth);
	while (open < d->depth && d->levels[open].fd == -1)
		open++;
	/* From below if that is nearer; else descent_fd() will dive. */
	if (open > depth && d->levels[open].fd != -1 && open - depth <= depth)
		regain(to, climb(d->levels[open].fd, open - depth));
	for (size_t i = depth + 1; i <= d->depth; i++)
		close_level(&d->levels[i]);
	d->depth = depth;
	d->stem.len = to->stem_len;
}

int
descent_fd(struct descent *d)
{
	struct descent_level *level = &d->levels[d->depth];

	if (level->fd == -1 && !regain(level, dive(d))) {
		errno = ESTALE;
		return -1;
	}
	return level->fd;
}
