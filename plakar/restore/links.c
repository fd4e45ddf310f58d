/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "plakar/format/entry.h"

#include "plakar/restore/links.h"

static size_t
slot_of(uint64_t ino, uint32_t dev_major, uint32_t dev_minor, size_t cap)
{
	uint64_t h =
	    ino ^ ((uint64_t)dev_major << 44) ^ ((uint64_t)dev_minor << 24);

	return (size_t)((h * 0x9e3779b97f4a7c15u) >> 32) & (cap - 1);
}

void
links_clear(struct links *links)
{
	for (size_t i = 0; i < links->cap; i++)
		while (links->slots[i] != NULL)
			links_forget(links, links->slots[i]);
	free(links->slots);
	*links = (struct links){ 0 };
}

struct link_group *
links_find(const struct links *links, const struct entry *ent)
{
	struct link_group *g;

	if (links->cap == 0)
		return NULL;
	g = links->slots[slot_of(
	    ent->ino, ent->dev_major, ent->dev_minor, links->cap)];
	while (g != NULL &&
	    (g->ino != ent->ino || g->dev_major != ent->dev_major ||
		g->dev_minor != ent->dev_minor))
		g = g->next;
	return g;
}

static void
put(struct links *links, struct link_group *g)
{
	size_t slot = slot_of(g->ino, g->dev_major, g->dev_minor, links->cap);

	g->next = links->slots[slot];
	links->slots[slot] = g;
}

static void
grow(struct links *links)
{
	struct links larger = { .n = links->n,
		.cap = links->cap == 0 ? 256 : links->cap * 2 };

	larger.slots = xcalloc(larger.cap, sizeof(struct link_group *));
	for (size_t i = 0; i < links->cap; i++) {
		struct link_group *g = links->slots[i];

		while (g != NULL) {
			struct link_group *next = g->next;

			put(&larger, g);
			g = next;
		}
	}
	free(links->slots);
	*links = larger;
}

struct link_group *
links_add(
    struct links *links, const struct entry *ent, const void *key, size_t len)
{
	struct link_group *g = xmalloc(sizeof(*g) + len);

	*g = (struct link_group){
		.ino = ent->ino,
		.dev_major = ent->dev_major,
		.dev_minor = ent->dev_minor,
		.left = ent->nlink - 1,
		.key_len = (uint32_t)len,
	};
	memcpy(g->key, key, len);
	if (links->n >= links->cap)
		grow(links);
	put(links, g);
	links->n++;
	return g;
}

void
links_forget(struct links *links, struct link_group *group)
{
	struct link_group **at = &links->slots[slot_of(
	    group->ino, group->dev_major, group->dev_minor, links->cap)];

	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	buf_free(&group->waiting);
	free(group);
	links->n--;
}
