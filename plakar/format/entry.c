/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/wire.h"
#include "plakar/format/content.h"

#include "plakar/format/entry.h"

#define MODE_MASK 07777u
#define NSEC_MAX  999999999u

enum {
	HAS_BTIME = 1 << 0,
	HAS_LINKS = 1 << 1,
	HAS_RDEV = 1 << 2,
	HAS_TARGET = 1 << 3,
	HAS_INODE_FLAGS = 1 << 4,
	HAS_XATTRS = 1 << 5,
	HAS_XATTRS_ID = 1 << 6,
	HAS_INLINE = 1 << 7,
	HAS_LIST = 1 << 8,
	HAS_TREE = 1 << 9,
	HAS_CHANGED = 1 << 10,
	HAS_ERROR = 1 << 11,
	HAS_RECORDED_ONLY = 1 << 12,
	HAS_ALL = (1 << 13) - 1,
};

static unsigned
fields_of(const struct entry *ent)
{
	unsigned fields = 0;

	fields |= ent->has_btime ? HAS_BTIME : 0;
	fields |= ent->nlink > 0 ? HAS_LINKS : 0;
	if (ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK)
		fields |= HAS_RDEV;
	fields |= ent->type == ENTRY_SYMLINK ? HAS_TARGET : 0;
	fields |= ent->inode_flags != 0 ? HAS_INODE_FLAGS : 0;
	fields |= ent->xattrs_len > 0 ? HAS_XATTRS : 0;
	fields |= ent->has_xattrs_id ? HAS_XATTRS_ID : 0;
	switch (ent->content_kind) {
	case ENTRY_CONTENT_NONE:
		break;
	case ENTRY_CONTENT_INLINE:
		fields |= HAS_INLINE;
		break;
	case ENTRY_CONTENT_LIST:
		fields |= HAS_LIST;
		break;
	case ENTRY_CONTENT_TREE:
		fields |= HAS_TREE;
		break;
	}
	fields |= ent->changed ? HAS_CHANGED : 0;
	fields |= ent->error_len > 0 ? HAS_ERROR : 0;
	fields |= ent->recorded_only ? HAS_RECORDED_ONLY : 0;
	return fields;
}

static void
put_time(struct buf *out, const struct entry_time *t)
{
	wire_put_svarint(out, t->sec);
	wire_put_varint(out, t->nsec);
}

static void
put_counted(struct buf *out, const void *data, size_t len)
{
	wire_put_varint(out, len);
	buf_add(out, data, len);
}

void
entry_encode(const struct entry *ent, struct buf *out)
{
	unsigned fields = fields_of(ent);

	wire_put_varint(out, fields);
	buf_add_u8(out, (uint8_t)ent->type);
	wire_put_varint(out, ent->mode);
	wire_put_varint(out, ent->uid);
	wire_put_varint(out, ent->gid);
	wire_put_varint(out, ent->size);
	put_time(out, &ent->mtime);
	put_time(out, &ent->ctime);
	wire_put_varint(out, ent->ino);
	if (fields & HAS_BTIME)
		put_time(out, &ent->btime);
	if (fields & HAS_LINKS) {
		wire_put_varint(out, ent->nlink);
		wire_put_varint(out, ent->dev_major);
		wire_put_varint(out, ent->dev_minor);
	}
	if (fields & HAS_RDEV) {
		wire_put_varint(out, ent->rdev_major);
		wire_put_varint(out, ent->rdev_minor);
	}
	if (fields & HAS_TARGET)
		put_counted(out, ent->target, ent->target_len);
	if (fields & HAS_INODE_FLAGS)
		wire_put_varint(out, ent->inode_flags);
	if (fields & HAS_XATTRS)
		put_counted(out, ent->xattrs, ent->xattrs_len);
	if (fields & HAS_XATTRS_ID)
		buf_add(out, ent->xattrs_id.bytes, CHUNK_ID_LEN);
	if (fields & HAS_INLINE)
		put_counted(out, ent->content, ent->content_len);
	if (fields & HAS_LIST) {
		wire_put_varint(
		    out, content_count(ent->content, ent->content_len));
		buf_add(out, ent->content, ent->content_len);
	}
	if (fields & HAS_TREE)
		buf_add(out, ent->content_id.bytes, CHUNK_ID_LEN);
	if (fields & HAS_ERROR)
		put_counted(out, ent->error, ent->error_len);
}

/* A varint that must be at most max; anything else makes w bad. */
static uint64_t
bounded(struct wire *w, uint64_t max)
{
	uint64_t v = wire_varint(w);

	if (v <= max)
		return v;
	w->bad = true;
	return 0;
}

static struct entry_time
get_time(struct wire *w)
{
	struct entry_time t;

	t.sec = wire_svarint(w);
	t.nsec = (uint32_t)bounded(w, NSEC_MAX);
	return t;
}

static const uint8_t *
get_counted(struct wire *w, size_t min, size_t max, size_t *len)
{
	*len = (size_t)bounded(w, max);
	if (*len < min)
		w->bad = true;
	return wire_bytes(w, *len);
}

/* The items of a list: checked here, so that their reader can trust them. */
static void
get_list(struct wire *w, struct entry *ent)
{
	uint64_t n = bounded(w, ENTRY_LIST_MAX);
	struct content_item item;

	if (n == 0)
		w->bad = true;
	ent->content_kind = ENTRY_CONTENT_LIST;
	ent->content = w->p;
	for (uint64_t i = 0; i < n && wire_ok(w); i++)
		content_get(w, &item);
	ent->content_len = (size_t)(w->p - ent->content);
}

static void
get_optional(struct wire *w, unsigned fields, struct entry *ent)
{
	if (fields & HAS_BTIME) {
		ent->has_btime = true;
		ent->btime = get_time(w);
	}
	if (fields & HAS_LINKS) {
		ent->nlink = (uint32_t)bounded(w, UINT32_MAX);
		ent->dev_major = (uint32_t)bounded(w, UINT32_MAX);
		ent->dev_minor = (uint32_t)bounded(w, UINT32_MAX);
	}
	if (fields & HAS_RDEV) {
		ent->rdev_major = (uint32_t)bounded(w, UINT32_MAX);
		ent->rdev_minor = (uint32_t)bounded(w, UINT32_MAX);
	}
	if (fields & HAS_TARGET)
		ent->target =
		    get_counted(w, 1, ENTRY_TARGET_MAX, &ent->target_len);
	if (fields & HAS_INODE_FLAGS)
		ent->inode_flags = (uint32_t)bounded(w, UINT32_MAX);
	if (fields & HAS_XATTRS)
		ent->xattrs =
		    get_counted(w, 1, ENTRY_XATTRS_MAX, &ent->xattrs_len);
	if (fields & HAS_XATTRS_ID) {
		ent->has_xattrs_id = true;
		wire_copy(w, ent->xattrs_id.bytes, CHUNK_ID_LEN);
	}
	if (fields & HAS_INLINE) {
		ent->content_kind = ENTRY_CONTENT_INLINE;
		ent->content =
		    get_counted(w, 1, ENTRY_INLINE_MAX, &ent->content_len);
	}
	if (fields & HAS_LIST)
		get_list(w, ent);
	if (fields & HAS_TREE) {
		ent->content_kind = ENTRY_CONTENT_TREE;
		wire_copy(w, ent->content_id.bytes, CHUNK_ID_LEN);
	}
	ent->changed = (fields & HAS_CHANGED) != 0;
	if (fields & HAS_ERROR)
		ent->error = (const char *)get_counted(
		    w, 1, ENTRY_ERROR_MAX, &ent->error_len);
	ent->recorded_only = (fields & HAS_RECORDED_ONLY) != 0;
}

/* What the parts say together: NULL, or what is wrong. */
static const char *
contradiction(const struct entry *ent, unsigned fields)
{
	unsigned content = fields & (HAS_INLINE | HAS_LIST | HAS_TREE);
	bool device = ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK;

	if (ent->type < ENTRY_FILE || ent->type > ENTRY_BLOCK)
		return "unknown type";
	if ((content & (content - 1)) != 0)
		return "two contents";
	if (content != 0 && ent->type != ENTRY_FILE)
		return "content of what is no file";
	if ((fields & HAS_INLINE) && ent->content_len != ent->size)
		return "content of another size";
	if (((fields & HAS_TARGET) != 0) != (ent->type == ENTRY_SYMLINK))
		return "link target";
	if (((fields & HAS_RDEV) != 0) != device)
		return "device numbers";
	if ((fields & HAS_LINKS) && (ent->nlink < 2 || ent->type == ENTRY_DIR))
		return "hard links";
	if ((fields & HAS_INODE_FLAGS) && ent->inode_flags == 0)
		return "no inode flag";
	if ((fields & HAS_XATTRS) && (fields & HAS_XATTRS_ID))
		return "two attribute sets";
	if ((fields & HAS_RECORDED_ONLY) && ent->type != ENTRY_DIR)
		return "recorded only";
	return NULL;
}

int
entry_decode(const void *data, size_t len, struct entry *ent, struct err *e)
{
	struct wire w;
	unsigned fields;
	const char *wrong;

	*ent = (struct entry){ 0 };
	wire_init(&w, data, len);
	fields = (unsigned)bounded(&w, HAS_ALL);
	ent->type = (enum entry_type)wire_u8(&w);
	ent->mode = (uint32_t)bounded(&w, MODE_MASK);
	ent->uid = (uint32_t)bounded(&w, UINT32_MAX);
	ent->gid = (uint32_t)bounded(&w, UINT32_MAX);
	ent->size = bounded(&w, INT64_MAX);
	ent->mtime = get_time(&w);
	ent->ctime = get_time(&w);
	ent->ino = wire_varint(&w);
	get_optional(&w, fields, ent);
	if (!wire_done(&w)) {
		err_set(e, ERR_CORRUPT, "entry: bad encoding");
		return -1;
	}
	wrong = contradiction(ent, fields);
	if (wrong != NULL) {
		err_set(e, ERR_CORRUPT, "entry: %s", wrong);
		return -1;
	}
	return 0;
}

static bool
time_equal(const struct entry_time *a, const struct entry_time *b)
{
	return a->sec == b->sec && a->nsec == b->nsec;
}

bool
entry_same_version(const struct entry *a, const struct entry *b)
{
	return a->type == b->type && a->size == b->size && a->ino == b->ino &&
	    time_equal(&a->mtime, &b->mtime) &&
	    time_equal(&a->ctime, &b->ctime);
}
