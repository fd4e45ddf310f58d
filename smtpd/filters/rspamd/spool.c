/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"

#include "smtpd/filters/rspamd/spool.h"

static int
make_file(struct spool *s, struct err *e)
{
	char *path = xasprintf("%s/filter-rspamd.XXXXXXXXXX", s->dir);

	s->fd = mkostemp(path, O_CLOEXEC);
	if (s->fd == -1)
		err_sys(e, "a file in %s", s->dir);
	else
		unlink(path);
	free(path);
	return s->fd == -1 ? -1 : 0;
}

int
spool_add_line(struct spool *s, const char *line, struct err *e)
{
	buf_add_str(&s->mem, line);
	buf_add_u8(&s->mem, '\n');
	if (s->mem.len <= SPOOL_MEMORY)
		return 0;
	if (s->fd == -1 && make_file(s, e) == -1)
		return -1;
	if (fs_write_all(s->fd, s->mem.data, s->mem.len, e) == -1) {
		err_wrap(e, "a file in %s", s->dir);
		return -1;
	}
	s->filed += s->mem.len;
	buf_reset(&s->mem);
	return 0;
}

uint64_t
spool_len(const struct spool *s)
{
	return s->filed + s->mem.len;
}

int
spool_read(const struct spool *s, uint64_t offset, void *out, size_t len,
    size_t *got, struct err *e)
{
	size_t at;

	if (offset < s->filed) {
		if (len > s->filed - offset)
			len = (size_t)(s->filed - offset);
		return fs_pread_full(s->fd, out, len, offset, got, e);
	}
	*got = 0;
	if (offset >= spool_len(s))
		return 0;
	at = (size_t)(offset - s->filed);
	*got = s->mem.len - at < len ? s->mem.len - at : len;
	memcpy(out, s->mem.data + at, *got);
	return 0;
}

void
spool_clear(struct spool *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	s->filed = 0;
	buf_free(&s->mem);
}
