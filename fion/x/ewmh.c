/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * ewmh: what pagers, bars and scripts read and ask.
 *
 * Desktops are workspaces, screen by screen.
 */
#include <stdlib.h>
#include <string.h>

#include "fion/x/x_internal.h"

#define ALL_DESKTOPS 0xffffffffU

static const enum x_atom supported[] = { X__NET_SUPPORTED,
	X__NET_SUPPORTING_WM_CHECK, X__NET_WM_NAME, X__NET_CLIENT_LIST,
	X__NET_CLIENT_LIST_STACKING, X__NET_NUMBER_OF_DESKTOPS,
	X__NET_DESKTOP_NAMES, X__NET_CURRENT_DESKTOP, X__NET_DESKTOP_GEOMETRY,
	X__NET_DESKTOP_VIEWPORT, X__NET_WORKAREA, X__NET_ACTIVE_WINDOW,
	X__NET_CLOSE_WINDOW, X__NET_MOVERESIZE_WINDOW,
	X__NET_REQUEST_FRAME_EXTENTS, X__NET_FRAME_EXTENTS, X__NET_WM_DESKTOP,
	X__NET_WM_STATE, X__NET_WM_STATE_MODAL, X__NET_WM_STATE_HIDDEN,
	X__NET_WM_STATE_FULLSCREEN, X__NET_WM_STATE_FOCUSED,
	X__NET_WM_STATE_DEMANDS_ATTENTION, X__NET_WM_STATE_MAXIMIZED_VERT,
	X__NET_WM_STATE_MAXIMIZED_HORZ, X__NET_WM_STATE_SKIP_TASKBAR,
	X__NET_WM_STATE_ABOVE, X__NET_WM_STATE_BELOW, X__NET_WM_ALLOWED_ACTIONS,
	X__NET_WM_ACTION_FULLSCREEN, X__NET_WM_ACTION_CLOSE,
	X__NET_WM_ACTION_CHANGE_DESKTOP, X__NET_WM_WINDOW_TYPE,
	X__NET_WM_WINDOW_TYPE_DESKTOP, X__NET_WM_WINDOW_TYPE_DOCK,
	X__NET_WM_WINDOW_TYPE_TOOLBAR, X__NET_WM_WINDOW_TYPE_MENU,
	X__NET_WM_WINDOW_TYPE_UTILITY, X__NET_WM_WINDOW_TYPE_SPLASH,
	X__NET_WM_WINDOW_TYPE_DIALOG, X__NET_WM_WINDOW_TYPE_NOTIFICATION,
	X__NET_WM_WINDOW_TYPE_NORMAL, X__NET_WM_PING, X__NET_WM_PID,
	X__NET_WM_SYNC_REQUEST, X__NET_WM_FULLSCREEN_MONITORS, X__NET_WM_STRUT,
	X__NET_WM_STRUT_PARTIAL, X__NET_WM_USER_TIME,
	X__NET_WM_USER_TIME_WINDOW };

#define N_SUPPORTED (sizeof(supported) / sizeof(supported[0]))

void
ewmh_announce(struct x *x)
{
	uint32_t atoms[N_SUPPORTED];

	for (size_t i = 0; i < N_SUPPORTED; i++)
		atoms[i] = x->atoms[supported[i]];
	x_prop_cards(
	    x, x->root, X__NET_SUPPORTED, XCB_ATOM_ATOM, atoms, N_SUPPORTED);
	x_prop_cards(x, x->check, X__NET_SUPPORTING_WM_CHECK, XCB_ATOM_WINDOW,
	    &x->check, 1);
	x_prop_text(x, x->check, X__NET_WM_NAME, "fion");
	x_prop_cards(x, x->root, X__NET_SUPPORTING_WM_CHECK, XCB_ATOM_WINDOW,
	    &x->check, 1);
	x->sent_current = x->sent_count = ALL_DESKTOPS;
	x->sent_active = ALL_DESKTOPS;
}

void
ewmh_withdraw(struct x *x)
{
	static const enum x_atom ours[] = { X__NET_SUPPORTED,
		X__NET_SUPPORTING_WM_CHECK, X__NET_CLIENT_LIST,
		X__NET_CLIENT_LIST_STACKING, X__NET_NUMBER_OF_DESKTOPS,
		X__NET_DESKTOP_NAMES, X__NET_CURRENT_DESKTOP,
		X__NET_DESKTOP_GEOMETRY, X__NET_DESKTOP_VIEWPORT,
		X__NET_WORKAREA, X__NET_ACTIVE_WINDOW };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		xcb_delete_property(x->c, x->root, x->atoms[ours[i]]);
}

/* A property of the root, when it is not what was sent; takes b. */
static void
root_list(struct x *x, struct buf *sent, enum x_atom name, xcb_atom_t type,
    uint8_t format, struct buf *b)
{
	if (sent->data != NULL && sent->len == b->len &&
	    (b->len == 0 || memcmp(sent->data, b->data, b->len) == 0)) {
		buf_free(b);
		return;
	}
	buf_reserve(b, 1);
	xcb_change_property(x->c, XCB_PROP_MODE_REPLACE, x->root,
	    x->atoms[name], type, format, (uint32_t)(b->len / (format / 8)),
	    b->data);
	buf_free(sent);
	*sent = *b;
}

static void
add_card(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void
client_lists(struct x *x)
{
	struct buf mapped = { 0 }, stacked = { 0 };
	struct client *c;

	TAILQ_FOREACH(c, &x->clients, link)
		add_card(&mapped, c->id);
	TAILQ_FOREACH(c, &x->clients, link)
		if (!c->frame_mapped)
			add_card(&stacked, c->id);
	for (size_t i = 0; i + 4 <= x->sent_layers.len; i += 4) {
		xcb_window_t w;
		struct client *s;

		memcpy(&w, x->sent_layers.data + i, 4);
		s = x_client(x, w);
		if (s != NULL && s->frame_mapped)
			add_card(&stacked, s->id);
	}
	root_list(
	    x, &x->sent_list, X__NET_CLIENT_LIST, XCB_ATOM_WINDOW, 32, &mapped);
	root_list(x, &x->sent_stack, X__NET_CLIENT_LIST_STACKING,
	    XCB_ATOM_WINDOW, 32, &stacked);
}

static void
root_card(struct x *x, enum x_atom name, uint32_t v, uint32_t *sent)
{
	if (*sent == v)
		return;
	*sent = v;
	x_prop_cards(x, x->root, name,
	    name == X__NET_ACTIVE_WINDOW ? XCB_ATOM_WINDOW : XCB_ATOM_CARDINAL,
	    &v, 1);
}

static void
desktops(struct x *x)
{
	struct buf names = { 0 }, area = { 0 };
	uint32_t n = (uint32_t)workspace_count(x->m), viewport[2] = { 0, 0 };
	uint32_t size[2] = { x->screen->width_in_pixels,
		x->screen->height_in_pixels };
	bool same;

	for (size_t i = 0; i < n; i++) {
		struct workspace *ws = workspace_at(x->m, i);
		struct rect r = { 0, 0, (int)size[0], (int)size[1] };

		if (ws->screen != NULL)
			r = ws->screen->work;
		buf_add(&names, ws->name, strlen(ws->name) + 1);
		add_card(&area, (uint32_t)r.x);
		add_card(&area, (uint32_t)r.y);
		add_card(&area, (uint32_t)r.w);
		add_card(&area, (uint32_t)r.h);
	}
	same = x->sent_count == n && x->sent_area.len == area.len &&
	    (area.len == 0 ||
		memcmp(x->sent_area.data, area.data, area.len) == 0);
	root_card(x, X__NET_NUMBER_OF_DESKTOPS, n, &x->sent_count);
	root_list(x, &x->sent_names, X__NET_DESKTOP_NAMES,
	    x->atoms[X_UTF8_STRING], 8, &names);
	if (!same) {
		x_prop_cards(x, x->root, X__NET_DESKTOP_GEOMETRY,
		    XCB_ATOM_CARDINAL, size, 2);
		x_prop_cards(x, x->root, X__NET_DESKTOP_VIEWPORT,
		    XCB_ATOM_CARDINAL, viewport, 2);
	}
	root_list(
	    x, &x->sent_area, X__NET_WORKAREA, XCB_ATOM_CARDINAL, 32, &area);
	root_card(x, X__NET_CURRENT_DESKTOP,
	    (uint32_t)workspace_index(x->m, workspace_current(x->m)),
	    &x->sent_current);
}

static void
client_desktop(struct x *x, struct client *c)
{
	const struct workspace *ws = c->win == NULL ? NULL : c->win->tile->ws;
	uint32_t d =
	    ws == NULL ? ALL_DESKTOPS : (uint32_t)workspace_index(x->m, ws);

	if (d == c->sent_desktop)
		return;
	if (c->sent_desktop == ALL_DESKTOPS - 1 && c->win != NULL) {
		static const enum x_atom actions[] = {
			X__NET_WM_ACTION_FULLSCREEN, X__NET_WM_ACTION_CLOSE,
			X__NET_WM_ACTION_CHANGE_DESKTOP, X__NET_WM_ACTION_MOVE,
			X__NET_WM_ACTION_RESIZE
		};
		uint32_t extents[4] = { 0 }, a[5];
		size_t n = c->win->floating ? 5 : 3;

		for (size_t i = 0; i < n; i++)
			a[i] = x->atoms[actions[i]];
		x_prop_cards(x, c->id, X__NET_FRAME_EXTENTS, XCB_ATOM_CARDINAL,
		    extents, 4);
		x_prop_cards(
		    x, c->id, X__NET_WM_ALLOWED_ACTIONS, XCB_ATOM_ATOM, a, n);
	}
	c->sent_desktop = d;
	x_prop_cards(x, c->id, X__NET_WM_DESKTOP, XCB_ATOM_CARDINAL, &d, 1);
}

void
ewmh_update(struct x *x)
{
	const struct win *w = model_focused(x->m);
	struct client *c;

	client_lists(x);
	desktops(x);
	root_card(x, X__NET_ACTIVE_WINDOW, w == NULL ? XCB_NONE : w->id,
	    &x->sent_active);
	TAILQ_FOREACH(c, &x->clients, link)
		client_desktop(x, c);
}

/* add (1), remove (0) or toggle (2). */
static bool
changed(bool now, uint32_t action)
{
	return action == 2 ? !now : action == 1;
}

static void
change_state(struct x *x, struct client *c, uint32_t action, xcb_atom_t a)
{
	struct win *w = c->win;

	if (a == x->atoms[X__NET_WM_STATE_FULLSCREEN])
		w->full = changed(w->full != FULL_NONE, action) ? FULL_SCREEN :
								  FULL_NONE;
	else if (a == x->atoms[X__NET_WM_STATE_DEMANDS_ATTENTION])
		client_set_urgent(x, c, changed(w->urgent, action));
	else if (a == x->atoms[X__NET_WM_STATE_MODAL])
		c->modal = changed(c->modal, action);
	else if (a == x->atoms[X__NET_WM_STATE_ABOVE])
		c->above = changed(c->above, action);
	else if (a == x->atoms[X__NET_WM_STATE_BELOW])
		c->below = changed(c->below, action);
	else if (a == x->atoms[X__NET_WM_STATE_SKIP_TASKBAR])
		c->skip_taskbar = changed(c->skip_taskbar, action);
	else if (a == x->atoms[X__NET_WM_STATE_MAXIMIZED_VERT] ||
	    a == x->atoms[X__NET_WM_STATE_MAXIMIZED_HORZ])
		c->maximized = changed(c->maximized, action);
}

static void
go_to_desktop(struct x *x, struct client *c, uint32_t n)
{
	struct workspace *ws = workspace_at(x->m, n);

	if (n == ALL_DESKTOPS)
		win_move(x->m, c->win, x->m->scratch);
	else if (ws != NULL && c->win->tile->ws != ws)
		win_move(x->m, c->win, ws->cur);
}

/* As if the client had asked to be configured so. */
static void
move_resize(struct x *x, const xcb_client_message_event_t *ev)
{
	const uint32_t *d = ev->data.data32;
	xcb_configure_request_event_t r = { .window = ev->window,
		.value_mask = (uint16_t)(d[0] >> 8 & 15),
		.x = (int16_t)d[1],
		.y = (int16_t)d[2],
		.width = (uint16_t)d[3],
		.height = (uint16_t)d[4] };

	configure_request(x, &r);
}

/* Which screens it covers when it is fullscreen. */
static void
span_screens(struct x *x, struct client *c, const uint32_t monitors[4])
{
	struct rect r;

	c->has_span = outputs_span(x, monitors, &r);
	memcpy(c->span, monitors, sizeof(c->span));
	if (c->has_span)
		x_prop_cards(x, c->id, X__NET_WM_FULLSCREEN_MONITORS,
		    XCB_ATOM_CARDINAL, monitors, 4);
	else
		xcb_delete_property(
		    x->c, c->id, x->atoms[X__NET_WM_FULLSCREEN_MONITORS]);
}

/* Messages about one window. */
static void
about_client(
    struct x *x, struct client *c, const xcb_client_message_event_t *ev)
{
	const uint32_t *d = ev->data.data32;
	const xcb_atom_t *a = x->atoms;
	uint32_t state[2] = { 1, XCB_NONE };

	if (ev->type == a[X__NET_CLOSE_WINDOW]) {
		client_close(x, c, false);
	} else if (c->win == NULL) {
		return;
	} else if (ev->type == a[X__NET_ACTIVE_WINDOW]) {
		focus_request(x, c, d[0] == 2, d[1]);
	} else if (ev->type == a[X__NET_WM_STATE]) {
		change_state(x, c, d[0], d[1]);
		if (d[2] != XCB_NONE && d[2] != d[1])
			change_state(x, c, d[0], d[2]);
	} else if (ev->type == a[X__NET_WM_FULLSCREEN_MONITORS]) {
		span_screens(x, c, d);
	} else if (ev->type == a[X__NET_WM_DESKTOP]) {
		go_to_desktop(x, c, d[0]);
	} else if (ev->type == a[X__NET_MOVERESIZE_WINDOW]) {
		move_resize(x, ev);
	} else if (ev->type == a[X_WM_CHANGE_STATE] && d[0] == 3) {
		/* Tabs are not iconified: say so, Wine waits for it. */
		x_prop_cards(x, c->id, X_WM_STATE, a[X_WM_STATE], state, 2);
	}
}

/* The answer to a ping: the window lives. */
static void
pong(struct x *x, const xcb_client_message_event_t *ev)
{
	struct client *c = x_client(x, ev->data.data32[2]);

	if (c == NULL)
		return;
	c->ping_at = 0;
	if (c->win != NULL && c->win->hung) {
		c->win->hung = false;
		x->hooks->event(x->ctx, "title", c->win);
	}
}

void
ewmh_message(struct x *x, const xcb_client_message_event_t *ev)
{
	const xcb_atom_t *a = x->atoms;
	struct client *c = x_client(x, ev->window);
	uint32_t extents[4] = { 0 };
	struct workspace *ws;

	if (ev->format != 32)
		return;
	if (ev->type == a[X_WM_PROTOCOLS] && ev->window == x->root &&
	    ev->data.data32[0] == a[X__NET_WM_PING]) {
		pong(x, ev);
	} else if (ev->type == a[X__NET_CURRENT_DESKTOP]) {
		ws = workspace_at(x->m, ev->data.data32[0]);
		if (ws != NULL)
			workspace_show(x->m, ws);
	} else if (ev->type == a[X__NET_NUMBER_OF_DESKTOPS]) {
		if (ev->data.data32[0] > workspace_count(x->m) &&
		    ev->data.data32[0] <= 32)
			workspace_create(x->m, x->m->cur, NULL);
	} else if (ev->type == a[X__NET_REQUEST_FRAME_EXTENTS]) {
		x_prop_cards(x, ev->window, X__NET_FRAME_EXTENTS,
		    XCB_ATOM_CARDINAL, extents, 4);
	} else if (c != NULL) {
		about_client(x, c, ev);
	}
}
