/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * said: what windows say of themselves in properties.
 *
 * All is asked at once when a window comes; what changes later is noted, and
 * read again for all windows at once: one wait, however many changed.  A
 * property that is absent, or of a wrong format, reads as empty.
 */
#include <stdlib.h>
#include <string.h>

#include "fion/text/text.h"
#include "fion/x/x_internal.h"

/* What was in a property: text (format 8) or cards (format 32). */
struct value {
	const uint8_t *text, *cards;
	size_t text_len, cards_len;
	xcb_atom_t type;
};

static void
read_hints(struct x *x, struct client *c, const struct value *v)
{
	bool was = c->hints.urgent;

	c->hints = props_hints(v->cards, v->cards_len);
	if (c->placed && c->hints.urgent != was)
		client_set_urgent(x, c, c->hints.urgent);
}

static void
read_size(struct x *x, struct client *c, const struct value *v)
{
	(void)x;
	c->size = props_size(v->cards, v->cards_len);
}

static void
read_class(struct x *x, struct client *c, const struct value *v)
{
	(void)x;
	if (c->win == NULL || v->text_len == 0)
		return;
	free(c->win->instance);
	free(c->win->class);
	props_class(v->text, v->text_len, &c->win->instance, &c->win->class);
}

static void
read_role(struct x *x, struct client *c, const struct value *v)
{
	(void)x;
	if (c->win == NULL || v->text_len == 0)
		return;
	free(c->win->role);
	c->win->role = text_clean(v->text, v->text_len, true);
}

static void
set_title(struct x *x, struct client *c, const struct value *v, bool latin1)
{
	char *text;

	if (c->win == NULL || v->text_len == 0)
		return;
	text = text_clean(v->text, v->text_len, latin1);
	win_set_text(&c->win->title, text);
	free(text);
	if (c->placed)
		x->hooks->event(x->ctx, "title", c->win);
}

static void
read_name(struct x *x, struct client *c, const struct value *v)
{
	if (!c->has_net_name)
		set_title(x, c, v, v->type != x->atoms[X_UTF8_STRING]);
}

static void
read_net_name(struct x *x, struct client *c, const struct value *v)
{
	c->has_net_name = v->text_len > 0;
	set_title(x, c, v, false);
}

/* A float goes to the tile of whom it now belongs to. */
static void
read_transient(struct x *x, struct client *c, const struct value *v)
{
	struct win *leader;

	c->transient_for = props_card(v->cards, v->cards_len, 0, XCB_NONE);
	if (!c->placed || c->win == NULL || !c->win->floating)
		return;
	leader = place_leader(x, c);
	if (leader != NULL && leader->tile != c->win->tile)
		win_move(x->m, c->win, leader->tile);
	c->win->leader = leader;
}

static void
read_protocols(struct x *x, struct client *c, const struct value *v)
{
	const uint8_t *d = v->cards;
	size_t n = v->cards_len;

	c->takes_focus = props_has(d, n, x->atoms[X_WM_TAKE_FOCUS]);
	c->deletes = props_has(d, n, x->atoms[X_WM_DELETE_WINDOW]);
	c->pings = props_has(d, n, x->atoms[X__NET_WM_PING]);
	c->syncs = props_has(d, n, x->atoms[X__NET_WM_SYNC_REQUEST]);
}

static void
read_type(struct x *x, struct client *c, const struct value *v)
{
	static const struct {
		enum x_atom atom;
		enum kind kind;
	} kinds[] = {
		{ X__NET_WM_WINDOW_TYPE_DOCK, KIND_DOCK },
		{ X__NET_WM_WINDOW_TYPE_DESKTOP, KIND_DESKTOP },
		{ X__NET_WM_WINDOW_TYPE_NOTIFICATION, KIND_NOTIFICATION },
		{ X__NET_WM_WINDOW_TYPE_DIALOG, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_UTILITY, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_TOOLBAR, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_SPLASH, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_MENU, KIND_DIALOG },
		{ X__NET_WM_WINDOW_TYPE_NORMAL, KIND_NORMAL },
	};

	for (size_t i = 0; i < v->cards_len / 4; i++) {
		uint32_t a = props_card(v->cards, v->cards_len, i, 0);

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (x->atoms[kinds[k].atom] == a) {
				c->kind = kinds[k].kind;
				return;
			}
		}
	}
}

static void
read_state(struct x *x, struct client *c, const struct value *v)
{
	const xcb_atom_t *a = x->atoms;
	const uint8_t *data = v->cards;
	size_t len = v->cards_len;

	if (props_has(data, len, a[X__NET_WM_STATE_FULLSCREEN]))
		c->win->full = FULL_SCREEN;
	c->modal = props_has(data, len, a[X__NET_WM_STATE_MODAL]);
	c->above = props_has(data, len, a[X__NET_WM_STATE_ABOVE]);
	c->below = props_has(data, len, a[X__NET_WM_STATE_BELOW]);
	c->skip_taskbar = props_has(data, len, a[X__NET_WM_STATE_SKIP_TASKBAR]);
	c->demands = props_has(data, len, a[X__NET_WM_STATE_DEMANDS_ATTENTION]);
	c->maximized =
	    props_has(data, len, a[X__NET_WM_STATE_MAXIMIZED_VERT]) &&
	    props_has(data, len, a[X__NET_WM_STATE_MAXIMIZED_HORZ]);
}

static void
read_strut(struct x *x, struct client *c, const struct value *v)
{
	if (!c->partial_strut)
		c->has_strut =
		    props_strut(v->cards, v->cards_len, false, &c->strut);
	if (c->placed)
		outputs_struts(x);
}

/* It says more than the one that is read next, which is for older docks. */
static void
read_partial_strut(struct x *x, struct client *c, const struct value *v)
{
	(void)x;
	c->partial_strut = props_strut(v->cards, v->cards_len, true, &c->strut);
	c->has_strut = c->partial_strut;
}

static void
read_time(struct x *x, struct client *c, const struct value *v)
{
	(void)x;
	c->has_time = v->cards_len >= 4;
	c->user_time = props_card(v->cards, v->cards_len, 0, 0);
}

static void
read_counter(struct x *x, struct client *c, const struct value *v)
{
	if (c->win != NULL)
		sync_watch(
		    x, c, props_card(v->cards, v->cards_len, 0, XCB_NONE));
}

static void
read_motif(struct x *x, struct client *c, const struct value *v)
{
	(void)x;
	c->plain = props_motif_plain(v->cards, v->cards_len);
}

/* What is asked of a window, in the order in which it is read. */
static const struct {
	xcb_atom_t fixed; /* of the core protocol, or */
	enum x_atom atom;
	void (*read)(struct x *x, struct client *c, const struct value *v);
	bool once; /* when the window comes; it is ours to change after */
} said[SAID_COUNT] = {
	{ .fixed = XCB_ATOM_WM_HINTS, .read = read_hints },
	{ .fixed = XCB_ATOM_WM_NORMAL_HINTS, .read = read_size },
	{ .fixed = XCB_ATOM_WM_CLASS, .read = read_class },
	{ .atom = X__NET_WM_NAME, .read = read_net_name },
	{ .fixed = XCB_ATOM_WM_NAME, .read = read_name },
	{ .atom = X_WM_WINDOW_ROLE, .read = read_role },
	{ .fixed = XCB_ATOM_WM_TRANSIENT_FOR, .read = read_transient },
	{ .atom = X_WM_PROTOCOLS, .read = read_protocols },
	{ .atom = X__NET_WM_WINDOW_TYPE, .read = read_type, .once = true },
	{ .atom = X__NET_WM_STATE, .read = read_state, .once = true },
	{ .atom = X__NET_WM_STRUT_PARTIAL, .read = read_partial_strut },
	{ .atom = X__NET_WM_STRUT, .read = read_strut },
	[SAID_TIME] = { .atom = X__NET_WM_USER_TIME, .read = read_time },
	{ .atom = X__NET_WM_SYNC_REQUEST_COUNTER, .read = read_counter },
	{ .atom = X__MOTIF_WM_HINTS, .read = read_motif, .once = true },
};

static xcb_atom_t
atom_of(const struct x *x, size_t i)
{
	return said[i].fixed != XCB_ATOM_NONE ? said[i].fixed :
						x->atoms[said[i].atom];
}

static xcb_get_property_cookie_t
ask(struct x *x, xcb_window_t w, xcb_atom_t atom)
{
	/* A word more, so that a text is cut by us, on a character. */
	return xcb_get_property(
	    x->c, 0, w, atom, XCB_GET_PROPERTY_TYPE_ANY, 0, TEXT_BYTES / 4 + 1);
}

static void
read_answer(
    struct x *x, struct client *c, size_t i, xcb_get_property_cookie_t cookie)
{
	xcb_get_property_reply_t *r =
	    xcb_get_property_reply(x->c, cookie, NULL);
	struct value v = { .type = XCB_ATOM_NONE };

	if (r != NULL) {
		const uint8_t *data = xcb_get_property_value(r);
		size_t len = (size_t)xcb_get_property_value_length(r);

		v.type = r->type;
		v.text = r->format == 8 ? data : NULL;
		v.text_len = r->format == 8 ? len : 0;
		v.cards = r->format == 32 ? data : NULL;
		v.cards_len = r->format == 32 ? len : 0;
	}
	said[i].read(x, c, &v);
	free(r);
}

void
said_ask(struct x *x, xcb_window_t id, struct said_asked *a)
{
	for (size_t i = 0; i < SAID_COUNT; i++)
		a->cookies[i] = ask(x, id, atom_of(x, i));
	a->cookie_time_window =
	    ask(x, id, x->atoms[X__NET_WM_USER_TIME_WINDOW]);
}

void
said_follow(struct x *x, struct said_asked *a)
{
	xcb_get_property_reply_t *r =
	    xcb_get_property_reply(x->c, a->cookie_time_window, NULL);

	a->time_window = XCB_NONE;
	if (r != NULL && r->format == 32)
		a->time_window = props_card(xcb_get_property_value(r),
		    (size_t)xcb_get_property_value_length(r), 0, XCB_NONE);
	free(r);
	if (a->time_window == XCB_NONE)
		return;
	xcb_discard_reply(x->c, a->cookies[SAID_TIME].sequence);
	a->cookies[SAID_TIME] =
	    ask(x, a->time_window, x->atoms[X__NET_WM_USER_TIME]);
}

/* Hear of changes there; a window that is known already is none of those. */
static void
watch_time(struct x *x, struct client *c, xcb_window_t w)
{
	uint32_t mask = XCB_EVENT_MASK_PROPERTY_CHANGE;

	if (w == XCB_NONE || w == x->root || w == x->check || w == x->nofocus ||
	    x_lookup(x, w) != NULL)
		return;
	c->time_window = w;
	xcb_change_window_attributes(x->c, w, XCB_CW_EVENT_MASK, &mask);
	x_remember(x, w, OWNER_TIME, c);
}

void
said_read(struct x *x, struct client *c, struct said_asked *a)
{
	for (size_t i = 0; i < SAID_COUNT; i++)
		read_answer(x, c, i, a->cookies[i]);
	watch_time(x, c, a->time_window);
}

void
said_drop(struct x *x, struct said_asked *a)
{
	for (size_t i = 0; i < SAID_COUNT; i++)
		xcb_discard_reply(x->c, a->cookies[i].sequence);
}

void
said_changed(struct x *x, struct client *c, xcb_atom_t atom)
{
	for (size_t i = 0; i < SAID_COUNT; i++)
		if (!said[i].once && atom_of(x, i) == atom)
			c->stale |= 1U << i;
	/* Without the one, the other is read. */
	if (atom == x->atoms[X__NET_WM_STRUT_PARTIAL])
		said_changed(x, c, x->atoms[X__NET_WM_STRUT]);
	x->stale = x->stale || c->stale != 0;
}

/* The window to ask for a property: the time may stand elsewhere. */
static xcb_window_t
speaker(const struct client *c, size_t i)
{
	return i == SAID_TIME && c->time_window != XCB_NONE ? c->time_window :
							      c->id;
}

void
said_refresh(struct x *x)
{
	struct buf cookies = { 0 };
	const uint8_t *next;
	struct client *c;

	if (!x->stale)
		return;
	x->stale = false;
	TAILQ_FOREACH(c, &x->clients, link) {
		for (size_t i = 0; i < SAID_COUNT; i++) {
			xcb_get_property_cookie_t cookie;

			if ((c->stale & 1U << i) == 0)
				continue;
			cookie = ask(x, speaker(c, i), atom_of(x, i));
			buf_add(&cookies, &cookie, sizeof(cookie));
		}
	}
	next = cookies.data;
	TAILQ_FOREACH(c, &x->clients, link) {
		for (size_t i = 0; i < SAID_COUNT; i++) {
			xcb_get_property_cookie_t cookie;

			if ((c->stale & 1U << i) == 0)
				continue;
			memcpy(&cookie, next, sizeof(cookie));
			next += sizeof(cookie);
			read_answer(x, c, i, cookie);
		}
		c->stale = 0;
	}
	buf_free(&cookies);
}
