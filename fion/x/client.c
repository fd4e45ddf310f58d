/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * client: windows of applications: managed, changed, let go.
 *
 * All that is to be known about all windows that came in a batch is asked
 * first and read then: one wait for the whole batch.
 */
#include <stdlib.h>

#include "lib/mem.h"

#include "fion/x/x_internal.h"

#define PING_MS 10000

struct asked {
	xcb_window_t id;
	xcb_get_window_attributes_cookie_t attributes;
	xcb_get_geometry_cookie_t geometry;
	xcb_get_property_cookie_t state;
	struct said_asked said;
};

void
client_queue(struct x *x, xcb_window_t w)
{
	for (size_t i = 0; i < x->n_pending; i++)
		if (x->pending[i] == w)
			return;
	if ((x->n_pending & (x->n_pending - 1)) == 0)
		x->pending = xreallocarray(x->pending,
		    x->n_pending == 0 ? 1 : x->n_pending * 2,
		    sizeof(*x->pending));
	x->pending[x->n_pending++] = w;
}

static void
ask(struct x *x, struct asked *a, xcb_window_t id)
{
	uint32_t mask =
	    XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_FOCUS_CHANGE;

	a->id = id;
	xcb_change_window_attributes(x->c, id, XCB_CW_EVENT_MASK, &mask);
	a->attributes = xcb_get_window_attributes(x->c, id);
	a->geometry = xcb_get_geometry(x->c, id);
	a->state = xcb_get_property(
	    x->c, 0, id, x->atoms[X_WM_STATE], x->atoms[X_WM_STATE], 0, 1);
	said_ask(x, id, &a->said);
}

static void
dock_manage(struct x *x, struct client *c)
{
	uint32_t mask =
	    XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_STRUCTURE_NOTIFY;

	xcb_change_window_attributes(x->c, c->id, XCB_CW_EVENT_MASK, &mask);
	xcb_map_window(x->c, c->id);
	outputs_struts(x);
}

static void
make_frame(struct x *x, struct client *c)
{
	uint32_t values[] = { 0, 0, XCB_GRAVITY_NORTH_WEST, 1,
		XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT |
		    XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY |
		    XCB_EVENT_MASK_ENTER_WINDOW,
		XCB_NONE };
	uint32_t mask = XCB_CW_BACK_PIXEL | XCB_CW_BORDER_PIXEL |
	    XCB_CW_BIT_GRAVITY | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK;
	uint32_t none = 0;

	c->frame = xcb_generate_id(x->c);
	if (c->visual != x->screen->root_visual) {
		c->colormap = xcb_generate_id(x->c);
		xcb_create_colormap(x->c, XCB_COLORMAP_ALLOC_NONE, c->colormap,
		    x->root, c->visual);
		values[5] = c->colormap;
		mask |= XCB_CW_COLORMAP;
	}
	xcb_create_window(x->c, c->depth, c->frame, x->root, 0, 0, 1, 1, 0,
	    XCB_WINDOW_CLASS_INPUT_OUTPUT, c->visual, mask, values);
	xcb_change_save_set(x->c, XCB_SET_MODE_INSERT, c->id);
	xcb_configure_window(
	    x->c, c->id, XCB_CONFIG_WINDOW_BORDER_WIDTH, &none);
	xcb_reparent_window(x->c, c->id, c->frame, 0, 0);
	xcb_grab_button(x->c, 0, c->frame, XCB_EVENT_MASK_BUTTON_PRESS,
	    XCB_GRAB_MODE_SYNC, XCB_GRAB_MODE_ASYNC, XCB_NONE, XCB_NONE,
	    XCB_BUTTON_INDEX_ANY, XCB_MOD_MASK_ANY);
	x_remember(x, c->frame, OWNER_FRAME, c);
}

static void
client_manage(struct x *x, struct client *c, bool adopting,
    const xcb_get_geometry_reply_t *g)
{
	const struct win *focused;

	c->placed = true;
	x_remember(x, c->id, OWNER_CLIENT, c);
	TAILQ_INSERT_TAIL(&x->clients, c, link);
	if (c->kind == KIND_DOCK || c->kind == KIND_DESKTOP) {
		win_remove(x->m, c->win);
		c->win = NULL;
		dock_manage(x, c);
		return;
	}
	c->win->float_w = g->width;
	c->win->float_h = g->height;
	props_constrain(&c->size, &c->win->float_w, &c->win->float_h);
	focused = model_focused(x->m);
	place_new(x, c, adopting);
	make_frame(x, c);
	if (c->hints.urgent || c->demands)
		c->win->urgent = c->win != focused;
	x->dirty = true;
	x->hooks->event(x->ctx, "window-new", c->win);
}

/* A window that waits in the scratch tile's shadow until it is placed. */
static struct win *
provisional(struct x *x, xcb_window_t id)
{
	struct node *t = x->m->scratch;
	struct win *cur = t->cur, *w = win_add(x->m, id, t, false, NULL);

	t->cur = cur != NULL ? cur : w;
	return w;
}

/* Was it an icon, or, by us, behind in its tile, before we came? */
static bool
was_iconic(struct x *x, struct asked *a)
{
	xcb_get_property_reply_t *r =
	    xcb_get_property_reply(x->c, a->state, NULL);
	bool iconic = r != NULL && r->format == 32 &&
	    props_card(xcb_get_property_value(r),
		(size_t)xcb_get_property_value_length(r), 0, 0) == 3;

	free(r);
	return iconic;
}

static struct client *
client_new(struct x *x, xcb_window_t id,
    const xcb_get_window_attributes_reply_t *at,
    const xcb_get_geometry_reply_t *g)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->id = id;
	c->visual = at->visual;
	c->depth = g->depth;
	c->border = g->border_width;
	c->sent_desktop = UINT32_MAX - 1;
	c->sent_state = UINT32_MAX;
	c->win = provisional(x, id);
	return c;
}

static void
answer(struct x *x, struct asked *a, bool adopting)
{
	xcb_get_window_attributes_reply_t *at =
	    xcb_get_window_attributes_reply(x->c, a->attributes, NULL);
	xcb_get_geometry_reply_t *g =
	    xcb_get_geometry_reply(x->c, a->geometry, NULL);
	bool iconic = was_iconic(x, a);
	struct client *c;

	if (at != NULL && g != NULL && !at->override_redirect &&
	    at->_class == XCB_WINDOW_CLASS_INPUT_OUTPUT &&
	    (!adopting || at->map_state == XCB_MAP_STATE_VIEWABLE || iconic) &&
	    x_client(x, a->id) == NULL) {
		c = client_new(x, a->id, at, g);
		said_read(x, c, &a->said);
		client_manage(x, c, adopting, g);
	} else {
		said_drop(x, &a->said);
	}
	free(at);
	free(g);
}

static void
manage_all(struct x *x, bool adopting)
{
	size_t n = x->n_pending;
	struct asked *asked;

	if (n == 0)
		return;
	x->n_pending = 0;
	asked = xcalloc(n, sizeof(*asked));
	for (size_t i = 0; i < n; i++)
		ask(x, &asked[i], x->pending[i]);
	for (size_t i = 0; i < n; i++)
		said_follow(x, &asked[i].said);
	for (size_t i = 0; i < n; i++)
		answer(x, &asked[i], adopting);
	free(asked);
}

void
client_manage_pending(struct x *x)
{
	manage_all(x, false);
}

void
client_adopt_all(struct x *x)
{
	xcb_query_tree_reply_t *r =
	    xcb_query_tree_reply(x->c, xcb_query_tree(x->c, x->root), NULL);
	xcb_window_t *w = r == NULL ? NULL : xcb_query_tree_children(r);
	int n = r == NULL ? 0 : xcb_query_tree_children_length(r);

	for (int i = 0; i < n; i++)
		if (w[i] != x->check && w[i] != x->nofocus &&
		    x_lookup(x, w[i]) == NULL)
			client_queue(x, w[i]);
	free(r);
	manage_all(x, true);
}

static void
hand_back(struct x *x, struct client *c)
{
	uint32_t border = c->border, none = 0;
	uint32_t withdrawn[2] = { 0, XCB_NONE };
	struct rect r = c->frame_at;

	xcb_change_window_attributes(x->c, c->id, XCB_CW_EVENT_MASK, &none);
	if (c->win != NULL) {
		xcb_configure_window(
		    x->c, c->id, XCB_CONFIG_WINDOW_BORDER_WIDTH, &border);
		xcb_reparent_window(
		    x->c, c->id, x->root, (int16_t)r.x, (int16_t)r.y);
		xcb_change_save_set(x->c, XCB_SET_MODE_DELETE, c->id);
	}
	x_prop_cards(x, c->id, X_WM_STATE, x->atoms[X_WM_STATE], withdrawn, 2);
	xcb_delete_property(x->c, c->id, x->atoms[X__NET_WM_STATE]);
	xcb_delete_property(x->c, c->id, x->atoms[X__NET_WM_DESKTOP]);
}

void
client_unmanage(struct x *x, struct client *c, bool gone)
{
	bool strut = c->has_strut;
	const struct entry *time;

	if (!gone)
		hand_back(x, c);
	x_forget(x, c->id);
	time = x_lookup(x, c->time_window);
	sync_forget(x, c);
	if (time != NULL && time->owner == OWNER_TIME && time->ptr == c)
		x_forget(x, c->time_window);
	if (c->frame != XCB_NONE) {
		x_forget(x, c->frame);
		xcb_destroy_window(x->c, c->frame);
		if (c->colormap != XCB_NONE)
			xcb_free_colormap(x->c, c->colormap);
	}
	TAILQ_REMOVE(&x->clients, c, link);
	if (c->win != NULL) {
		x->hooks->event(x->ctx, "window-gone", c->win);
		if (x->focus_win == c->win)
			x->focus_win = NULL;
		win_remove(x->m, c->win);
	}
	if (x->focus == c->id)
		x->focus = XCB_NONE;
	free(c);
	x->dirty = true;
	if (strut)
		outputs_struts(x);
}

void
client_set_urgent(struct x *x, struct client *c, bool urgent)
{
	if (c->win == NULL || (urgent && c->win == model_focused(x->m)))
		return;
	if (c->win->urgent == urgent)
		return;
	c->win->urgent = urgent;
	x->hooks->event(x->ctx, "urgent", c->win);
}

void
client_close(struct x *x, struct client *c, bool kill)
{
	uint32_t data[5] = { x->atoms[X_WM_DELETE_WINDOW], x->time, 0, 0, 0 };

	/* Without its connection a program has no window left to lose. */
	if (kill || !c->deletes || (c->win != NULL && c->win->hung)) {
		xcb_kill_client(x->c, c->id);
		return;
	}
	x_send(x, c->id, c->id, X_WM_PROTOCOLS, data, 0);
	if (c->pings && c->ping_at == 0) {
		data[0] = x->atoms[X__NET_WM_PING];
		data[2] = c->id;
		x_send(x, c->id, c->id, X_WM_PROTOCOLS, data, 0);
		c->ping_at = x_now() + PING_MS;
	}
}
