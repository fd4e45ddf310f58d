/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "plakar/content/reader.h"
#include "plakar/format/entry.h"
#include "plakar/format/pack.h"

#include "plakar/pull/compare.h"

struct comparison {
	const struct id_key *key;
	int fd;
	uint8_t *buffer; /* BLOCK_PAYLOAD_MAX bytes */
	bool differs;
};

/* Whether the len bytes at offset are there and zero. */
static int
is_zero(struct comparison *c, uint64_t offset, uint64_t len, struct err *e)
{
	while (len > 0) {
		size_t want =
		    len < BLOCK_PAYLOAD_MAX ? (size_t)len : BLOCK_PAYLOAD_MAX;
		size_t got;

		if (fs_pread_full(c->fd, c->buffer, want, offset, &got, e) ==
		    -1)
			return -1;
		if (got < want || c->buffer[0] != 0 ||
		    memcmp(c->buffer, c->buffer + 1, want - 1) != 0)
			return 0;
		offset += want;
		len -= want;
	}
	return 1;
}

static int
is_chunk(struct comparison *c, const struct content_item *item, uint64_t offset,
    struct err *e)
{
	struct id_job job = { .data = c->buffer, .len = (size_t)item->len };
	size_t got;

	if (fs_pread_full(c->fd, c->buffer, job.len, offset, &got, e) == -1)
		return -1;
	id_compute(c->key, &job, 1);
	return got == job.len &&
	    memcmp(job.out, item->id.bytes, CHUNK_ID_LEN) == 0;
}

static int
compare_item(
    void *ctx, const struct content_item *item, uint64_t offset, struct err *e)
{
	struct comparison *c = ctx;
	int same;

	if (c->differs)
		return 0;
	same = item->hole ? is_zero(c, offset, item->len, e) :
			    is_chunk(c, item, offset, e);
	if (same == -1)
		return -1;
	c->differs = same == 0;
	return 0;
}

static int
compare_inline(struct comparison *c, const struct entry *ent, struct err *e)
{
	size_t got;

	if (fs_pread_full(c->fd, c->buffer, ent->content_len, 0, &got, e) == -1)
		return -1;
	c->differs = got != ent->content_len ||
	    memcmp(c->buffer, ent->content, got) != 0;
	return 0;
}

int
pull_compare(const struct chunk_source *source, const struct id_key *key,
    const struct entry *ent, int fd, struct err *e)
{
	struct comparison c = { .key = key, .fd = fd };
	int rc;

	c.buffer = xmalloc(BLOCK_PAYLOAD_MAX);
	if (ent->content_kind == ENTRY_CONTENT_INLINE)
		rc = compare_inline(&c, ent, e);
	else
		rc = content_each(source, ent, compare_item, NULL, &c, e);
	free(c.buffer);
	return rc == -1 ? -1 : !c.differs;
}
