/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * place: where in the model a new window goes, and what it may do there.
 *
 * First what it had before a restart or in a loaded layout, then what a rule
 * says, then its parent's tile, then the current tile.
 */
#include "fion/model/layout.h"
#include "fion/x/x_internal.h"

static const char *
type_name(const struct client *c)
{
	switch (c->kind) {
	case KIND_NORMAL:
		return "normal";
	case KIND_DIALOG:
		return "dialog";
	case KIND_NOTIFICATION:
		return "notification";
	case KIND_DOCK:
		return "dock";
	case KIND_DESKTOP:
		return "desktop";
	}
	return "normal";
}

/* Whom it belongs to, by what it says; none if that goes in a circle. */
struct win *
place_leader(struct x *x, struct client *c)
{
	struct client *o = x_client(x, c->transient_for);
	struct client *up = o;

	for (int i = 0; up != NULL && i < MODEL_DEPTH; i++) {
		if (up == c)
			return NULL;
		up = x_client(x, up->transient_for);
	}
	return o != NULL && o != c && up == NULL ? o->win : NULL;
}

static bool
wants_float(const struct client *c)
{
	bool fixed = c->size.max_w > 1 && c->size.max_h > 1 &&
	    c->size.max_w == c->size.min_w && c->size.max_h == c->size.min_h;

	return c->kind == KIND_DIALOG || c->kind == KIND_NOTIFICATION ||
	    c->modal || c->transient_for != XCB_NONE || fixed;
}

/* The tile that a new window goes to. */
static struct node *
choose_tile(struct x *x, struct client *c, const struct config_rule *rule,
    struct want **want)
{
	struct win *w = c->win;
	struct node *t =
	    layout_claim(x->m, c->id, w->class, w->instance, w->role, want);
	struct workspace *ws;

	if (t == NULL && rule->tile != NULL)
		t = tile_by_name(x->m, rule->tile);
	if (t == NULL && rule->workspace != NULL) {
		ws = workspace_by_name(x->m, rule->workspace);
		if (ws == NULL)
			ws = workspace_create(x->m, x->m->cur, rule->workspace);
		if (ws != NULL)
			t = ws->cur;
	}
	return t != NULL ? t : model_tile(x->m);
}

/* May it have the focus, being new? */
static bool
may_focus(struct x *x, struct client *c, const struct win *leader,
    const struct win *focused)
{
	if (c->no_focus || c->kind == KIND_NOTIFICATION || c->hints.iconic)
		return false;
	if (leader != NULL && leader == focused)
		return true;
	if (c->has_time && c->user_time == 0)
		return false;
	if (focused != NULL && c->has_time && x->user_time != 0 &&
	    (int32_t)(c->user_time - x->user_time) < 0)
		return false;
	return c->win->tile == model_tile(x->m) || leader != NULL;
}

static struct config_rule
heed_rule(struct x *x, struct client *c)
{
	const struct win *w = c->win;
	struct config_rule rule = config_match(
	    x->config, w->class, w->instance, w->role, w->title, type_name(c));

	c->no_focus = rule.no_focus;
	c->follow_hints = rule.hints;
	if (rule.full != -1)
		c->win->full = (enum full)rule.full;
	return rule;
}

/* Over its leader, in the leader's tile, unless a rule said which. */
static void
place_float(struct x *x, struct client *c, struct node *t, struct win *leader,
    const struct win *focused)
{
	struct win *w = c->win;

	win_move(x->m, w, t);
	win_set_floating(x->m, w, true);
	w->leader = leader != NULL && leader->tile == t ? leader : NULL;
	t->cur_float = focused == w ? w : NULL;
}

/* The focus, or, if it asked for it in vain, a mark that it did. */
static void
give_focus(struct x *x, struct client *c, const struct win *leader,
    const struct win *focused)
{
	if (focused != c->win && may_focus(x, c, leader, focused))
		win_focus(x->m, c->win);
	else if (!c->no_focus && c->kind != KIND_NOTIFICATION)
		c->win->urgent = true;
}

static void
place(struct x *x, struct client *c, bool adopting)
{
	struct win *w = c->win, *leader = place_leader(x, c);
	const struct win *focused = model_focused(x->m);
	struct config_rule rule = heed_rule(x, c);
	struct want *want = NULL;
	struct node *t = choose_tile(x, c, &rule, &want);

	if (rule.floating != -1 ? rule.floating == 1 : wants_float(c)) {
		if (leader != NULL && rule.floating == -1)
			t = leader->tile;
		place_float(x, c, t, leader, focused);
	} else if (want == NULL) {
		win_move(x->m, w, t);
	}
	if (want != NULL) {
		layout_apply(x->m, w, t, want);
		want_free(want);
	} else if (!adopting) {
		give_focus(x, c, leader, focused);
	}
}

/* Who is not to have the focus does not hide what is shown. */
void
place_new(struct x *x, struct client *c, bool adopting)
{
	struct node *t = model_tile(x->m);
	struct win *keep = t->cur, *w = c->win;

	place(x, c, adopting);
	if (!adopting && keep != NULL && w->tile == t && t->cur == w &&
	    (w->urgent || c->hints.iconic || c->no_focus))
		t->cur = keep;
}
