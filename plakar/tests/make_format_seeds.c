/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * Usage: make_format_seeds DIR
 *
 * Writes the seeds of the fuzz targets of the codecs of plakar/format:
 * DIR/entry, DIR/node and so on, a file each.  The committed ones, in
 * plakar/fuzz/corpus, are what this writes; a test says so.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/wire.h"
#include "plakar/format/content.h"
#include "plakar/format/entry.h"
#include "plakar/format/node.h"
#include "plakar/format/pack.h"
#include "plakar/format/segment.h"
#include "plakar/format/snapshot.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const char *top;

/* Write the seed and empty b. */
static void
write_seed(const char *surface, const char *name, struct buf *b)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, surface);
	if (mkdir(path, 0777) == -1 && errno != EEXIST)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "%s/%s/%s", top, surface, name);
	f = fopen(path, "we");
	if (f == NULL || fwrite(b->data, 1, b->len, f) != b->len ||
	    fclose(f) == EOF)
		err(1, "%s", path);
	buf_reset(b);
}

static void
entry_seeds(struct buf *b)
{
	const struct content_item chunk = { .len = 70000,
		.id = { "chunk id" } };
	const struct content_item hole = { .len = 1u << 30, .hole = true };
	struct buf items = { 0 };

	content_put(&items, &chunk);
	content_put(&items, &hole);
	const struct {
		const char *name;
		struct entry ent;
	} seeds[] = {
		{ "directory",
		    { .type = ENTRY_DIR,
			.mode = 0755,
			.size = 4096,
			.mtime = { .sec = -5, .nsec = 7 },
			.recorded_only = true,
			.xattrs = (const uint8_t *)"\x04user\x01v",
			.xattrs_len = 7 } },
		{ "inline",
		    { .type = ENTRY_FILE,
			.mode = 0644,
			.uid = 1000,
			.gid = 100,
			.size = 5,
			.mtime = { .sec = 1790000000, .nsec = 999999999 },
			.has_btime = true,
			.btime = { .sec = 1, .nsec = 2 },
			.inode_flags = 0x10,
			.content_kind = ENTRY_CONTENT_INLINE,
			.content = (const uint8_t *)"hello",
			.content_len = 5 } },
		{ "list",
		    { .type = ENTRY_FILE,
			.size = 70000 + (1u << 30),
			.nlink = 2,
			.dev_major = 8,
			.dev_minor = 1,
			.ino = 12345678,
			.changed = true,
			.content_kind = ENTRY_CONTENT_LIST,
			.content = items.data,
			.content_len = items.len } },
		{ "tree",
		    { .type = ENTRY_FILE,
			.size = INT64_MAX,
			.has_xattrs_id = true,
			.content_kind = ENTRY_CONTENT_TREE,
			.content_id = { "root of content" } } },
		{ "link",
		    { .type = ENTRY_SYMLINK,
			.mode = 0777,
			.size = 6,
			.target = (const uint8_t *)"target",
			.target_len = 6 } },
		{ "device",
		    { .type = ENTRY_CHAR,
			.rdev_major = 1,
			.rdev_minor = 3,
			.error = "an error",
			.error_len = 8 } },
	};
	for (size_t i = 0; i < N(seeds); i++) {
		entry_encode(&seeds[i].ent, b);
		write_seed("entry", seeds[i].name, b);
	}
	buf_free(&items);
}

static void
node_seeds(struct buf *b)
{
	static const char *const keys[] = { "", "a", "ab", "b" };

	for (uint8_t level = 0; level < 2; level++) {
		struct node_writer nw = { .level = level };

		for (size_t i = 0; i < N(keys); i++) {
			const struct node_item item = {
				.key = (const uint8_t *)keys[i],
				.key_len = strlen(keys[i]),
				.entry = (const uint8_t *)"entry",
				.entry_len = 5,
				.child = { "child id" },
				.sums = { 1, 2, UINT64_MAX, 0 },
			};

			node_writer_add(&nw, &item);
		}
		node_writer_finish(&nw, b);
		node_writer_free(&nw);
		write_seed("node", level == 0 ? "leaf" : "inner", b);
	}
}

static void
content_seeds(struct buf *b)
{
	const struct content_item chunk = { .len = 1u << 20, .id = { "id" } };
	const struct content_item hole = { .len = INT64_MAX, .hole = true };
	const struct content_child child = { .len = 9, .id = { "child" } };

	content_node_head(b, 0, 2);
	content_put(b, &chunk);
	content_put(b, &hole);
	write_seed("content", "leaf", b);
	content_node_head(b, 1, 2);
	content_child_put(b, &child);
	content_child_put(b, &child);
	write_seed("content", "inner", b);
}

static void
block_seeds(struct buf *b)
{
	static const struct block_head head = { .marker = BLOCK_CHUNKS,
		.codec = CODEC_ZSTD,
		.number = 3,
		.len = 5 };

	for (uint32_t kind = CHUNK_DATA; kind <= CHUNK_TREE; kind++) {
		buf_add_u8(b, kind == CHUNK_DATA ? 'd' : 'm');
		wire_put_u32(b, 2);
		wire_put_u32(b, kind << BLOCK_KIND_SHIFT | 5);
		wire_put_u32(b, kind << BLOCK_KIND_SHIFT | 1);
		buf_add_str(b, "helloX");
		write_seed("pack",
		    kind == CHUNK_DATA ? "data_block" : "metadata_block", b);
	}
	buf_add_u8(b, 'h');
	block_head_encode(&head, buf_reserve(b, BLOCK_HEAD_LEN));
	b->len += BLOCK_HEAD_LEN;
	write_seed("pack", "block_head", b);
}

static void
pack_seeds(struct buf *b)
{
	static const struct pack_head head = { .class = CLASS_DATA, .rows = 1 };
	static const struct pack_row row = { .salt = "a salt" };
	static const struct pack_trailer trailer = { .toc_offset = 116,
		.padding = 5 };
	static const struct chunk_id ids[] = { { "one" }, { "two" } };
	struct buf toc = { 0 };

	buf_add_u8(b, 'h');
	pack_head_encode(&head, buf_reserve(b, PACK_HEAD_LEN));
	b->len += PACK_HEAD_LEN;
	buf_add_zero(b, PACK_ROW_LEN);
	write_seed("pack", "head", b);
	buf_add_u8(b, 'h');
	pack_row_encode(&row, buf_reserve(b, PACK_ROW_LEN));
	b->len += PACK_ROW_LEN;
	write_seed("pack", "row", b);
	buf_add_u8(b, 't');
	buf_add_zero(b, 116 + BLOCK_HEAD_LEN + BLOCK_TAG_LEN + 5);
	pack_trailer_encode(&trailer, buf_reserve(b, PACK_TRAILER_LEN));
	b->len += PACK_TRAILER_LEN;
	write_seed("pack", "trailer", b);
	pack_toc_add(&toc, 100, ids, 2);
	pack_toc_add(&toc, 7, ids, 1);
	buf_add_u8(b, 'c');
	pack_toc_finish(&toc, 2, b);
	write_seed("pack", "table", b);
	buf_free(&toc);
}

static void
segment_seeds(struct buf *b)
{
	uint32_t offsets[] = { 116, 200, 300 };
	struct segment_pack pack = { .name = { "name of a pack" },
		.class = CLASS_METADATA,
		.size = 1000,
		.blocks = 2,
		.offsets = offsets };
	struct segment_row rows[] = { { .id = { "one" } },
		{ .id = { "two" }, .block = 1, .slot = 8191 } };
	struct segment seg = { .packs_count = 1,
		.packs = &pack,
		.rows_count = N(rows),
		.rows = rows };

	segment_encode(&seg, b);
	write_seed("segment", "two_rows", b);
	seg = (struct segment){ 0 };
	segment_encode(&seg, b);
	write_seed("segment", "empty", b);
}

static void
snapshot_seeds(struct buf *b)
{
	char home[] = "/home", etc[] = "/etc", nightly[] = "nightly";
	char root[] = "root", me[] = "me", program[] = "plakar 1";
	char *roots[] = { home, etc };
	char *tags[] = { nightly };
	struct snapshot_owner owners[] = { { 0, root }, { 1000, me } };
	struct snapshot s = { .start = { .sec = 1790000000, .nsec = 1 },
		.end = { .sec = 1790000009, .nsec = 2 },
		.host = root,
		.user = me,
		.roots = roots,
		.roots_count = 1,
		.empty = true };

	snapshot_encode(&s, b);
	write_seed("snapshot", "least", b);
	s.roots_count = N(roots);
	s.tags = tags;
	s.tags_count = N(tags);
	s.empty = false;
	s.has_parent = s.has_previous = s.partial = true;
	s.users = (struct snapshot_owners){ owners, N(owners) };
	s.groups = (struct snapshot_owners){ owners, 1 };
	s.program = program;
	snapshot_encode(&s, b);
	write_seed("snapshot", "everything", b);
}

int
main(int argc, char *argv[])
{
	struct buf b = { 0 };

	if (argc != 2)
		errx(1, "usage: make_format_seeds DIR");
	top = argv[1];
	entry_seeds(&b);
	node_seeds(&b);
	content_seeds(&b);
	block_seeds(&b);
	pack_seeds(&b);
	segment_seeds(&b);
	snapshot_seeds(&b);
	buf_free(&b);
	return 0;
}
