/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "plakar/push/owners.h"

void
owner_ids_add(struct owner_ids *o, uint32_t id)
{
	size_t lo = 0, hi = o->count;

	if (o->last < o->count && o->ids[o->last] == id)
		return;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->ids[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	o->last = lo;
	if (lo < o->count && o->ids[lo] == id)
		return;
	if (o->count == o->cap) {
		o->cap = 2 * o->cap + 16;
		o->ids = xreallocarray(o->ids, o->cap, sizeof(*o->ids));
	}
	memmove(
	    o->ids + lo + 1, o->ids + lo, (o->count - lo) * sizeof(*o->ids));
	o->ids[lo] = id;
	o->count++;
}

void
owner_ids_free(struct owner_ids *o)
{
	free(o->ids);
	*o = (struct owner_ids){ 0 };
}

static const char *
user_name(uint32_t id)
{
	const struct passwd *pw = getpwuid(id);

	return pw != NULL ? pw->pw_name : NULL;
}

static const char *
group_name(uint32_t id)
{
	const struct group *gr = getgrgid(id);

	return gr != NULL ? gr->gr_name : NULL;
}

static void
name_all(const struct owner_ids *o, const char *(*name_of)(uint32_t id),
    struct snapshot_owners *out)
{
	out->list = xcalloc(o->count, sizeof(*out->list));
	out->count = 0;
	for (size_t i = 0; i < o->count; i++) {
		const char *name = name_of(o->ids[i]);

		if (name != NULL)
			out->list[out->count++] =
			    (struct snapshot_owner){ .id = o->ids[i],
				    .name = xstrdup(name) };
	}
}

void
owner_ids_users(const struct owner_ids *o, struct snapshot_owners *out)
{
	name_all(o, user_name, out);
}

void
owner_ids_groups(const struct owner_ids *o, struct snapshot_owners *out)
{
	name_all(o, group_name, out);
}
