/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * pieces: what a bar says, from workspaces to the time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#include "fion/bar/status.h"
#include "fion/text/text.h"
#include "fion/x/paint.h"
#include "fion/x/pieces.h"
#include "fion/x/x_internal.h"

static void
drop(struct piece *p)
{
	free(p->text);
	free(p->brief);
}

static struct piece *
add(struct x *x, struct pieces *ps, const char *text)
{
	struct piece *p;

	if (ps->n == BAR_PIECES)
		drop(&ps->p[--ps->n]); /* the last one gives way */
	p = &ps->p[ps->n++];
	*p = (struct piece){ .text = xstrdup(text),
		.ground = x->config->set.bar_background,
		.ink = x->config->set.bar_text,
		.block = -1 };
	return p;
}

void
pieces_clear(struct pieces *ps)
{
	while (ps->n > 0)
		drop(&ps->p[--ps->n]);
}

static void
add_workspaces(struct x *x, const struct screen *s, struct pieces *ps)
{
	const struct config_settings *set = &x->config->set;
	const struct workspace *ws;

	TAILQ_FOREACH(ws, &s->workspaces, link) {
		char text[MODEL_NAME + 8];
		struct piece *p;

		snprintf(text, sizeof(text), "%s%s", ws->name,
		    workspace_empty(ws) ? "" : "\xe2\x80\xa2");
		p = add(x, ps, text);
		p->workspace = ws->id;
		p->mark = ws == s->cur;
		if (workspace_urgent(ws)) {
			p->ground = set->urgent_background;
			p->ink = set->urgent_text;
		} else if (ws == s->cur && s == x->m->cur) {
			p->ground = set->focus_background;
			p->ink = set->focus_text;
		} else if (ws == s->cur) {
			p->ground = set->tab_background;
			p->ink = set->tab_text;
		}
	}
}

/* The name of a key, arrows as such. */
static void
key_name(struct config_key key, char *buf, size_t len)
{
	static const char *const arrows[] = { "\xe2\x86\x90", "\xe2\x86\x91",
		"\xe2\x86\x92", "\xe2\x86\x93" };
	char *name;

	config_key_format(key, buf, len);
	if (key.sym < XKB_KEY_Left || key.sym > XKB_KEY_Down)
		return;
	name = strrchr(buf, '+') != NULL ? strrchr(buf, '+') + 1 : buf;
	snprintf(name, len - (size_t)(name - buf), "%s",
	    arrows[key.sym - XKB_KEY_Left]);
}

/* Does a key before the i-th do the same? */
static bool
said_before(const struct config_mode *m, size_t i)
{
	const struct config_bind *b = &m->binds[i];

	for (size_t k = 0; k < i; k++) {
		const struct config_bind *o = &m->binds[k];
		size_t n = 0;

		while (n < b->n && n < o->n &&
		    strcmp(b->words[n], o->words[n]) == 0)
			n++;
		if (n == b->n && n == o->n)
			return true;
	}
	return false;
}

/* What the keys of a mode do, in its words. */
static void
add_mode(struct x *x, struct pieces *ps)
{
	const struct config_mode *m = x->mode;
	char text[256], key[64];
	struct piece *p;

	snprintf(
	    text, sizeof(text), "%s%s", m->name, x->held ? " (stays)" : "");
	if (x->count > 0)
		snprintf(text, sizeof(text), "%s %u", m->name, x->count);
	p = add(x, ps, text);
	p->leads = true;
	p->ground = x->config->set.focus_background;
	p->ink = x->config->set.focus_text;
	for (size_t i = 0; i < m->n; i++) {
		const struct config_bind *b = &m->binds[i];
		const char *noun = b->words[0];

		if ((b->key.sym >= XKB_KEY_1 && b->key.sym <= XKB_KEY_9) ||
		    said_before(m, i))
			continue; /* digits pick: everyone knows */
		key_name(b->key, key, sizeof(key));
		if (strcmp(noun, m->name) == 0 && b->n > 1)
			noun = "";
		p = add(x, ps, key);
		p->leads = true;
		p->ink = x->config->set.panel_key;
		snprintf(text, sizeof(text), "%s%s%s%s%s", noun,
		    noun[0] != '\0' && b->n > 1 ? " " : "",
		    b->n > 1 ? b->words[1] : "", b->n > 2 ? " " : "",
		    b->n > 2 ? b->words[2] : "");
		add(x, ps, text);
	}
}

static void
add_prompt(struct x *x, struct pieces *ps)
{
	struct prompt *pr = &x->prompt;
	const char *text = prompt_text(pr), *match;
	char line[PROMPT_BYTES + 32];
	struct piece *p = add(x, ps, pr->kind);

	p->ground = x->config->set.focus_background;
	p->ink = x->config->set.focus_text;
	snprintf(line, sizeof(line), "%.*s\xe2\x94\x82%s", (int)pr->cursor,
	    text, text + pr->cursor);
	add(x, ps, line);
	for (size_t i = 0; i < 24; i++) {
		match = prompt_match(pr, i);
		if (match == NULL)
			break;
		p = add(x, ps, match);
		p->ground = x->config->set.tab_background;
		p->ink = x->config->set.tab_text;
		if (pr->completing && i == pr->match)
			p->ink = x->config->set.panel_key;
	}
}

/* Where one is, and in what. */
static void
add_place(struct x *x, struct pieces *ps)
{
	struct node *t = model_tile(x->m);
	struct win *w = model_focused(x->m);
	size_t tabs = tile_tabs(t);
	char text[TEXT_BYTES + MODEL_NAME + 64], where[32] = "";

	if (tabs > 1 && t->cur != NULL)
		snprintf(where, sizeof(where), "%zu/%zu  ",
		    tab_index(t->cur) + 1, tabs);
	snprintf(text, sizeof(text), "%s%s%s%s",
	    t == x->m->scratch  ? "scratch  " :
		t->name != NULL ? t->name :
				  "",
	    t->name != NULL ? "  " : "", where, w == NULL ? "" : w->title);
	add(x, ps, text);
}

void
pieces_left(struct x *x, const struct screen *s, struct pieces *ps)
{
	if (s == x->m->cur && x->input == INPUT_PROMPT) {
		add_prompt(x, ps);
		return;
	}
	add_workspaces(x, s, ps);
	if (s != x->m->cur)
		return;
	if (x->message_ends != 0) {
		struct piece *p = add(x, ps, x->message);

		p->ground = x->message_calm ? x->config->set.tab_background :
					      x->config->set.urgent_background;
		p->ink = x->message_calm ? x->config->set.tab_text :
					   x->config->set.urgent_text;
	}
	if (x->input == INPUT_MODE)
		add_mode(x, ps);
	else if (x->input == INPUT_PASS)
		add(x, ps, "the next key goes to the application");
	else
		add_place(x, ps);
}

void
pieces_right(struct x *x, const struct screen *s, struct pieces *ps)
{
	const struct status *st = x->bar == NULL ? NULL : x->bar->status;

	if (s == TAILQ_FIRST(&x->m->screens) && st != NULL) {
		for (size_t i = 0; i < st->n; i++) {
			const struct status_block *b = &st->blocks[i];
			struct piece *p = add(x, ps, b->text);

			p->block = (int)i;
			if (b->brief != NULL)
				p->brief = xstrdup(b->brief);
			if (b->has_colour)
				p->ink = b->colour;
			if (b->urgent) {
				p->ground = x->config->set.urgent_background;
				p->ink = x->config->set.urgent_text;
			}
		}
	}
	if (x->bar != NULL && x->bar->clock != NULL && x->bar->clock[0] != '\0')
		add(x, ps, x->bar->clock);
}

uint64_t
piece_sum(uint64_t sum, const struct piece *p)
{
	sum = paint_sum(sum, p->text, strlen(p->text) + 1);
	sum = paint_sum(sum, &p->ground, sizeof(p->ground));
	sum = paint_sum(sum, &p->mark, sizeof(p->mark));
	return paint_sum(sum, &p->ink, sizeof(p->ink));
}

uint64_t
pieces_sum(uint64_t sum, const struct pieces *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		sum = piece_sum(sum, &ps->p[i]);
	return paint_sum(sum, &ps->n, sizeof(ps->n));
}

void
pieces_shorten(struct pieces *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		struct piece *p = &ps->p[i];

		if (p->brief == NULL)
			continue;
		free(p->text);
		p->text = p->brief;
		p->brief = NULL;
	}
}
