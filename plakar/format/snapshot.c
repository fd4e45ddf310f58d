/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "plakar/format/field.h"

#include "plakar/format/snapshot.h"

enum tag {
	TAG_START = 1,
	TAG_END,
	TAG_HOST,
	TAG_USER,
	TAG_ROOT,
	TAG_TAG,
	TAG_TREE,
	TAG_SUMS,
	TAG_PARENT,
	TAG_PREVIOUS,
	TAG_PARTIAL,
	TAG_STORED,
	TAG_USERS,
	TAG_GROUPS,
	TAG_PROGRAM,
};

#define TAG_BIT(tag) (1u << (tag))
#define REQUIRED                                                               \
	(TAG_BIT(TAG_START) | TAG_BIT(TAG_END) | TAG_BIT(TAG_HOST) |           \
	    TAG_BIT(TAG_USER) | TAG_BIT(TAG_ROOT) | TAG_BIT(TAG_SUMS))
#define REPEATED                                                               \
	(TAG_BIT(TAG_ROOT) | TAG_BIT(TAG_TAG) | TAG_BIT(TAG_USERS) |           \
	    TAG_BIT(TAG_GROUPS))

static void
free_strings(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

static void
free_owners(struct snapshot_owners *owners)
{
	for (size_t i = 0; i < owners->count; i++)
		free(owners->list[i].name);
	free(owners->list);
}

void
snapshot_clear(struct snapshot *s)
{
	free(s->host);
	free(s->user);
	free(s->program);
	free_strings(s->roots, s->roots_count);
	free_strings(s->tags, s->tags_count);
	free_owners(&s->users);
	free_owners(&s->groups);
	*s = (struct snapshot){ 0 };
}

static void
put_time(struct buf *out, uint64_t tag, const struct snapshot_time *t)
{
	uint8_t value[12];

	wire_store64(value, t->sec);
	wire_store32(value + 8, t->nsec);
	field_put(out, tag, value, sizeof(value));
}

static void
put_numbers(struct buf *out, uint64_t tag, const uint64_t *v, size_t n)
{
	struct buf value = { 0 };

	for (size_t i = 0; i < n; i++)
		wire_put_u64(&value, v[i]);
	field_put(out, tag, value.data, value.len);
	buf_free(&value);
}

static void
put_owners(struct buf *out, uint64_t tag, const struct snapshot_owners *owners)
{
	struct buf value = { 0 };

	for (size_t i = 0; i < owners->count; i++) {
		buf_reset(&value);
		wire_put_u32(&value, owners->list[i].id);
		buf_add_str(&value, owners->list[i].name);
		field_put(out, tag, value.data, value.len);
	}
	buf_free(&value);
}

void
snapshot_encode(const struct snapshot *s, struct buf *out)
{
	const uint64_t sums[] = { s->sums.dirs, s->sums.others, s->sums.bytes,
		s->sums.errors };
	const uint64_t stored[] = { s->new_chunks, s->new_bytes,
		s->stored_bytes };

	put_time(out, TAG_START, &s->start);
	put_time(out, TAG_END, &s->end);
	field_put_str(out, TAG_HOST, s->host);
	field_put_str(out, TAG_USER, s->user);
	for (size_t i = 0; i < s->roots_count; i++)
		field_put_str(out, TAG_ROOT, s->roots[i]);
	for (size_t i = 0; i < s->tags_count; i++)
		field_put_str(out, TAG_TAG, s->tags[i]);
	if (!s->empty)
		field_put(out, TAG_TREE, s->tree.bytes, CHUNK_ID_LEN);
	put_numbers(out, TAG_SUMS, sums, 4);
	if (s->has_parent)
		field_put(out, TAG_PARENT, s->parent.bytes, OBJECT_NAME_LEN);
	if (s->has_previous)
		field_put(
		    out, TAG_PREVIOUS, s->previous.bytes, OBJECT_NAME_LEN);
	if (s->partial)
		field_put_u8(out, TAG_PARTIAL, 1);
	put_numbers(out, TAG_STORED, stored, 3);
	put_owners(out, TAG_USERS, &s->users);
	put_owners(out, TAG_GROUPS, &s->groups);
	if (s->program != NULL)
		field_put_str(out, TAG_PROGRAM, s->program);
}

static int
get_time(const struct field *f, struct snapshot_time *t, struct err *e)
{
	uint8_t value[12];

	if (field_bytes(f, value, sizeof(value), e) == -1)
		return -1;
	t->sec = wire_load64(value);
	t->nsec = wire_load32(value + 8);
	if (t->sec > INT64_MAX || t->nsec > 999999999) {
		err_set(e, ERR_CORRUPT, "bad time");
		return -1;
	}
	return 0;
}

static int
get_numbers(const struct field *f, uint64_t **v, size_t n, struct err *e)
{
	struct wire w;

	wire_init(&w, f->data, f->len);
	for (size_t i = 0; i < n; i++)
		*v[i] = wire_u64(&w);
	if (wire_done(&w))
		return 0;
	err_set(e, ERR_CORRUPT, "bad numbers");
	return -1;
}

/* Text has no zero byte; NULL when it does. */
static char *
get_text(const uint8_t *data, size_t len, struct err *e)
{
	if (memchr(data, 0, len) == NULL)
		return xstrndup((const char *)data, len);
	err_set(e, ERR_CORRUPT, "zero byte in a text");
	return NULL;
}

static int
get_string(const struct field *f, char **out, struct err *e)
{
	*out = get_text(f->data, f->len, e);
	return *out != NULL ? 0 : -1;
}

static int
add_string(const struct field *f, char ***list, size_t *count, struct err *e)
{
	*list = xreallocarray(*list, *count + 1, sizeof(char *));
	(*list)[*count] = get_text(f->data, f->len, e);
	if ((*list)[*count] == NULL)
		return -1;
	++*count;
	return 0;
}

static int
add_root(const struct field *f, struct snapshot *s, struct err *e)
{
	if (f->len > 0 && f->data[0] == '/')
		return add_string(f, &s->roots, &s->roots_count, e);
	err_set(e, ERR_CORRUPT, "a root that is no absolute path");
	return -1;
}

static int
add_owner(const struct field *f, struct snapshot_owners *owners, struct err *e)
{
	struct snapshot_owner *owner;

	owners->list = xreallocarray(
	    owners->list, owners->count + 1, sizeof(*owners->list));
	owner = &owners->list[owners->count];
	if (f->len < 4) {
		err_set(e, ERR_CORRUPT, "bad owner");
		return -1;
	}
	owner->id = wire_load32(f->data);
	owner->name = get_text(f->data + 4, f->len - 4, e);
	if (owner->name == NULL)
		return -1;
	owners->count++;
	return 0;
}

static int
get_flag(const struct field *f, bool *flag, struct err *e)
{
	uint8_t v;

	if (field_u8(f, &v, e) == -1)
		return -1;
	if (v != 1) {
		err_set(e, ERR_CORRUPT, "bad flag");
		return -1;
	}
	*flag = true;
	return 0;
}

static int
get_field(const struct field *f, struct snapshot *s, struct err *e)
{
	uint64_t *sums[] = { &s->sums.dirs, &s->sums.others, &s->sums.bytes,
		&s->sums.errors };
	uint64_t *stored[] = { &s->new_chunks, &s->new_bytes,
		&s->stored_bytes };

	switch (f->tag) {
	case TAG_START:
		return get_time(f, &s->start, e);
	case TAG_END:
		return get_time(f, &s->end, e);
	case TAG_HOST:
		return get_string(f, &s->host, e);
	case TAG_USER:
		return get_string(f, &s->user, e);
	case TAG_ROOT:
		return add_root(f, s, e);
	case TAG_TAG:
		return add_string(f, &s->tags, &s->tags_count, e);
	case TAG_TREE:
		s->empty = false;
		return field_bytes(f, s->tree.bytes, CHUNK_ID_LEN, e);
	case TAG_SUMS:
		return get_numbers(f, sums, 4, e);
	case TAG_PARENT:
		s->has_parent = true;
		return field_bytes(f, s->parent.bytes, OBJECT_NAME_LEN, e);
	case TAG_PREVIOUS:
		s->has_previous = true;
		return field_bytes(f, s->previous.bytes, OBJECT_NAME_LEN, e);
	case TAG_PARTIAL:
		return get_flag(f, &s->partial, e);
	case TAG_STORED:
		return get_numbers(f, stored, 3, e);
	case TAG_USERS:
		return add_owner(f, &s->users, e);
	case TAG_GROUPS:
		return add_owner(f, &s->groups, e);
	case TAG_PROGRAM:
		return get_string(f, &s->program, e);
	default:
		return 0;
	}
}

static int
get_fields(const void *data, size_t len, struct snapshot *s, struct err *e)
{
	struct field_reader reader;
	struct field f;
	unsigned seen = 0;
	int got;

	field_reader_init(&reader, data, len);
	while ((got = field_next(&reader, &f, e)) == 1) {
		unsigned bit = f.tag < 32 ? TAG_BIT(f.tag) : 0;

		if (f.again && (REPEATED & bit) == 0 && f.tag <= TAG_PROGRAM) {
			err_set(
			    e, ERR_CORRUPT, "field %" PRIu64 " again", f.tag);
			return -1;
		}
		if (get_field(&f, s, e) == -1)
			return -1;
		seen |= bit;
	}
	if (got == -1)
		return -1;
	if ((seen & REQUIRED) != REQUIRED) {
		err_set(e, ERR_CORRUPT, "a field is missing");
		return -1;
	}
	return 0;
}

int
snapshot_decode(const void *data, size_t len, struct snapshot *s, struct err *e)
{
	*s = (struct snapshot){ .empty = true };
	if (get_fields(data, len, s, e) == 0)
		return 0;
	err_wrap(e, "bad snapshot");
	snapshot_clear(s);
	return -1;
}

const char *
snapshot_owner_name(const struct snapshot_owners *owners, uint32_t id)
{
	for (size_t i = 0; i < owners->count; i++)
		if (owners->list[i].id == id)
			return owners->list[i].name;
	return NULL;
}
