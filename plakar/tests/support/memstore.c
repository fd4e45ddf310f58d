/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/tests/support/memstore.h"

struct chunk {
	struct chunk_id id;
	enum chunk_kind kind;
	uint8_t *data;
	size_t len;
};

struct memstore {
	struct chunk *chunks;
	size_t count;
};

struct memstore *
memstore_new(void)
{
	return xcalloc(1, sizeof(struct memstore));
}

void
memstore_free(struct memstore *ms)
{
	for (size_t i = 0; i < ms->count; i++)
		free(ms->chunks[i].data);
	free(ms->chunks);
	free(ms);
}

static const struct chunk *
find(const struct memstore *ms, enum chunk_kind kind, const struct chunk_id *id)
{
	for (size_t i = 0; i < ms->count; i++)
		if (ms->chunks[i].kind == kind &&
		    memcmp(&ms->chunks[i].id, id, sizeof(*id)) == 0)
			return &ms->chunks[i];
	return NULL;
}

static int
put(void *ctx, enum chunk_kind kind, const void *data, size_t len,
    struct chunk_id *id, struct err *e)
{
	struct memstore *ms = ctx;
	struct chunk *chunk;

	(void)e;
	crypto_generichash(id->bytes, sizeof(id->bytes), data, len, NULL, 0);
	if (find(ms, kind, id) != NULL)
		return 0;
	ms->chunks =
	    xreallocarray(ms->chunks, ms->count + 1, sizeof(*ms->chunks));
	chunk = &ms->chunks[ms->count++];
	chunk->id = *id;
	chunk->kind = kind;
	chunk->data = xmalloc(len);
	chunk->len = len;
	memcpy(chunk->data, data, len);
	return 0;
}

static int
get(void *ctx, enum chunk_kind kind, const struct chunk_id *id, struct buf *out,
    struct err *e)
{
	const struct chunk *chunk = find(ctx, kind, id);

	if (chunk == NULL) {
		err_set(e, ERR_NOT_FOUND, "no such chunk");
		return -1;
	}
	buf_reset(out);
	buf_add(out, chunk->data, chunk->len);
	return 0;
}

struct chunk_sink
memstore_sink(struct memstore *ms)
{
	return (struct chunk_sink){ .put = put, .ctx = ms };
}

struct chunk_source
memstore_source(struct memstore *ms)
{
	return (struct chunk_source){ .get = get, .ctx = ms };
}

size_t
memstore_count(const struct memstore *ms)
{
	return ms->count;
}
