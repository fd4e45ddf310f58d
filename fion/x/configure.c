/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * configure: windows that ask for another place or size, and what they are
 * told.  What lies in a tile stays as it is; what floats gets its way.
 */
#include "fion/x/x_internal.h"

/* A synthetic ConfigureNotify: where the window is on the root. */
void
configure_tell(struct x *x, struct client *c)
{
	xcb_configure_notify_event_t ev = {
		.response_type = XCB_CONFIGURE_NOTIFY,
		.event = c->id,
		.window = c->id,
		.x = (int16_t)(c->frame_at.x + c->inner_at.x),
		.y = (int16_t)(c->frame_at.y + c->inner_at.y),
		.width = (uint16_t)c->inner_at.w,
		.height = (uint16_t)c->inner_at.h,
	};

	xcb_send_event(
	    x->c, 0, c->id, XCB_EVENT_MASK_STRUCTURE_NOTIFY, (const char *)&ev);
}

/* A window that is not ours: as it asks. */
static void
grant(struct x *x, const xcb_configure_request_event_t *ev)
{
	uint32_t values[7];
	size_t n = 0;

	if ((ev->value_mask & XCB_CONFIG_WINDOW_X) != 0)
		values[n++] = (uint32_t)ev->x;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_Y) != 0)
		values[n++] = (uint32_t)ev->y;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_WIDTH) != 0)
		values[n++] = ev->width;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_HEIGHT) != 0)
		values[n++] = ev->height;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_BORDER_WIDTH) != 0)
		values[n++] = ev->border_width;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_SIBLING) != 0)
		values[n++] = ev->sibling;
	if ((ev->value_mask & XCB_CONFIG_WINDOW_STACK_MODE) != 0)
		values[n++] = ev->stack_mode;
	xcb_configure_window(x->c, ev->window, ev->value_mask, values);
}

/* The middle of a float from the middle of its tile. */
static void
float_to(struct win *w, int px, int py)
{
	struct rect t = w->tile->rect;

	w->float_dx = px - (t.x + (t.w - w->float_w) / 2);
	w->float_dy = py - (t.y + (t.h - w->float_h) / 2);
}

void
configure_request(struct x *x, const xcb_configure_request_event_t *ev)
{
	struct client *c = x_client(x, ev->window);
	struct win *w = c == NULL ? NULL : c->win;

	if (w == NULL) {
		/* Icons of the tray stay as they are put. */
		if (x_lookup(x, ev->window) == NULL || c != NULL)
			grant(x, ev);
		return;
	}
	if (w->floating && w->full != FULL_SCREEN) {
		int px = c->frame_at.x, py = c->frame_at.y;

		if ((ev->value_mask & XCB_CONFIG_WINDOW_WIDTH) != 0)
			w->float_w = ev->width < 1 ? 1 : ev->width;
		if ((ev->value_mask & XCB_CONFIG_WINDOW_HEIGHT) != 0)
			w->float_h = ev->height < 1 ? 1 : ev->height;
		props_constrain(&c->size, &w->float_w, &w->float_h);
		if ((ev->value_mask & XCB_CONFIG_WINDOW_X) != 0)
			px = ev->x;
		if ((ev->value_mask & XCB_CONFIG_WINDOW_Y) != 0)
			py = ev->y;
		if ((ev->value_mask &
			(XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y)) != 0)
			float_to(w, px, py);
	}
	if ((ev->value_mask & XCB_CONFIG_WINDOW_STACK_MODE) != 0 &&
	    ev->stack_mode == XCB_STACK_MODE_ABOVE &&
	    (ev->value_mask & XCB_CONFIG_WINDOW_SIBLING) == 0)
		focus_request(x, c, false, c->user_time);
	configure_tell(x, c);
}
