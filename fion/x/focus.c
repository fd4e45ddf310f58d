/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * focus: the input focus is where the model says, and nobody else moves it.
 */
#include "fion/x/x_internal.h"

#define REFOCUS_MS  1000 /* a client that fights for the focus is let be */
#define REFOCUS_MAX 8    /* after so many times in that span */

static void
send_focus(struct x *x, struct client *c)
{
	uint32_t data[5] = { x->atoms[X_WM_TAKE_FOCUS], x->time, 0, 0, 0 };

	if (c->hints.input || !c->takes_focus)
		xcb_set_input_focus(x->c, XCB_INPUT_FOCUS_POINTER_ROOT,
		    c->hints.input ? c->id : x->nofocus, XCB_CURRENT_TIME);
	if (c->takes_focus)
		x_send(x, c->id, c->id, X_WM_PROTOCOLS, data, 0);
}

/* A click on the window that has the focus is the client's alone. */
static void
grab_clicks(struct x *x, struct client *c, bool on)
{
	if (on)
		xcb_grab_button(x->c, 0, c->frame, XCB_EVENT_MASK_BUTTON_PRESS,
		    XCB_GRAB_MODE_SYNC, XCB_GRAB_MODE_ASYNC, XCB_NONE, XCB_NONE,
		    XCB_BUTTON_INDEX_ANY, XCB_MOD_MASK_ANY);
	else
		xcb_ungrab_button(
		    x->c, XCB_BUTTON_INDEX_ANY, c->frame, XCB_MOD_MASK_ANY);
}

void
focus_apply(struct x *x)
{
	struct win *w = model_focused(x->m);
	struct client *c = x_client_of(x, w), *old;
	xcb_window_t want = c == NULL ? x->nofocus : c->id;

	if (w != NULL && w->urgent) {
		w->urgent = false;
		x->hooks->event(x->ctx, "urgent", w);
	}
	if (x->focus == want)
		return;
	old = x_client(x, x->focus);
	if (old != NULL && old->win != NULL && old != c)
		grab_clicks(x, old, true);
	if (c == NULL) {
		xcb_set_input_focus(x->c, XCB_INPUT_FOCUS_POINTER_ROOT,
		    x->nofocus, XCB_CURRENT_TIME);
	} else {
		send_focus(x, c);
		grab_clicks(x, c, false);
	}
	x->focus = want;
	xcb_flush(x->c); /* it need not wait for what is painted after */
	if (x->focus_win != w) {
		x->focus_win = w;
		x->dirty = true;
		x->hooks->event(x->ctx, "focus", w);
	}
}

/* Take it back, unless someone fights us for it without end. */
static void
again(struct x *x)
{
	uint64_t now = x_now();

	if (now - x->refocus_at > REFOCUS_MS) {
		x->refocus_at = now;
		x->refocused = 0;
	}
	if (++x->refocused <= REFOCUS_MAX)
		x->focus = XCB_NONE;
}

void
focus_in(struct x *x, const xcb_focus_in_event_t *ev)
{
	struct client *c = x_client(x, ev->event);
	struct win *w = model_focused(x->m);

	if (ev->mode == XCB_NOTIFY_MODE_GRAB ||
	    ev->mode == XCB_NOTIFY_MODE_UNGRAB ||
	    ev->detail == XCB_NOTIFY_DETAIL_POINTER ||
	    ev->detail == XCB_NOTIFY_DETAIL_VIRTUAL ||
	    ev->detail == XCB_NOTIFY_DETAIL_NONLINEAR_VIRTUAL)
		return;
	if (ev->event == x->root) {
		again(x); /* dropped: from a window below, or to nowhere */
		return;
	}
	if (ev->detail == XCB_NOTIFY_DETAIL_INFERIOR || c == NULL ||
	    c->win == NULL || c->win == w)
		return;
	/* The same program may hand it on among its windows. */
	if (w != NULL && win_visible(x->m, c->win) &&
	    (c->win->leader == w || w->leader == c->win)) {
		win_focus(x->m, c->win);
		x->focus = c->id;
		return;
	}
	again(x);
}

void
focus_request(
    struct x *x, struct client *c, bool by_person, xcb_timestamp_t when)
{
	const struct win *w = model_focused(x->m);

	if (c->win == NULL || c->win == w)
		return;
	if (!by_person && !x->config->set.steal_focus && w != NULL) {
		/* Of the same program, and not older than the last key. */
		bool related = c->win->leader == w || w->leader == c->win;

		if (!related ||
		    (when != 0 && x->user_time != 0 &&
			(int32_t)(when - x->user_time) < 0)) {
			client_set_urgent(x, c, true);
			return;
		}
	}
	win_focus(x->m, c->win);
}
