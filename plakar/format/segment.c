/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <bsd/stdlib.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "plakar/format/pack.h"

#include "plakar/format/segment.h"

#define PACK_HEAD (OBJECT_NAME_LEN + 1 + 4 + 2) /* before the offsets */
#define ROW_LEN   (CHUNK_ID_LEN + 2 + 2 + 2)

void
segment_free(struct segment *seg)
{
	for (size_t i = 0; i < seg->packs_count; i++)
		free(seg->packs[i].offsets);
	free(seg->packs);
	free(seg->rows);
	*seg = (struct segment){ 0 };
}

static int
compare_rows(const void *a, const void *b)
{
	return memcmp(a, b, CHUNK_ID_LEN);
}

void
segment_sort(struct segment_row *rows, size_t n)
{
	/* In place: the rows are what most memory goes to. */
	if (n > 1)
		heapsort(rows, n, sizeof(*rows), compare_rows);
}

static void
put_pack(struct buf *out, const struct segment_pack *pack)
{
	buf_add(out, pack->name.bytes, OBJECT_NAME_LEN);
	buf_add_u8(out, (uint8_t)pack->class);
	wire_put_u32(out, pack->size);
	wire_put_u16(out, (uint16_t)pack->blocks);
	for (uint32_t i = 0; i <= pack->blocks; i++)
		wire_put_u32(out, pack->offsets[i]);
}

static size_t
encoded_len(const struct segment *seg)
{
	size_t len = 4 + 4 + seg->rows_count * ROW_LEN;

	for (size_t i = 0; i < seg->packs_count; i++)
		len += PACK_HEAD + 4 * ((size_t)seg->packs[i].blocks + 1);
	return len;
}

void
segment_encode(const struct segment *seg, struct buf *out)
{
	buf_reserve(out, encoded_len(seg));
	wire_put_u32(out, (uint32_t)seg->packs_count);
	for (size_t i = 0; i < seg->packs_count; i++)
		put_pack(out, &seg->packs[i]);
	wire_put_u32(out, (uint32_t)seg->rows_count);
	for (size_t i = 0; i < seg->rows_count; i++)
		buf_add(out, seg->rows[i].id.bytes, CHUNK_ID_LEN);
	for (size_t i = 0; i < seg->rows_count; i++)
		wire_put_u16(out, (uint16_t)seg->rows[i].pack);
	for (size_t i = 0; i < seg->rows_count; i++)
		wire_put_u16(out, seg->rows[i].block);
	for (size_t i = 0; i < seg->rows_count; i++)
		wire_put_u16(out, seg->rows[i].slot);
}

/* Where blocks begin: ascending, a head and a tag apart, inside the pack. */
static bool
offsets_valid(const struct segment_pack *pack)
{
	uint64_t least = pack_body_offset(1);

	for (uint32_t i = 0; i <= pack->blocks; i++) {
		if (pack->offsets[i] < least)
			return false;
		least =
		    (uint64_t)pack->offsets[i] + BLOCK_HEAD_LEN + BLOCK_TAG_LEN;
	}
	return least + PACK_TRAILER_LEN <= pack->size;
}

static int
get_pack(struct wire *w, struct segment_pack *pack, struct err *e)
{
	uint8_t class;

	wire_copy(w, pack->name.bytes, OBJECT_NAME_LEN);
	class = wire_u8(w);
	pack->class = (enum chunk_class) class;
	pack->size = wire_u32(w);
	pack->blocks = wire_u16(w);
	if (!wire_ok(w) || pack->size > PACK_LEN_MAX ||
	    (class != CLASS_DATA && class != CLASS_METADATA) ||
	    w->left / 4 < (size_t)pack->blocks + 1) {
		err_set(e, ERR_CORRUPT, "index segment: bad pack");
		return -1;
	}
	pack->offsets = xreallocarray(NULL, pack->blocks + 1, 4);
	for (uint32_t i = 0; i <= pack->blocks; i++)
		pack->offsets[i] = wire_u32(w);
	if (!offsets_valid(pack)) {
		err_set(e, ERR_CORRUPT, "index segment: bad block offsets");
		return -1;
	}
	return 0;
}

static int
get_packs(struct wire *w, struct segment *seg, struct err *e)
{
	uint32_t n = wire_u32(w);

	if (!wire_ok(w) || n > SEGMENT_PACKS_MAX || n > w->left / PACK_HEAD) {
		err_set(e, ERR_CORRUPT, "index segment of %u packs", n);
		return -1;
	}
	seg->packs = xcalloc(n, sizeof(*seg->packs));
	for (uint32_t i = 0; i < n; i++) {
		seg->packs_count++;
		if (get_pack(w, &seg->packs[i], e) == -1)
			return -1;
	}
	return 0;
}

static int
get_rows(struct wire *w, struct segment *seg, struct err *e)
{
	uint32_t n = wire_u32(w);

	if (!wire_ok(w) || n > SEGMENT_ROWS_MAX ||
	    w->left != (size_t)n * ROW_LEN) {
		err_set(e, ERR_CORRUPT, "index segment of %u rows", n);
		return -1;
	}
	seg->rows = xcalloc(n, sizeof(*seg->rows));
	seg->rows_count = n;
	for (uint32_t i = 0; i < n; i++)
		wire_copy(w, seg->rows[i].id.bytes, CHUNK_ID_LEN);
	for (uint32_t i = 0; i < n; i++)
		seg->rows[i].pack = wire_u16(w);
	for (uint32_t i = 0; i < n; i++)
		seg->rows[i].block = wire_u16(w);
	for (uint32_t i = 0; i < n; i++)
		seg->rows[i].slot = wire_u16(w);
	for (uint32_t i = 0; i < n; i++) {
		const struct segment_row *row = &seg->rows[i];

		if ((i > 0 && compare_rows(row - 1, row) > 0) ||
		    row->pack >= seg->packs_count ||
		    row->block >= seg->packs[row->pack].blocks ||
		    row->slot >= BLOCK_CHUNKS_MAX) {
			err_set(e, ERR_CORRUPT, "index segment: row %u", i);
			return -1;
		}
	}
	return 0;
}

int
segment_decode(const void *data, size_t len, struct segment *seg, struct err *e)
{
	struct wire w;

	*seg = (struct segment){ 0 };
	wire_init(&w, data, len);
	if (get_packs(&w, seg, e) == -1 || get_rows(&w, seg, e) == -1) {
		segment_free(seg);
		return -1;
	}
	return 0;
}
