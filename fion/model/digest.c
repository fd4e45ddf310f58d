/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <string.h>

#include "fion/model/model.h"

#define DIGEST_BEGINS 14695981039346656037ULL

/* FNV-1a. */
static uint64_t
add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 1099511628211ULL;
	return sum;
}

static uint64_t
add_number(uint64_t sum, uint64_t n)
{
	return add(sum, &n, sizeof(n));
}

static uint64_t
add_text(uint64_t sum, const char *s)
{
	return s == NULL ? add_number(sum, 0) : add(sum, s, strlen(s) + 1);
}

static uint64_t
add_node(uint64_t sum, const struct node *n)
{
	const struct node *child;
	const struct win *w;

	sum = add(sum, &n->rect, sizeof(n->rect));
	if (n->is_split) {
		sum = add_number(sum, n->axis);
		TAILQ_FOREACH(child, &n->children, link)
			sum = add_node(sum, child);
		return add_number(sum, UINT64_MAX); /* it ends here */
	}
	sum = add_text(add_number(sum, n->id), n->name);
	sum = add_number(sum, n->cur == NULL ? 0 : n->cur->id);
	TAILQ_FOREACH(w, &n->tabs, link)
		sum = add_number(sum, w->id);
	TAILQ_FOREACH(w, &n->floats, link)
		sum = add_number(sum, w->id);
	return sum;
}

static void
add_workspace(struct model_digest *d, const struct workspace *ws)
{
	const char *screen = ws->screen == NULL ? NULL : ws->screen->key;

	d->workspaces = add_text(d->workspaces, ws->name);
	d->workspaces = add_text(d->workspaces, screen);
	d->workspaces = add_number(d->workspaces, workspace_visible(ws));
	d->layout = add_node(add_number(d->layout, ws->id), ws->root);
}

struct model_digest
model_digest(struct model *m)
{
	struct model_digest d = { .workspaces = DIGEST_BEGINS,
		.layout = DIGEST_BEGINS };
	const struct workspace *ws, *cur = workspace_current(m);
	const struct screen *s;

	TAILQ_FOREACH(s, &m->screens, link)
		TAILQ_FOREACH(ws, &s->workspaces, link)
			add_workspace(&d, ws);
	TAILQ_FOREACH(ws, &m->limbo, link)
		add_workspace(&d, ws);
	d.workspaces = add_number(d.workspaces, cur == NULL ? 0 : cur->id);
	d.layout = add_node(d.layout, m->scratch);
	d.tile = model_tile(m)->id;
	return d;
}
