/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * event: what the server sends, to where it is handled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xcb/randr.h>
#include <xcb/sync.h>

#include "fion/model/layout.h"
#include "fion/text/text.h"
#include "fion/x/draw.h"
#include "fion/x/x_internal.h"

#define SETTLE_MS  100 /* screens come in a flurry of events */
#define MESSAGE_MS 6000
#define TURN_MS    20 /* of events, then it is the turn of others */

static void
screens_changed(struct x *x)
{
	if (x->screens_at == 0)
		x->screens_at = x_now() + SETTLE_MS;
}

/* Where it is now, whatever events that wait will say; none if it is gone. */
static xcb_window_t
parent_of(struct x *x, xcb_window_t w)
{
	xcb_query_tree_reply_t *r =
	    xcb_query_tree_reply(x->c, xcb_query_tree(x->c, w), NULL);
	xcb_window_t parent = r == NULL ? XCB_NONE : r->parent;

	free(r);
	return parent;
}

/*
 * A mapped window that its client moves elsewhere is first unmapped: is it
 * still in its frame?  What is not is the client's, and is not handed back.
 */
static bool
in_frame(struct x *x, const struct client *c)
{
	return parent_of(x, c->id) == c->frame;
}

static void
forget(struct x *x, struct client *c)
{
	xcb_change_save_set(x->c, XCB_SET_MODE_DELETE, c->id);
	client_unmanage(x, c, true);
}

static void
unmapped(struct x *x, const xcb_unmap_notify_event_t *ev, bool sent)
{
	struct entry *en = x_lookup(x, ev->window);
	struct client *c;

	if (en != NULL && en->owner == OWNER_TRAY) {
		tray_unmapped(x, en->ptr);
		return;
	}
	c = en != NULL && en->owner == OWNER_CLIENT ? en->ptr : NULL;
	if (c == NULL)
		return;
	/* The frame's report is the client's deed; root's only when the
	 * client sent it itself, to withdraw; docks have no frame. */
	if (ev->event == c->frame && !in_frame(x, c))
		forget(x, c);
	else if (ev->event == c->frame || (sent && ev->event == x->root) ||
	    (c->win == NULL && ev->event == c->id))
		client_unmanage(x, c, false);
}

static void
destroyed(struct x *x, xcb_window_t w)
{
	struct entry *en = x_lookup(x, w);

	for (size_t i = 0; i < x->n_pending; i++)
		if (x->pending[i] == w)
			x->pending[i--] = x->pending[--x->n_pending];
	if (en == NULL)
		return;
	if (en->owner == OWNER_CLIENT)
		client_unmanage(x, en->ptr, true);
	else if (en->owner == OWNER_TRAY)
		tray_gone(x, en->ptr);
}

/* A client moved its window elsewhere: it is no longer ours. */
static void
reparented(struct x *x, const xcb_reparent_notify_event_t *ev)
{
	struct entry *en = x_lookup(x, ev->window);
	struct client *c;

	if (en != NULL && en->owner == OWNER_TRAY)
		tray_reparented(x, en->ptr, parent_of(x, ev->window));
	if (en == NULL || en->owner != OWNER_CLIENT)
		return;
	c = en->ptr;
	if (c->win != NULL && ev->parent != c->frame && ev->event == c->frame)
		forget(x, c);
}

static void
map_request(struct x *x, xcb_window_t w)
{
	struct client *c = x_client(x, w);
	struct entry *en = x_lookup(x, w);

	if (en != NULL && en->owner == OWNER_TRAY) {
		tray_map(x, en->ptr);
		return;
	}
	if (c == NULL) {
		client_queue(x, w);
		return;
	}
	xcb_map_window(x->c, w);
	if (c->win != NULL && c->hints.iconic) {
		c->hints.iconic = false;
		c->sent_wm_state = 0;
		win_focus(x->m, c->win);
	}
}

static void
pressed(struct x *x, const xcb_button_press_event_t *ev)
{
	struct entry *en = x_lookup(x, ev->event);
	struct tilewin *tw;
	struct client *c;
	struct win *w;

	x->time = x->user_time = ev->time;
	if (en == NULL)
		return;
	if (en->owner == OWNER_FRAME) {
		c = en->ptr;
		if (c->win != NULL)
			win_focus(x->m, c->win);
		xcb_allow_events(x->c, XCB_ALLOW_REPLAY_POINTER, ev->time);
	} else if (en->owner == OWNER_TILE) {
		struct node *t;

		tw = en->ptr;
		t = tile_by_id(x->m, tw->tile);
		w = tile_win_at(x, ev->event, ev->event_x);
		if (w != NULL && ev->detail == 2)
			x_close_window(x, w, false);
		else if (w != NULL)
			win_focus(x->m, w);
		else if (t != NULL)
			tile_focus(x->m, t);
	} else if (en->owner == OWNER_BAR) {
		bar_click(x, ev);
	}
}

/* The pointer came into a window by moving, not because windows moved. */
static void
entered(struct x *x, const xcb_enter_notify_event_t *ev)
{
	struct entry *en = x_lookup(x, ev->event);
	struct node *t = NULL;

	x->time = ev->time;
	if (!x->config->set.focus_follows_pointer || en == NULL ||
	    ev->mode != XCB_NOTIFY_MODE_NORMAL ||
	    ev->detail == XCB_NOTIFY_DETAIL_INFERIOR || x->input != INPUT_NONE)
		return;
	if (en->owner == OWNER_FRAME) {
		struct client *c = en->ptr;

		if (c->win != NULL && c->win != model_focused(x->m))
			win_focus(x->m, c->win);
	} else if (en->owner == OWNER_TILE) {
		t = tile_by_id(x->m, ((struct tilewin *)en->ptr)->tile);
		if (t != NULL && t != model_tile(x->m))
			tile_focus(x->m, t);
	}
}

static void
property(struct x *x, const xcb_property_notify_event_t *ev)
{
	struct entry *en = x_lookup(x, ev->window);

	x->time = ev->time;
	if (en != NULL &&
	    (en->owner == OWNER_CLIENT || en->owner == OWNER_TIME))
		said_changed(x, en->ptr, ev->atom);
	else if (en != NULL && en->owner == OWNER_TRAY)
		tray_property(x, en->ptr, ev->atom);
}

static void
configured(struct x *x, const xcb_configure_notify_event_t *ev)
{
	if (ev->window == x->root)
		screens_changed(x);
}

static void
handle(struct x *x, xcb_generic_event_t *ev)
{
	uint8_t type = ev->response_type & 0x7f;
	bool sent = (ev->response_type & 0x80) != 0;

	switch (type) {
	case 0: /* an error: about a window that is gone; expected */
		return;
	case XCB_KEY_PRESS:
	case XCB_KEY_RELEASE:
		x->flooded = false;
		modes_key(x, (xcb_key_press_event_t *)ev);
		return;
	case XCB_BUTTON_PRESS:
		x_touch(x);
		pressed(x, (xcb_button_press_event_t *)ev);
		return;
	case XCB_ENTER_NOTIFY:
		entered(x, (xcb_enter_notify_event_t *)ev);
		return;
	case XCB_FOCUS_IN:
		focus_in(x, (xcb_focus_in_event_t *)ev);
		return;
	case XCB_MAP_REQUEST:
		map_request(x, ((xcb_map_request_event_t *)ev)->window);
		return;
	case XCB_UNMAP_NOTIFY:
		unmapped(x, (xcb_unmap_notify_event_t *)ev, sent);
		return;
	case XCB_DESTROY_NOTIFY:
		destroyed(x, ((xcb_destroy_notify_event_t *)ev)->window);
		return;
	case XCB_REPARENT_NOTIFY:
		reparented(x, (xcb_reparent_notify_event_t *)ev);
		return;
	case XCB_CONFIGURE_REQUEST:
		configure_request(x, (xcb_configure_request_event_t *)ev);
		return;
	case XCB_CONFIGURE_NOTIFY:
		configured(x, (xcb_configure_notify_event_t *)ev);
		return;
	case XCB_PROPERTY_NOTIFY:
		property(x, (xcb_property_notify_event_t *)ev);
		return;
	case XCB_CLIENT_MESSAGE:
		x_touch(x);
		if (!tray_message(x, (xcb_client_message_event_t *)ev))
			ewmh_message(x, (xcb_client_message_event_t *)ev);
		return;
	case XCB_MAPPING_NOTIFY:
		if (((xcb_mapping_notify_event_t *)ev)->request !=
		    XCB_MAPPING_POINTER)
			keys_reload(x);
		return;
	case XCB_SELECTION_CLEAR:
		if (((xcb_selection_clear_event_t *)ev)->selection == x->wm_sn)
			x->lost = true;
		return;
	default:
		break;
	}
	if (x->has_sync && type == x->sync_event + XCB_SYNC_ALARM_NOTIFY)
		sync_answered(x, ev);
	else if (x->has_xkb && type == x->xkb_event)
		keys_xkb_event(x, ev);
	else if (x->has_randr &&
	    (type == x->randr_event + XCB_RANDR_SCREEN_CHANGE_NOTIFY ||
		type == x->randr_event + XCB_RANDR_NOTIFY))
		screens_changed(x);
}

bool
x_flooded(const struct x *x)
{
	return x->flooded;
}

/* Replies bring events with them, which then lie in xcb, not in x_fd(). */
bool
x_waiting(struct x *x)
{
	if (x->next == NULL)
		x->next = xcb_poll_for_queued_event(x->c);
	return x->next != NULL;
}

static xcb_generic_event_t *
next_event(struct x *x)
{
	xcb_generic_event_t *ev = x->next;

	x->next = NULL;
	return ev != NULL ? ev : xcb_poll_for_event(x->c);
}

int
x_read(struct x *x, struct err *e)
{
	uint64_t end = x_now() + TURN_MS;
	xcb_generic_event_t *ev;

	x->flooded = true;
	while (x_now() < end) {
		ev = next_event(x);
		if (ev == NULL) {
			x->flooded = false;
			break;
		}
		/* What a window that waits asks comes after its map. */
		switch (ev->response_type & 0x7f) {
		case XCB_CONFIGURE_REQUEST:
		case XCB_CLIENT_MESSAGE:
		case XCB_UNMAP_NOTIFY:
			said_refresh(x);
			client_manage_pending(x);
			break;
		default:
			break;
		}
		handle(x, ev);
		free(ev);
	}
	if (xcb_connection_has_error(x->c) != 0) {
		err_set(e, ERR_SYSTEM, "the X server is gone");
		return -1;
	}
	if (x->lost) {
		err_set(e, ERR_CANCELLED, "another window manager took over");
		return -1;
	}
	return 0;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

uint64_t
x_deadline(const struct x *x)
{
	uint64_t t = sooner(x->screens_at, x->mode_ends);
	const struct client *c;

	t = sooner(t, x->save_at);
	t = sooner(t, x->message_ends);
	TAILQ_FOREACH(c, &x->clients, link)
		t = sooner(sooner(t, c->ping_at), c->sync_ends);
	return t;
}

bool
x_due(const struct x *x)
{
	uint64_t t = x_deadline(x);

	return t != 0 && x_now() >= t;
}

/* It was asked whether it lives, and said nothing in time. */
static void
ping_tick(struct x *x, struct client *c, uint64_t now)
{
	if (c->ping_at == 0 || now < c->ping_at)
		return;
	c->ping_at = 0;
	if (c->win == NULL)
		return;
	c->win->hung = true;
	x_say(x,
	    "The window does not answer. "
	    "Close it again to end its program.");
	x->hooks->event(x->ctx, "hung", c->win);
}

void
x_tick(struct x *x)
{
	uint64_t now = x_now();
	struct client *c;

	if (x->screens_at != 0 && now >= x->screens_at)
		outputs_read(x);
	modes_tick(x, now);
	if (x->save_at != 0 && now >= x->save_at)
		x_save_layout(x);
	if (x->message_ends != 0 && now >= x->message_ends) {
		x->message_ends = 0;
		x->unpainted = true;
	}
	TAILQ_FOREACH(c, &x->clients, link) {
		sync_tick(c, now);
		ping_tick(x, c, now);
	}
}

bool
x_unpainted(const struct x *x)
{
	return x->unpainted;
}

void
x_paint(struct x *x)
{
	strip_paint_all(x);
	bar_paint_all(x);
	draw_end(x->draw);
	x->unpainted = false;
	xcb_flush(x->c);
}

void
x_adopt(struct x *x, bool fresh)
{
	xcb_get_property_reply_t *r = xcb_get_property_reply(x->c,
	    xcb_get_property(x->c, 0, x->root, x->atoms[X__FION_LAYOUT],
		XCB_GET_PROPERTY_TYPE_ANY, 0, LAYOUT_BYTES / 4),
	    NULL);
	struct err e;
	struct win *w;

	if (!fresh && r != NULL && xcb_get_property_value_length(r) > 0 &&
	    layout_load(x->m, xcb_get_property_value(r),
		(size_t)xcb_get_property_value_length(r), &e) == -1)
		x_say(x, e.msg);
	free(r);
	client_adopt_all(x);
	tray_start(x);
	w = model_tile(x->m)->cur;
	if (w != NULL && model_focused(x->m) == w)
		win_focus(x->m, w);
}

void
x_set_config(struct x *x, const struct config *config)
{
	struct tilewin *tw;
	struct barwin *b;
	int line = draw_font(x->draw, config->set.font, config->set.dpi);

	if (x->input != INPUT_NONE)
		modes_leave(x);
	x->config = config;
	x->style.border = config->set.border_width;
	x->style.strip = line + line / 3;
	x->style.strip_always = config->set.strip_always;
	x->bar_height = line + line / 3;
	keys_regrab(x);
	/* Their colours may be others: make them again. */
	TAILQ_FOREACH(tw, &x->tiles, link) {
		tw->seen = false;
		tw->painted = 0;
		tw->border = ~config->set.border & 0xffffff;
	}
	TAILQ_FOREACH(b, &x->bars, link)
		b->painted = b->n_cells = 0;
	if (!TAILQ_EMPTY(&x->m->screens))
		outputs_struts(x);
	x->unpainted = true;
}

void
x_touch(struct x *x)
{
	x->dirty = true;
}

void
x_set_bar(struct x *x, const struct x_bar *bar)
{
	x->bar = bar;
	x->unpainted = true;
}

void
x_toggle_bar(struct x *x)
{
	x->bar_on = !x->bar_on;
	outputs_struts(x);
}

static void
show_message(struct x *x, const char *text, bool calm)
{
	char *clean = text_clean((const uint8_t *)text, strlen(text), false);

	snprintf(x->message, sizeof(x->message), "%s", clean);
	free(clean);
	x->message_calm = calm;
	x->message_ends = x_now() + MESSAGE_MS;
	x->unpainted = true;
}

void
x_say(struct x *x, const char *text)
{
	show_message(x, text, false);
}

void
x_note(struct x *x, const char *text)
{
	show_message(x, text, true);
}

void
x_close_window(struct x *x, struct win *w, bool kill)
{
	struct client *c = x_client_of(x, w);

	if (c != NULL)
		client_close(x, c, kill);
}
